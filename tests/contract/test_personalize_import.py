"""What Personalize refuses of schemas and CSV files; each message names the field, or the file, row and value."""

import boto3
import pytest

from tests.contract.clients import refused
from tests.contract.helpers import INTERACTIONS, ITEMS, avro, ended, eventually, marked, unique
from tests.contract.personalize_setup import (
    ALSO_VIEWED,
    FOR_YOU,
    RECIPE,
    VIEWS,
    create_group,
    create_recommenders,
    delete_group,
    import_from,
)

HEADER = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
ROWS = "".join(f"u{row % 50},i{row % 7},{1_700_000_000 + row},View\n" for row in range(1000))
KEYS = [("USER_ID", "string"), ("ITEM_ID", "string"), ("TIMESTAMP", "long"), ("EVENT_TYPE", "string")]
ITEM = [("ITEM_ID", "string"), ("PRICE", "float"), marked("CATEGORY_L1", "categorical")]
VIDEO = [("ITEM_ID", "string"), marked("GENRES", "categorical"), ("CREATION_TIMESTAMP", "long")]


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
        (avro("Interactions", *KEYS, ("COLOUR", {"type": "array", "items": "string"})), ["COLOUR", "array"]),
        (avro("Interactions", *KEYS[:3], marked("EVENT_TYPE", "categorical")), ["EVENT_TYPE", "string", "categorical"]),
        (avro("Interactions", KEYS[0], ("ITEM_ID", ["string", "null"]), *KEYS[2:]), ["ITEM_ID", "null"]),
        (avro("Interactions", *KEYS, ("EVENT_VALUE", "string")), ["EVENT_VALUE", "float"]),
        (avro("Interactions", *KEYS, *[marked(f"M{n}", "categorical") for n in range(6)]), ["6 metadata", "5"]),
        (avro("Interactions", *KEYS, marked("NOTE", "textual")), ["NOTE", "Items"]),
        (avro("Users", ("USER_ID", "string")), ["Users", "metadata field"]),
        (
            avro("Items", ("ITEM_ID", "string"), ("PRICE", "float"), ("CATEGORY_L1", "string")),
            ["CATEGORY_L1", "categorical"],
        ),
        (avro("Items", *ITEM, marked("A", "textual"), marked("B", "textual")), ["A, B", "one"]),
        (avro("Items", *ITEM, ("PRODUCT_DESCRIPTION", "string")), ["PRODUCT_DESCRIPTION", "textual"]),
        (avro("Items", *ITEM, marked("COLOUR", "categorical", "textual")), ["COLOUR", "either"]),
        (avro("Items", *ITEM, {"name": "SIZE", "type": "int", "categorical": True}), ["SIZE", "string"]),
    ],
)
def test_bad_schemas(personalize, schema: str, words: list[str]) -> None:
    create = personalize.create_schema
    refused("InvalidInputException", create, *words, name=unique("bad"), domain="ECOMMERCE", schema=schema)


@pytest.mark.parametrize(
    ("domain", "schema", "words"),
    [
        ("VIDEO_ON_DEMAND", avro("Items", *ITEM), ["GENRES"]),
        ("VIDEO_ON_DEMAND", avro("Items", *VIDEO[:2], ("CREATION_TIMESTAMP", "float")), ["CREATION_TIMESTAMP", "long"]),
        ("VIDEO_ON_DEMAND", avro("Items", *VIDEO, ("DURATION", "int")), ["DURATION", "float"]),
        (
            "VIDEO_ON_DEMAND",
            avro("Users", KEYS[0], ("SUBSCRIPTION_MODEL", "string")),
            ["SUBSCRIPTION_MODEL", "categorical"],
        ),
        (None, avro("Items", ("ITEM_ID", "string"), ("CREATION_TIMESTAMP", "long")), ["Items", "metadata field"]),
        (None, avro("Interactions", *KEYS[:2]), ["custom", "TIMESTAMP"]),
    ],
)
def test_bad_schemas_of_other_domains(personalize, domain: str | None, schema: str, words: list[str]) -> None:
    of_domain = {"domain": domain} if domain else {}
    refused("InvalidInputException", personalize.create_schema, *words, name=unique("bad"), schema=schema, **of_domain)


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
        (HEADER + ROWS + "u1,i1,1700000000,View,9\n", ["row 1002", "5"]),
        (HEADER + ROWS + '"u1,i1,1700000000,View\n', ["row 1002", "a quoted value"]),
        ((HEADER + ROWS).encode() + b"u\xff,i1,1700000000,View\n", ["row 1002", "UTF-8"]),
        (HEADER + "u1,i1,1700000000,View\n", ["1000 interactions", "1 rows"]),
        ("", ["empty"]),
    ],
    ids=["column", "milliseconds", "long row", "quote", "encoding", "few", "empty"],
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


