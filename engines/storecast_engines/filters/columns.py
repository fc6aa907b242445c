"""Which columns a filter may test, and against what (docs/aws-sources.md#personalize-filter-expressions)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from storecast_engines.filters.grammar import Expression, Field
from storecast_engines.filters.tokens import FilterError

_DATASETS = {"Items": "ITEMS", "CurrentItem": "ITEMS", "CurrentUser": "USERS", "Interactions": "INTERACTIONS"}
# distinct columns of a filter, and of a dataset group's filters (docs/aws-sources.md#personalize-limits)
MOST_FIELDS, MOST_FIELDS_OF_GROUP = 10, 20
_NUMBERS = ("float", "double", "int", "long")


class Column(Protocol):
    """What a dataset's schema says of a column."""

    @property
    def kind(self) -> str: ...

    @property
    def textual(self) -> bool: ...


Columns = Mapping[str, Mapping[str, Column]]  # by dataset type (ITEMS, USERS, INTERACTIONS), by name in upper case


def columns_of(expressions: Iterable[Expression]) -> set[tuple[str, str]]:
    """The distinct columns that a filter names, as dataset type and name: quotas count them."""
    return {(_DATASETS[field.dataset], field.name) for each in expressions for field in each.fields()}


def check(expressions: Iterable[Expression], columns: Columns) -> None:
    """Raises FilterError unless all columns exist, can be filtered, and are tested against values of their type."""
    for expression in expressions:
        for condition in expression.conditions():
            field = condition.field
            numeric = _numeric(field, columns)
            if condition.operator not in ("IN", "NOT IN") and not numeric:
                raise _wrong(field, f"{condition.operator} compares numbers; strings are tested with IN or NOT IN")
            for value in condition.values or ():
                if isinstance(value, Field) and _numeric(value, columns) != numeric:
                    raise _wrong(value, f"It is not of the type of {field}")
                if isinstance(value, str | float) and isinstance(value, float) != numeric:
                    raise _wrong(field, f"Its values are {'numbers' if numeric else 'strings'}, not {value!r}")


def _numeric(field: Field, columns: Columns) -> bool:
    dataset_type = _DATASETS[field.dataset]
    if dataset_type not in columns:
        raise _wrong(field, f"The dataset group has no {dataset_type} dataset")
    known = columns[dataset_type]
    if field.name not in known:
        raise _wrong(field, f"The {dataset_type} dataset has the fields {', '.join(sorted(known))}")
    if dataset_type == "INTERACTIONS" and field.name != "EVENT_TYPE":
        raise _wrong(field, "Of interactions only EVENT_TYPE can be filtered")
    found = known[field.name]
    if found.kind == "boolean":
        raise _wrong(field, "Boolean fields cannot be filtered; use a string, True or False, or a number, 1 or 0")
    if found.textual:
        raise _wrong(field, "Textual fields cannot be filtered")
    return found.kind in _NUMBERS


def _wrong(field: Field, why: str) -> FilterError:
    return FilterError(f"Could not create filter. Invalid Expression: {field}. {why} (character {field.position})")
