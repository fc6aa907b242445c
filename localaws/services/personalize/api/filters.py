"""Filters as resources: created against the schemas of their dataset group, applied to one request."""

from localaws.errors import invalid, limit
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.personalize import schema
from localaws.services.personalize.datasets import fields_of, group_datasets
from localaws.services.personalize.filters import (
    Expression,
    Field,
    FilterError,
    parse,
)
from localaws.services.personalize.resource_types import PERSONALIZE

MOST_FIELDS, MOST_FIELDS_OF_GROUP = 10, 20  # quotas page of the guide
DATASETS = {"Items": "ITEMS", "CurrentItem": "ITEMS", "CurrentUser": "USERS", "Interactions": "INTERACTIONS"}
NUMBERS = ("float", "double", "int", "long")


def create_filter(context: Context, params: dict) -> dict:
    """Raises InvalidInputException saying where the expression is wrong, LimitExceededException."""
    group = PERSONALIZE.get(context, "DatasetGroup", params["datasetGroupArn"])
    try:
        expressions = parse(params["filterExpression"])
        _check(expressions, _schemas(context, group.arn))
    except FilterError as error:
        raise invalid(str(error)) from None
    others = [
        each for each in PERSONALIZE.having(context, "Filter", datasetGroupArn=group.arn) if each.name != params["name"]
    ]
    fields = _fields(expressions)
    if len(fields) > MOST_FIELDS:
        raise limit(f"The filter has {len(fields)} distinct dataset fields; it may have {MOST_FIELDS}.")
    of_group = fields.union(*(_fields(parse(each.record["filterExpression"])) for each in others))
    if len(of_group) > MOST_FIELDS_OF_GROUP:
        raise limit(
            f"The filters of {group.arn} would have {len(of_group)} distinct dataset fields; all together may have "
            f"{MOST_FIELDS_OF_GROUP}."
        )
    made = PERSONALIZE.create(context, "Filter", params)
    PERSONALIZE.activate(context, made)
    return {"filterArn": made.arn}


def usable(context: Context, arn: str, group_arn: str) -> Resource:
    """The filter of a request to something of the group. Raises unless it is ACTIVE and of the same group."""
    found = PERSONALIZE.get(context, "Filter", arn)
    if found.status != "ACTIVE":
        raise invalid(f"Filter {arn} is {found.status}; only an ACTIVE one can be applied.")
    if found.record["datasetGroupArn"] != group_arn:
        raise invalid(f"Filter {arn} is of dataset group {found.record['datasetGroupArn']}, not of {group_arn}.")
    return found


def _fields(expressions: tuple[Expression, ...]) -> set[tuple[str, str]]:
    return {(DATASETS[field.dataset], field.name) for each in expressions for field in each.fields()}


def _schemas(context: Context, group_arn: str) -> dict[str, dict[str, schema.Field]]:
    """By dataset type, the fields by their names in upper case."""
    datasets = group_datasets(context, group_arn)
    return {kind: {field.name.upper(): field for field in fields_of(context, each)} for kind, each in datasets.items()}


def _check(expressions: tuple[Expression, ...], schemas: dict[str, dict[str, schema.Field]]) -> None:
    """Fields exist and can be filtered, and are tested against values of their own type."""
    for expression in expressions:
        for condition in expression.conditions():
            field = condition.field
            numeric = _numeric(field, schemas)
            if condition.operator not in ("IN", "NOT IN") and not numeric:
                raise _wrong(field, f"{condition.operator} compares numbers; strings are tested with IN or NOT IN")
            for value in condition.values or ():
                if isinstance(value, Field) and _numeric(value, schemas) != numeric:
                    raise _wrong(value, f"It is not of the type of {field}")
                if isinstance(value, str | float) and isinstance(value, float) != numeric:
                    raise _wrong(field, f"Its values are {'numbers' if numeric else 'strings'}, not {value!r}")


def _numeric(field: Field, schemas: dict[str, dict[str, schema.Field]]) -> bool:
    dataset_type = DATASETS[field.dataset]
    if dataset_type not in schemas:
        raise _wrong(field, f"The dataset group has no {dataset_type} dataset")
    known = schemas[dataset_type]
    if field.name not in known:
        raise _wrong(field, f"The {dataset_type} dataset has the fields {', '.join(sorted(known))}")
    if dataset_type == "INTERACTIONS" and field.name != "EVENT_TYPE":
        raise _wrong(field, "Of interactions only EVENT_TYPE can be filtered")
    found = known[field.name]
    if found.kind == "boolean":
        raise _wrong(field, "Boolean fields cannot be filtered; use a string, True or False, or a number, 1 or 0")
    if found.textual:
        raise _wrong(field, "Textual fields cannot be filtered")
    return found.kind in NUMBERS


def _wrong(field: Field, why: str) -> FilterError:
    return FilterError(f"Could not create filter. Invalid Expression: {field}. {why} (character {field.position})")
