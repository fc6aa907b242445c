"""What Personalize refuses of schemas and CSV files; each message names the field, or the file, row and value."""

import boto3
import pytest

from tests.contract.clients import refused
from tests.contract.helpers import INTERACTIONS, ITEMS, avro, unique
from tests.contract.personalize_setup import create_group, delete_group, import_from

HEADER = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
ROWS = "".join(f"u{row % 50},i{row % 7},{1_700_000_000 + row},View\n" for row in range(1000))
KEYS = [("USER_ID", "string"), ("ITEM_ID", "string"), ("TIMESTAMP", "long"), ("EVENT_TYPE", "string")]


@pytest.fixture(scope="module")
def group(personalize):
    made = create_group(personalize, ("Interactions", "Items"))
    yield made
    delete_group(personalize, made)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("{", ["JSON"]),
        ("{}", ["record"]),
        (INTERACTIONS.replace("com.amazonaws", "com.example"), ["namespace", "com.example"]),
        (avro("Clicks", *KEYS), ["'Clicks'", "Interactions"]),
        (avro("Interactions", *KEYS[:3]), ["EVENT_TYPE", "requires"]),
        (avro("Interactions", *KEYS[:2], ("TIMESTAMP", "string"), KEYS[3]), ["TIMESTAMP", "long"]),
        (avro("Interactions", *KEYS, ("SIZE", "decimal")), ["SIZE", "decimal", "float"]),
        (avro("Interactions", *KEYS, ("SIZE", ["int", "float"])), ["SIZE", "exactly one type"]),
        (avro("Interactions", *KEYS, ("EVENTTYPE", "string")), ["EVENTTYPE", "underscores"]),
        (avro("Users", ("USER_ID", "string")), ["Users", "metadata field"]),
    ],
)
def test_bad_schemas(personalize, schema: str, words: list[str]) -> None:
    create = personalize.create_schema
    refused("InvalidInputException", create, *words, name=unique("bad"), domain="ECOMMERCE", schema=schema)


def test_a_dataset_must_fit_its_schema_and_group(personalize, group) -> None:
    create = personalize.create_dataset
    items = {"schemaArn": group.schemas["Items"], "datasetGroupArn": group.arn}
    refused("InvalidInputException", create, "Items", "Users", name="wrong", datasetType="Users", **items)
    refused("ResourceAlreadyExistsException", create, "ITEMS", name="second", datasetType="Items", **items)
    missing = items | {"schemaArn": group.schemas["Items"] + "x"}
    refused("ResourceNotFoundException", create, name="wrong", datasetType="Items", **missing)
    described = personalize.describe_schema(schemaArn=group.schemas["Items"])["schema"]
    assert described["schema"] == ITEMS and described["domain"] == "ECOMMERCE"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("USER_ID,ITEM_ID,TIMESTAMP\nu,i,1700000000\n", ["missing the following columns", "EVENT_TYPE"]),
        (HEADER + ROWS + "u1,i1,1700000000000,View\n", ["row 1002", "TIMESTAMP", "'1700000000000'", "seconds"]),
        (HEADER + ROWS + "u1,i1,yesterday,View\n", ["row 1002", "TIMESTAMP", "'yesterday'", "long"]),
        (HEADER + ROWS + ",i1,1700000000,View\n", ["row 1002", "USER_ID", "''", "nullable"]),
        (HEADER + ROWS + f"{'u' * 257},i1,1700000000,View\n", ["row 1002", "USER_ID", "256"]),
        (HEADER + ROWS + "u1,i1,1700000000,View,9\n", ["row 1002", "5"]),
        (HEADER + ROWS.replace(",View", ",View,9"), ["row 2", "5"]),
        (HEADER + ROWS + '"u1,i1,1700000000,View\n', ["row 1002", "a quoted value"]),
        (HEADER + "u1,i1,1700000000,View\n", ["1000 interactions", "1 rows"]),
        ("", ["empty"]),
    ],
    ids=["column", "milliseconds", "number", "null", "long id", "long row", "long rows", "quote", "few", "empty"],
)
def test_bad_csv_fails_the_import(personalize, group, bucket: str, personalize_role: str, body, words) -> None:
    location = f"s3://{bucket}/bad/{unique('events')}.csv"
    boto3.client("s3").put_object(Bucket=bucket, Key=location.partition(f"{bucket}/")[2], Body=body)
    job = import_from(personalize, group.datasets["Interactions"], location, personalize_role)
    assert job["status"] == "CREATE FAILED"
    for word in [location, *words]:
        assert word in job["failureReason"], job["failureReason"]


def test_extra_columns_and_any_order_are_fine(personalize, group, bucket: str, personalize_role: str) -> None:
    body = "NOTE,EVENT_TYPE,TIMESTAMP,ITEM_ID,USER_ID\n" + "".join(
        f"x,View,{1_700_000_000 + row},i{row % 7},u{row % 50}\n" for row in range(1000)
    )
    boto3.client("s3").put_object(Bucket=bucket, Key="wide/events.csv", Body=body)
    dataset = group.datasets["Interactions"]
    job = import_from(personalize, dataset, f"s3://{bucket}/wide/", personalize_role)
    assert job["status"] == "ACTIVE", job
    again = import_from(personalize, dataset, f"s3://{bucket}/wide/", personalize_role, importMode="INCREMENTAL")
    assert (again["status"], again["importMode"]) == ("ACTIVE", "INCREMENTAL")


def test_a_recommender_needs_imported_interactions_and_enough_of_them(personalize, group) -> None:
    """Purchases are what best sellers count; this group has views alone."""
    create = personalize.create_recommender
    empty = create_group(personalize, ())
    recipe = "arn:aws:personalize:::recipe/aws-ecomm-popular-items-by-purchases"
    refused("InvalidInputException", create, "interactions", name="none", datasetGroupArn=empty.arn, recipeArn=recipe)
    delete_group(personalize, empty)


def test_imports_that_cannot_start(personalize, group, bucket: str, personalize_role: str) -> None:
    create, items = personalize.create_dataset_import_job, group.datasets["Items"]
    good = {"jobName": unique("import"), "datasetArn": items, "roleArn": personalize_role}
    here = {"dataSource": {"dataLocation": f"s3://{bucket}/recommending/sample/items/"}}
    refused("InvalidInputException", create, "INCREMENTAL", **good, **here, importMode="INCREMENTAL")
    refused("InvalidInputException", create, "/tmp", **good, dataSource={"dataLocation": "/tmp/items.csv"})
    refused("ResourceNotFoundException", create, **{**good, "datasetArn": items + "x"}, **here)


def test_a_domain_that_is_not_built_says_so(personalize) -> None:
    create = personalize.create_dataset_group
    refused("InvalidInputException", create, "VIDEO_ON_DEMAND", "ECOMMERCE", name="video", domain="VIDEO_ON_DEMAND")
