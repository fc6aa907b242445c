"""Filters as resources: created against the schemas of their dataset group, applied to one request."""

from localaws.errors import invalid, limit
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.personalize import schema
from localaws.services.personalize.datasets import fields_of, group_datasets
from localaws.services.personalize.resource_types import PERSONALIZE
from storecast_engines.filters import MOST_FIELDS, MOST_FIELDS_OF_GROUP, FilterError, check, columns_of, parse


def create_filter(context: Context, params: dict) -> dict:
    """Raises InvalidInputException saying where the expression is wrong, LimitExceededException."""
    group = PERSONALIZE.get(context, "DatasetGroup", params["datasetGroupArn"])
    try:
        expressions = parse(params["filterExpression"])
        check(expressions, _schemas(context, group.arn))
    except FilterError as error:
        raise invalid(str(error)) from None
    others = [
        each for each in PERSONALIZE.having(context, "Filter", datasetGroupArn=group.arn) if each.name != params["name"]
    ]
    fields = columns_of(expressions)
    if len(fields) > MOST_FIELDS:
        raise limit(f"The filter has {len(fields)} distinct dataset fields; it may have {MOST_FIELDS}.")
    of_group = fields.union(*(columns_of(parse(each.record["filterExpression"])) for each in others))
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


def _schemas(context: Context, group_arn: str) -> dict[str, dict[str, schema.Field]]:
    """By dataset type, the fields by their names in upper case."""
    datasets = group_datasets(context, group_arn)
    return {kind: {field.name.upper(): field for field in fields_of(context, each)} for kind, each in datasets.items()}
