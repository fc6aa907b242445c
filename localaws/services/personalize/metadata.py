"""Item metadata in answers, for recommenders and campaigns made with enableMetadataWithRecommendations."""

from collections.abc import Mapping

from localaws.errors import invalid
from localaws.registration import Context
from localaws.services.personalize.datasets import fields_of, group_datasets
from localaws.services.personalize.records import records

MOST_COLUMNS, MOST_RESULTS = 10, 50  # quotas page of the guide


def check(context: Context, group_arn: str, config: dict, params: dict) -> list[str]:
    """The columns that a request asks for, none without metadataColumns. Raises InvalidInputException."""
    asked = params.get("metadataColumns", {})
    if not asked:
        return []
    if not config.get("enableMetadataWithRecommendations"):
        raise invalid("metadataColumns: enableMetadataWithRecommendations is not true in the configuration.")
    if set(asked) != {"ITEMS"}:
        raise invalid(f"metadataColumns has the key {', '.join(asked)}; it may be ITEMS alone.")
    known = _columns(context, group_arn)
    if unknown := [name for name in asked["ITEMS"] if name not in known]:
        raise invalid(f"metadataColumns: the Items dataset has {', '.join(known)}, not {', '.join(unknown)}.")
    if len(asked["ITEMS"]) > MOST_COLUMNS:
        raise invalid(f"metadataColumns has {len(asked['ITEMS'])} columns; it may have {MOST_COLUMNS}.")
    if params.get("numResults", 0) > MOST_RESULTS:
        raise invalid(f"numResults is {params['numResults']}; with metadata it may be at most {MOST_RESULTS}.")
    return asked["ITEMS"]


def attach(context: Context, group_arn: str, items: list[dict], columns: list[str]) -> list[dict]:
    """The items of an answer with their values as text under names in lower case; a missing value is left out."""
    if not columns:
        return items
    by_id = records(context, group_arn, "ITEMS").by_id
    return [item | {"metadata": _texts(by_id.get(item["itemId"], {}), columns)} for item in items]


def _texts(record: Mapping[str, object], columns: list[str]) -> dict[str, str]:
    return {name.lower(): str(record[name]) for name in columns if record.get(name) is not None}


def _columns(context: Context, group_arn: str) -> list[str]:
    items = group_datasets(context, group_arn).get("ITEMS")
    return [field.name for field in fields_of(context, items) if field.name != "ITEM_ID"] if items else []
