"""Filters over the wire: made, listed, refused, applied to answers, used by a promotion, deleted."""

import boto3
import pytest

from tests.contract.clients import refused
from tests.contract.helpers import ended, gone, unique
from tests.contract.personalize_setup import (
    ALSO_VIEWED,
    FOR_YOU,
    PURCHASES,
    TOGETHER,
    create_group,
    create_recommenders,
    delete_group,
    sample_group,
)

USER, INVALID = "u001", "InvalidInputException"


@pytest.fixture(scope="module")
def group(personalize, bucket: str, personalize_role: str):
    with sample_group(personalize, bucket, personalize_role) as made:
        yield made
    assert personalize.list_filters(datasetGroupArn=made.arn)["Filters"] == []


@pytest.fixture(scope="module")
def recommenders(personalize, group):
    return create_recommenders(personalize, group, PURCHASES, TOGETHER, ALSO_VIEWED, FOR_YOU)


@pytest.fixture(scope="module")
def catalogue(bucket: str) -> dict[str, dict]:
    """The Items dataset by id."""
    s3, rows = boto3.client("s3"), {}
    for each in s3.list_objects_v2(Bucket=bucket, Prefix="recommending/sample/items/")["Contents"]:
        lines = s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read().decode().splitlines()
        header = lines[0].split(",")
        rows |= {row["ITEM_ID"]: row for row in (dict(zip(header, line.split(","))) for line in lines[1:])}
    return rows


@pytest.fixture(scope="module")
def make(personalize, group):
    def make(expression: str) -> str:
        arn = personalize.create_filter(name=unique("filter"), datasetGroupArn=group.arn, filterExpression=expression)[
            "filterArn"
        ]
        assert ended(personalize.describe_filter, "filter", filterArn=arn)["status"] == "ACTIVE"
        return arn

    return make


def _ids(runtime, arn: str, **params) -> list[str]:
    answer = runtime.get_recommendations(recommenderArn=arn, **{"userId": USER} | params)
    return [each["itemId"] for each in answer["itemList"]]


def test_a_filter_is_described_listed_and_deleted(personalize, group, make) -> None:
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")'
    arn = make(expression)
    assert ":filter/" in arn
    assert personalize.describe_filter(filterArn=arn)["filter"]["filterExpression"] == expression
    assert arn in [each["filterArn"] for each in personalize.list_filters(datasetGroupArn=group.arn)["Filters"]]
    personalize.delete_filter(filterArn=arn)
    gone(personalize.describe_filter, filterArn=arn)


def test_answers_keep_to_the_filter_and_its_values(runtime, recommenders, catalogue, make) -> None:
    arn, snacks = recommenders[PURCHASES], next(iter(catalogue.values()))["CATEGORY_L1"]
    only = make("INCLUDE ItemID WHERE Items.CATEGORY_L1 IN ($CATEGORY) AND Items.PRICE <= $TOP")
    values = {"CATEGORY": f'"{snacks}"', "TOP": "1000"}
    found = _ids(runtime, arn, filterArn=only, filterValues=values)
    assert found and {catalogue[each]["CATEGORY_L1"] for each in found} == {snacks}
    top = sorted(float(catalogue[each]["PRICE"]) for each in found)[0]
    cheap = _ids(runtime, arn, filterArn=only, filterValues=values | {"TOP": str(top)})
    assert cheap and {float(catalogue[each]["PRICE"]) for each in cheap} == {top}
    refused(INVALID, runtime.get_recommendations, "$TOP", recommenderArn=arn, userId=USER, filterArn=only,
            filterValues={"CATEGORY": values["CATEGORY"]})  # fmt: skip
    refused(INVALID, runtime.get_recommendations, "CATEGORY", "double quotes", recommenderArn=arn, userId=USER,
            filterArn=only, filterValues=values | {"CATEGORY": snacks})  # fmt: skip


def test_interactions_of_the_user_and_current_item(runtime, recommenders, catalogue, make) -> None:
    bought = make('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")')
    of_user = _ids(runtime, recommenders[PURCHASES], filterArn=bought)
    assert 0 < len(of_user) < 25
    assert _ids(runtime, recommenders[FOR_YOU], filterArn=bought) == []  # bought items are out already
    item = next(iter(catalogue))
    alike = make("INCLUDE ItemID WHERE ITEMS.category_l1 IN CurrentItem.CATEGORY_L1")
    found = _ids(runtime, recommenders[TOGETHER], itemId=item, filterArn=alike)
    assert found and {catalogue[each]["CATEGORY_L1"] for each in found} == {catalogue[item]["CATEGORY_L1"]}
    refused(INVALID, runtime.get_recommendations, "CurrentItem", recommenderArn=recommenders[FOR_YOU], userId=USER,
            filterArn=alike)  # fmt: skip


