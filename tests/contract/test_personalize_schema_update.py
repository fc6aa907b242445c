"""UpdateDataset: a schema that gains fields takes the place of the old one."""

import json

import pytest

from localaws.settings import Settings
from tests.contract.clients import client, refused
from tests.contract.helpers import INTERACTIONS, USERS, avro, ended, marked, unique
from tests.contract.personalize_setup import create_group, delete_group

FIELDS = (("ITEM_ID", "string"), ("PRICE", "float"), marked("CATEGORY_L1", "categorical"))
COLOUR = ("COLOUR", ["null", "string"])


@pytest.fixture
def group(personalize):
    made = create_group(personalize, ("Items",))
    yield made
    delete_group(personalize, made)


def _schema(personalize, text: str) -> str:
    return personalize.create_schema(name=unique("schema"), domain="ECOMMERCE", schema=text)["schemaArn"]


def test_records_and_filters_know_the_new_field(personalize, embedded_aws: Settings, group) -> None:
    items, wider = group.datasets["Items"], _schema(personalize, avro("Items", *FIELDS, COLOUR))
    put = client("personalize-events").put_items
    properties = json.dumps({"price": 1.0, "categoryL1": "x", "colour": "red"})
    red = {"datasetArn": items, "items": [{"itemId": "i", "properties": properties}]}
    red_only = {"name": unique("filter"), "datasetGroupArn": group.arn}
    red_only["filterExpression"] = 'INCLUDE ItemID WHERE Items.COLOUR IN ("red")'
    refused("InvalidInputException", put, "COLOUR", **red)
    refused("InvalidInputException", personalize.create_filter, "Items.COLOUR", **red_only)
    assert personalize.update_dataset(datasetArn=items, schemaArn=wider)["datasetArn"] == items
    found = ended(personalize.describe_dataset, "dataset", datasetArn=items)
    assert found["schemaArn"] == found["latestDatasetUpdate"]["schemaArn"] == wider
    put(**red)
    ended(personalize.describe_filter, "filter", filterArn=personalize.create_filter(**red_only)["filterArn"])


def test_interactions_keep_their_schema(personalize) -> None:
    group = create_group(personalize, ("Interactions",))
    schema = _schema(personalize, INTERACTIONS)
    update = {"datasetArn": group.datasets["Interactions"], "schemaArn": schema}
    refused("InvalidInputException", personalize.update_dataset, "Interactions", "cannot be replaced", **update)
    personalize.delete_schema(schemaArn=schema)
    delete_group(personalize, group)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (avro("Items", *FIELDS, ("COLOUR", "string")), ["COLOUR", "null"]),
        (
            avro("Items", FIELDS[0], FIELDS[1], marked("CATEGORY_L1", "categorical") | {"type": ["null", "string"]}),
            ["CATEGORY_L1"],
        ),
        (USERS, ["Users", "Items"]),
    ],
    ids=["not nullable", "changed", "other type"],
)
def test_schemas_that_do_not_follow(personalize, group, text: str, words: list[str]) -> None:
    schema = _schema(personalize, text)
    update = {"datasetArn": group.datasets["Items"], "schemaArn": schema}
    refused("InvalidInputException", personalize.update_dataset, *words, **update)
    personalize.delete_schema(schemaArn=schema)
