"""The domain VIDEO_ON_DEMAND: its five recommenders on the sample, told as a video shop that is watched."""

import csv
import io
from collections import defaultdict
from types import SimpleNamespace

import boto3
import pytest

from data.sample.shop import item_id
from tests.contract.clients import refused
from tests.contract.helpers import ended, unique
from tests.contract.personalize_setup import (
    FOR_YOU,
    RECIPE,
    create_group,
    create_recommenders,
    delete_group,
    import_from,
)

BECAUSE, MORE_LIKE = "aws-vod-because-you-watched-x", "aws-vod-more-like-x"
POPULAR, TRENDING, TOP_PICKS = "aws-vod-most-popular", "aws-vod-trending-now", "aws-vod-top-picks"
RECIPES = (BECAUSE, MORE_LIKE, POPULAR, TRENDING, TOP_PICKS)
INVALID, USER, COFFEE = "InvalidInputException", "u001", item_id("Coffee")
EVENT_TYPES = {"View": "Watch", "Purchase": "Click"}


def _rows(bucket: str, kind: str) -> list[dict]:
    s3, prefix = boto3.client("s3"), f"recommending/sample/{kind}/"
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys]
    return [row for body in bodies for row in csv.DictReader(io.StringIO(body))]


def _put(bucket: str, name: str, rows: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    boto3.client("s3").put_object(Bucket=bucket, Key=f"video/{name}.csv", Body=text.getvalue())
    return f"s3://{bucket}/video/{name}.csv"


@pytest.fixture(scope="module")
def video(personalize, bucket: str, personalize_role: str):
    """The group, the ids that each user watched, and an ACTIVE recommender of each recipe."""
    events = [row | {"EVENT_TYPE": EVENT_TYPES[row["EVENT_TYPE"]]} for row in _rows(bucket, "interactions")]
    items = [
        {"ITEM_ID": row["ITEM_ID"], "GENRES": row["CATEGORY_L1"], "CREATION_TIMESTAMP": 1_600_000_000}
        for row in _rows(bucket, "items")
    ]
    watched = defaultdict(set)
    for row in events:
        if row["EVENT_TYPE"] == "Watch":
            watched[row["USER_ID"]].add(row["ITEM_ID"])
    group = create_group(personalize, ("Interactions", "Items"), domain="VIDEO_ON_DEMAND")
    for kind, rows in (("Interactions", events), ("Items", items)):
        job = import_from(personalize, group.datasets[kind], _put(bucket, kind, rows), personalize_role)
        assert job["status"] == "ACTIVE", job
    made = create_recommenders(personalize, group, *RECIPES)
    yield SimpleNamespace(group=group, watched=watched, recommenders=made)
    delete_group(personalize, group)


def _ids(runtime, arn: str, **params) -> list[str]:
    return [each["itemId"] for each in runtime.get_recommendations(recommenderArn=arn, **params)["itemList"]]


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_asks_for_what_it_needs(personalize, runtime, video, recipe: str) -> None:
    arn = video.recommenders[recipe]
    needs = {} if recipe == TRENDING else {"userId": USER}
    needs |= {"itemId": COFFEE} if recipe in (BECAUSE, MORE_LIKE) else {}
    items = _ids(runtime, arn, numResults=5, **needs)
    assert len(set(items)) == 5 and COFFEE not in (items if "itemId" in needs else [])
    for member in needs:
        fewer = {name: value for name, value in needs.items() if name != member}
        refused(INVALID, runtime.get_recommendations, member, recommenderArn=arn, **fewer)
    metrics = personalize.describe_recommender(recommenderArn=arn)["recommender"]["modelMetrics"]
    assert metrics["coverage"] > 0 and "precision_at_5" in metrics


@pytest.mark.parametrize("recipe", [BECAUSE, MORE_LIKE, TOP_PICKS])
def test_what_the_user_watched_is_out(runtime, video, recipe: str) -> None:
    needs = {} if recipe == TOP_PICKS else {"itemId": COFFEE}
    everything = _ids(runtime, video.recommenders[recipe], userId=USER, numResults=500, **needs)
    assert everything and not video.watched[USER] & set(everything)
    assert video.watched[USER] & set(
        _ids(runtime, video.recommenders[recipe], userId="nobody", numResults=500, **needs)
    )


def test_most_popular_goes_by_users(runtime, video) -> None:
    viewers = defaultdict(int)
    for items in video.watched.values():
        for item in items:
            viewers[item] += 1
    listed = _ids(runtime, video.recommenders[POPULAR], userId=USER, numResults=20)
    assert [viewers[item] for item in listed] == sorted(viewers.values(), reverse=True)[:20]


def test_trending_now_takes_no_promotion(runtime, video) -> None:
    promotion = {"name": "own", "percentPromotedItems": 20, "filterArn": video.group.arn}
    ask = {"recommenderArn": video.recommenders[TRENDING], "promotions": [promotion]}
    refused(INVALID, runtime.get_recommendations, "promotions", TRENDING, **ask)


def test_recipes_and_configurations_of_the_domain(personalize, video) -> None:
    listed = personalize.list_recipes(domain="VIDEO_ON_DEMAND")["recipes"]
    assert {each["name"] for each in listed} == set(RECIPES)
    assert {each["domain"] for each in listed} == {"VIDEO_ON_DEMAND"}
    assert personalize.describe_recipe(recipeArn=RECIPE + BECAUSE)["recipe"]["recipeType"] == "RELATED_ITEMS"
    create, wrong = personalize.create_recommender, {"name": "wrong", "datasetGroupArn": video.group.arn}
    refused(INVALID, create, FOR_YOU, TOP_PICKS, **wrong, recipeArn=RECIPE + FOR_YOU)
    config = {"itemExplorationConfig": {"explorationWeight": "0.5"}}
    refused(INVALID, create, POPULAR, TOP_PICKS, **wrong, recipeArn=RECIPE + POPULAR, recommenderConfig=config)


def test_a_group_that_lacks_what_a_recipe_needs(personalize, bucket: str, personalize_role: str) -> None:
    """Clicks alone: top picks want an Items dataset, most popular wants 1000 times Watch."""
    group = create_group(personalize, ("Interactions",), domain="VIDEO_ON_DEMAND")
    clicks = [row | {"EVENT_TYPE": "Click"} for row in _rows(bucket, "interactions")]
    location = _put(bucket, "clicks", clicks)
    assert import_from(personalize, group.datasets["Interactions"], location, personalize_role)["status"] == "ACTIVE"
    for recipe in (TOP_PICKS, MORE_LIKE):
        refused(INVALID, personalize.create_recommender, "Items dataset", recipe, name="wrong",
                datasetGroupArn=group.arn, recipeArn=RECIPE + recipe)  # fmt: skip
    arn = personalize.create_recommender(
        name=unique("recommender"), datasetGroupArn=group.arn, recipeArn=RECIPE + POPULAR
    )["recommenderArn"]
    found = ended(personalize.describe_recommender, "recommender", recommenderArn=arn)
    assert found["status"] == "CREATE FAILED"
    assert "fewer than 1000 interactions after filtering by event type: Watch" in found["failureReason"]
    delete_group(personalize, group)