def test_a_condition_on_the_current_user(personalize, runtime, recommenders, make) -> None:
    nothing = 'EXCLUDE ItemID WHERE Items.PRICE > 0 IF CurrentUser.AGE NOT IN ("no such age")'
    assert _ids(runtime, recommenders[PURCHASES], filterArn=make(nothing)) == []
    everything = make(nothing.replace("NOT IN", "IN"))
    assert len(_ids(runtime, recommenders[PURCHASES], filterArn=everything)) == 25
    ask = {"recommenderArn": recommenders[TOGETHER], "itemId": "any", "filterArn": everything}
    refused(INVALID, runtime.get_recommendations, "userId", "CurrentUser", **ask)


def test_a_promotion_takes_its_share(runtime, recommenders, catalogue, make) -> None:
    arn, category = recommenders[FOR_YOU], next(iter(catalogue.values()))["CATEGORY_L1"]
    own = make(f'INCLUDE ItemID WHERE Items.CATEGORY_L1 IN ("{category}")')
    others = make(f'EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN ("{category}")')
    promotion = {"name": "own", "percentPromotedItems": 20, "filterArn": own}
    listed = runtime.get_recommendations(
        recommenderArn=arn, userId=USER, numResults=10, filterArn=others, promotions=[promotion]
    )["itemList"]
    everything = runtime.get_recommendations(recommenderArn=arn, userId=USER, numResults=500)["itemList"]
    ranked = [each["itemId"] for each in everything]
    promoted = [each for each in listed if each.get("promotionName") == "own"]
    assert (len(listed), len(promoted)) == (10, 2)
    for part in (promoted, [each for each in listed if each not in promoted]):
        places = [ranked.index(each["itemId"]) for each in part]
        assert places == sorted(places)
        in_category = {catalogue[each["itemId"]]["CATEGORY_L1"] == category for each in part}
        assert in_category == {part is promoted}
    refused(INVALID, runtime.get_recommendations, "filterArn", recommenderArn=arn, userId=USER,
            promotions=[{"name": "own", "percentPromotedItems": 20}])  # fmt: skip


@pytest.mark.parametrize(
    "expression, words",
    [
        ('EXCLUDE ItemID WHERE Items.COLOUR IN ("red")', ["Items.COLOUR", "CATEGORY_L1", "character 22"]),
        ("EXCLUDE ItemID WHERE Interactions.TIMESTAMP > 5", ["Interactions.TIMESTAMP", "EVENT_TYPE"]),
        ("EXCLUDE ItemID WHERE Items.CATEGORY_L1 > 5", ["Items.CATEGORY_L1", "IN or NOT IN"]),
        ('EXCLUDE ItemID WHERE Items.PRICE IN ("5")', ["Items.PRICE", "numbers"]),
        ("EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN CurrentItem.PRICE", ["CurrentItem.PRICE", "type"]),
        ("EXCLUDE ItemID WHERE Items.PRICE NOT IN ($p)", ["$p. Placeholders are not allowed with NOT_IN operator."]),
    ],
)
def test_filters_that_cannot_be_made(personalize, group, expression: str, words: list[str]) -> None:
    wrong = {"name": "wrong", "datasetGroupArn": group.arn, "filterExpression": expression}
    refused(INVALID, personalize.create_filter, "Could not create filter.", *words, **wrong)


def test_filters_of_others_and_of_none(personalize, runtime, recommenders) -> None:
    other = create_group(personalize, ("Interactions",))
    bought = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")'
    foreign = personalize.create_filter(name=unique("filter"), datasetGroupArn=other.arn, filterExpression=bought)[
        "filterArn"
    ]
    ended(personalize.describe_filter, "filter", filterArn=foreign)
    ask = {"recommenderArn": recommenders[PURCHASES], "userId": USER}
    refused(INVALID, runtime.get_recommendations, other.arn, **ask, filterArn=foreign)
    refused("ResourceNotFoundException", runtime.get_recommendations, **ask, filterArn=foreign + "x")
    wrong = {"datasetGroupArn": other.arn, "name": "wrong"}
    refused(INVALID, personalize.create_filter, "no ITEMS dataset", **wrong,
            filterExpression='EXCLUDE ItemID WHERE Items.A IN ("x")')  # fmt: skip
    again = {"datasetGroupArn": other.arn, "name": foreign.rpartition("/")[2]}
    refused("ResourceAlreadyExistsException", personalize.create_filter, **again, filterExpression=bought)
    for _ in range(29):
        personalize.create_filter(name=unique("filter"), datasetGroupArn=other.arn, filterExpression=bought)
    refused(
        "LimitExceededException",
        personalize.create_filter,
        "More than 30 resources in ACTIVE state",
        **wrong,
        filterExpression=bought,
    )
    delete_group(personalize, other)
