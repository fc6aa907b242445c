"""Rules of Amazon Personalize for schemas and filters, as the guide documents them; each check returns its problems.

Sources: docs/aws-sources.md#personalize-limits, docs/aws-sources.md#personalize-data-prep-formatting,
docs/aws-sources.md#personalize-filter-expressions; those of the domains are in lambdas/recommending/domains.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from infra.config.base import Strict, name_problems
from recommending.domains import DOMAINS, MOST_METADATA_COLUMNS
from storecast_engines.filters import MOST_FIELDS, MOST_FIELDS_OF_GROUP, FilterError, check, columns_of, parse

_KEYS = ("USER_ID", "ITEM_ID", "TIMESTAMP")
_MARKS = ("categorical", "textual")

CUSTOM_RECIPES = (
    "aws-user-personalization",
    "aws-personalized-ranking",
    "aws-similar-items",
    "aws-popularity-count",
    "aws-trending-now",
)
# What shows young items too (use-case features page).
EXPLORING = ("recommended-for-you", "top-picks-for-you", "aws-user-personalization")


class ColumnType(Strict):
    """One column of a Personalize dataset (Avro type and Personalize's own marks)."""

    type: Literal["string", "int", "long", "float", "double", "boolean"]
    """The Avro type. `COLUMN: string` is short for `COLUMN: {type: string}`."""
    categorical: bool = False
    """The values are categories, several of them separated by `|`; for text only."""
    textual: bool = False
    """The values are natural language; for one column of items."""
    nullable: bool = False
    """Values may be missing; not in columns that the domain needs."""

    @property
    def kind(self) -> str:
        """The type, as filters ask for it."""
        return self.type


def schema_problems(domain: str, kind: str, columns: Mapping[str, ColumnType]) -> list[str]:
    required, known = DOMAINS[domain].required[kind], DOMAINS[domain].fields(kind)
    found = [
        f"{kind}: {name} is missing; the {domain} domain needs it, of type {_avro(wanted)}"
        for name, wanted in required.items()
        if name not in columns
    ]
    for name, column in columns.items():
        found += name_problems(kind, name)
        found += [f"{kind}.{name}: {problem}" for problem in _column_problems(domain, column, known.get(name))]
        if (name in required or name in _KEYS) and column.nullable:
            found.append(f"{kind}.{name}: a required column cannot be nullable")
    textual, most = sum(column.textual for column in columns.values()), 1 if kind == "items" else 0
    if textual > most:
        found.append(f"{kind}: {textual} textual columns; at most {most}")
    if kind != "interactions" and not set(columns) - {*_KEYS, "CREATION_TIMESTAMP"}:
        found.append(f"{kind}: no column beside {', '.join(columns) or 'the id'}; at least one is needed")
    own, most = set(columns) - set(known), MOST_METADATA_COLUMNS[kind]
    if len(own) > most:
        found.append(f"{kind}: {len(own)} metadata columns; at most {most}")
    return found + _clashes(kind, columns)


def _column_problems(domain: str, column: ColumnType, wanted: str | None) -> list[str]:
    """`wanted` is how domains.toml has the column, if the domain knows it by name."""
    found = []
    marks = [mark for mark in _MARKS if getattr(column, mark)]
    if wanted:
        if column.type != _avro(wanted):
            found.append(f"type {column.type!r}; the {domain} domain needs {_avro(wanted)}")
        if marks != [mark for mark in _MARKS if mark == wanted]:
            needed = wanted if wanted in _MARKS else "neither categorical nor textual"
            found.append(f"the {domain} domain needs it {needed}")
    if marks and column.type != "string":
        found.append("only a string can be categorical or textual")
    if len(marks) > 1:
        found.append("either categorical or textual, not both")
    return found


def _avro(wanted: str) -> str:
    return "string" if wanted in _MARKS else wanted


def filter_problems(filters: Mapping[str, str], datasets: Mapping[str, Mapping[str, ColumnType]]) -> list[str]:
    """What CreateFilter would refuse, by the grammar of the embedded Personalize.

    Columns of datasets whose columns are inferred, {}, are known only when the files are there
    (docs/aws-sources.md#personalize-filter-expressions, docs/aws-sources.md#personalize-limits).
    """
    found, fields = [], set()
    for name, expression in filters.items():
        found += short_name_problems(name)
        if len(expression) > 2500:
            found.append(f"{name}: {len(expression)} characters; at most 2500")
        try:
            expressions = parse(expression)
            named = columns_of(expressions)
            if all(datasets.get(dataset.lower(), True) for dataset, _ in named):
                check(expressions, _by_type(datasets))
        except FilterError as error:
            found.append(f"{name}: {expression!r}: {error}")
            continue
        fields |= named
        if len(named) > MOST_FIELDS:
            found.append(f"{name}: {len(named)} different columns; at most {MOST_FIELDS}")
    if len(fields) > MOST_FIELDS_OF_GROUP:
        found.append(f"{len(fields)} different columns in all filters; at most {MOST_FIELDS_OF_GROUP}")
    return found


def _by_type(datasets: Mapping[str, Mapping[str, ColumnType]]) -> dict[str, dict[str, ColumnType]]:
    return {kind.upper(): {name.upper(): column for name, column in of.items()} for kind, of in datasets.items()}


def short_name_problems(name: str, most: int = 20) -> list[str]:
    """Names from the config become parts of names of at most 63 characters."""
    if re.fullmatch(r"[a-z][a-z0-9-]*", name) and len(name) <= most:
        return []
    return [f"name {name!r}: allowed are 1-{most} of a-z, 0-9 and -, a letter first"]


def _clashes(kind: str, names: Iterable[str]) -> list[str]:
    """Personalize tells names apart without regard to underscores
    (docs/aws-sources.md#personalize-data-prep-formatting)."""
    seen: dict[str, str] = {}
    found = []
    for name in names:
        other = seen.setdefault(name.replace("_", "").upper(), name)
        if other != name:
            found.append(f"{kind}: {other} and {name} differ only in underscores or case, which Personalize ignores")
    return found