def _folder(bucket: str, **files: str) -> str:
    folder = unique("folder")
    for name, body in files.items():
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{folder}/{name}.csv", Body=body)
    return f"s3://{bucket}/{folder}/"


def test_folders(personalize, group, bucket: str, personalize_role: str) -> None:
    """Files of one header make one import; another header, or no file at all, is an error that names them."""
    dataset, other = group.datasets["Interactions"], HEADER.replace("USER_ID,ITEM_ID", "ITEM_ID,USER_ID")
    halves = ROWS.splitlines(keepends=True)
    location = _folder(bucket, first=HEADER + "".join(halves[:500]), second=HEADER + "".join(halves[500:]))
    assert import_from(personalize, dataset, location, personalize_role)["status"] == "ACTIVE"
    location = _folder(bucket, first=HEADER + ROWS, second=other + ROWS)
    job = import_from(personalize, dataset, location, personalize_role)
    assert job["status"] == "CREATE FAILED"
    for word in (f"{location}first.csv", f"{location}second.csv", HEADER.strip(), other.strip()):
        assert word in job["failureReason"], job
    location = f"s3://{bucket}/{unique('nothing')}/"
    job = import_from(personalize, dataset, location, personalize_role)
    assert job["status"] == "CREATE FAILED" and location in job["failureReason"] and ".csv" in job["failureReason"]


def test_an_event_counts_once_however_often_it_is_imported(personalize, bucket: str, personalize_role: str) -> None:
    """1000 rows are enough to import; 999 of them in two copies are too few to train on."""
    group = create_group(personalize, ("Interactions",))
    dataset, recipe = group.datasets["Interactions"], RECIPE + VIEWS
    most = "".join(ROWS.splitlines(keepends=True)[:999])
    location = _folder(bucket, events=HEADER + most + most)
    assert import_from(personalize, dataset, location, personalize_role)["status"] == "ACTIVE"
    arn = personalize.create_recommender(name=unique("few"), datasetGroupArn=group.arn, recipeArn=recipe)[
        "recommenderArn"
    ]
    found = ended(personalize.describe_recommender, "recommender", recommenderArn=arn)
    assert found["status"] == "CREATE FAILED" and "fewer than 1000 interactions (found 999)" in found["failureReason"]
    location = _folder(bucket, events=HEADER + ROWS)
    again = import_from(personalize, dataset, location, personalize_role, importMode="INCREMENTAL")
    assert again["status"] == "ACTIVE"
    create_recommenders(personalize, group, VIEWS)
    delete_group(personalize, group)


def test_items_and_users_that_only_one_dataset_knows(personalize, runtime, bucket: str, personalize_role: str) -> None:
    """Events of items without a record count, items and users without events are there too; nothing of it is wrong."""
    group = create_group(personalize)
    files = {
        "Interactions": HEADER + ROWS,
        "Items": 'ITEM_ID,PRICE,CATEGORY_L1\ni1,1.5,"sweet, \\"fine\\" \\\\ dry"\nunseen,2,new\n',
        "Users": "USER_ID,AGE\nu1,18-34\nstranger,65+\n",
    }
    for kind, body in files.items():
        job = import_from(personalize, group.datasets[kind], _folder(bucket, **{kind: body}), personalize_role)
        assert job["status"] == "ACTIVE", job
    made = create_recommenders(personalize, group, VIEWS, FOR_YOU, ALSO_VIEWED)
    config = {"enableMetadataWithRecommendations": True, "minRecommendationRequestsPerSecond": 1}
    personalize.update_recommender(recommenderArn=made[VIEWS], recommenderConfig=config)
    eventually(
        lambda: personalize.describe_recommender(recommenderArn=made[VIEWS])["recommender"]["latestRecommenderUpdate"],
        lambda update: update["status"] == "ACTIVE",
    )

    def items(recipe: str, **params) -> list[str]:
        listed = runtime.get_recommendations(recommenderArn=made[recipe], numResults=50, **params)["itemList"]
        return [each["itemId"] for each in listed]

    viewed = runtime.get_recommendations(
        recommenderArn=made[VIEWS], userId="u1", metadataColumns={"ITEMS": ["CATEGORY_L1"]}
    )["itemList"]
    assert {each["itemId"]: each["metadata"] for each in viewed} == {
        f"i{n}": {"category_l1": 'sweet, "fine" \\ dry'} if n == 1 else {} for n in range(7)
    }
    assert "unseen" in items(FOR_YOU, userId="stranger")
    assert items(FOR_YOU, userId="never seen anywhere") == items(FOR_YOU, userId="stranger")
    assert items(ALSO_VIEWED, userId="stranger", itemId="never seen anywhere") == items(VIEWS, userId="u1")
    delete_group(personalize, group)


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
