"""Amazon Personalize with all five ECOMMERCE recommenders: trained, asked, updated, stopped, started, deleted."""

import re
from types import SimpleNamespace

import pytest

from data.sample.shop import COMPLEMENTS, item_id
from infra.hours import RECOMMENDER
from tests.contract.clients import refused
from tests.contract.clock import clock
from tests.contract.helpers import eventually
from tests.contract.personalize_setup import (
    ALSO_VIEWED,
    FOR_YOU,
    PURCHASES,
    RECIPE,
    TOGETHER,
    VIEWS,
    create_recommenders,
    sample_group,
)

USER, ITEM = "u001", item_id("Coffee")


@pytest.fixture(scope="module")
def trained(personalize, bucket: str, personalize_role: str):
    """A group of the sample with a recommender of each recipe."""
    recipes = (VIEWS, PURCHASES, TOGETHER, ALSO_VIEWED, FOR_YOU)
    with sample_group(personalize, bucket, personalize_role) as group:
        yield SimpleNamespace(group=group, recommenders=create_recommenders(personalize, group, *recipes))
    assert personalize.list_recommenders(datasetGroupArn=group.arn)["recommenders"] == []


def _items(runtime, arn: str, **params) -> list[str]:
    answer = runtime.get_recommendations(recommenderArn=arn, **params)
    assert re.fullmatch(r"RID-[0-9a-f]{2}(-[0-9a-f]{4}){2}-[0-9a-f]{12}-CID-[0-9a-f]{6}", answer["recommendationId"])
    return [each["itemId"] for each in answer["itemList"]]


@pytest.mark.parametrize("recipe", [VIEWS, PURCHASES, TOGETHER, ALSO_VIEWED, FOR_YOU])
def test_each_recipe_recommends_different_items_and_reports_its_metrics(personalize, runtime, trained, recipe) -> None:
    arn = trained.recommenders[recipe]
    needs_item = {"itemId": ITEM} if recipe in (TOGETHER, ALSO_VIEWED) else {}
    items = _items(runtime, arn, userId=USER, numResults=7, **needs_item)
    assert len(items) == len(set(items)) == 7
    assert ITEM not in items or not needs_item
    metrics = personalize.describe_recommender(recommenderArn=arn)["recommender"]["modelMetrics"]
    names = {"coverage", "mean_reciprocal_rank_at_25", "normalized_discounted_cumulative_gain_at_5", "precision_at_10"}
    assert names <= set(metrics)
    assert all(0 <= metrics[name] <= 1 for name in names)


def test_results_are_25_by_default(runtime, trained) -> None:
    assert len(_items(runtime, trained.recommenders[VIEWS], userId=USER)) == 25


def test_what_is_bought_together_is_found(runtime, trained) -> None:
    """The sample plants these pairs; the pair's second item comes among the first three for most of them."""
    found = [
        item_id(second) in _items(runtime, trained.recommenders[TOGETHER], itemId=item_id(first), numResults=3)
        for first, second in COMPLEMENTS
    ]
    assert sum(found) >= 8


def test_recommended_for_you_differs_by_user_and_has_no_scores(runtime, trained) -> None:
    arn = trained.recommenders[FOR_YOU]
    answers = [runtime.get_recommendations(recommenderArn=arn, userId=user)["itemList"] for user in ("u001", "u002")]
    assert answers[0] != answers[1]
    assert {tuple(each) for each in answers[0]} == {("itemId",)}, "as recorded of recommenders"
    assert len(_items(runtime, arn, userId="nobody-yet")) == 25


def test_a_request_lacks_what_its_recipe_needs(runtime, trained) -> None:
    ask, arn = runtime.get_recommendations, trained.recommenders
    refused("InvalidInputException", ask, "userId", recommenderArn=arn[FOR_YOU])
    refused("InvalidInputException", ask, "itemId", recommenderArn=arn[ALSO_VIEWED], userId=USER)
    refused("InvalidInputException", ask, "numResults", recommenderArn=arn[VIEWS], userId=USER, numResults=501)
    refused(
        "InvalidInputException",
        ask,
        "does not exist or is not active yet",
        recommenderArn=arn[VIEWS] + "x",
        userId=USER,
    )
    refused("InvalidInputException", ask, "recommenderArn", userId=USER)


def test_answers_with_metadata(personalize, runtime, trained) -> None:
    arn = trained.recommenders[VIEWS]
    ask = {"recommenderArn": arn, "userId": USER, "metadataColumns": {"ITEMS": ["PRICE", "CATEGORY_L1"]}}
    refused("InvalidInputException", runtime.get_recommendations, "enableMetadataWithRecommendations", **ask)
    config = {"enableMetadataWithRecommendations": True, "minRecommendationRequestsPerSecond": 1}
    personalize.update_recommender(recommenderArn=arn, recommenderConfig=config)
    eventually(
        lambda: personalize.describe_recommender(recommenderArn=arn)["recommender"]["latestRecommenderUpdate"],
        lambda update: update["status"] == "ACTIVE",
    )
    for each in runtime.get_recommendations(**ask)["itemList"]:
        assert float(each["metadata"]["price"]) > 0 and each["metadata"]["category_l1"]
    assert "metadata" not in runtime.get_recommendations(recommenderArn=arn, userId=USER)["itemList"][0]
    wrong = [({"ITEMS": ["COLOUR"]}, "COLOUR"), ({"USERS": ["AGE"]}, "USERS"), ({"ITEMS": ["PRICE"] * 11}, "10")]
    for columns, word in wrong:
        asked = ask | {"metadataColumns": columns}
        refused("InvalidInputException", runtime.get_recommendations, "metadataColumns", word, **asked)
    refused("InvalidInputException", runtime.get_recommendations, "at most 50", **ask, numResults=51)


def test_update_retrains_and_keeps_the_config(personalize, trained) -> None:
    arn = trained.recommenders[VIEWS]
    update, describe = personalize.update_recommender, personalize.describe_recommender
    config = {"minRecommendationRequestsPerSecond": 2}
    update(recommenderArn=arn, recommenderConfig=config)
    refused("ResourceInUseException", update, recommenderArn=arn, recommenderConfig=config)
    found = eventually(
        lambda: describe(recommenderArn=arn)["recommender"],
        lambda each: each["latestRecommenderUpdate"]["status"] == "ACTIVE",
    )
    assert found["status"] == "ACTIVE" and found["recommenderConfig"].items() >= config.items()
    exploration = {"itemExplorationConfig": {"explorationwait": "0.3"}}
    refused("InvalidInputException", update, FOR_YOU, VIEWS, recommenderArn=arn, recommenderConfig=exploration)
    arn = trained.recommenders[FOR_YOU]
    refused("InvalidInputException", update, "explorationwait", recommenderArn=arn, recommenderConfig=exploration)


def test_a_stopped_recommender_serves_nothing_until_it_is_started(personalize, runtime, trained) -> None:
    arn, describe = trained.recommenders[PURCHASES], personalize.describe_recommender

    def status(wanted: str) -> None:
        eventually(lambda: describe(recommenderArn=arn)["recommender"]["status"], lambda now: now == wanted)

    refused("ResourceInUseException", personalize.start_recommender, "INACTIVE", recommenderArn=arn)
    assert personalize.stop_recommender(recommenderArn=arn)["recommenderArn"] == arn
    status("INACTIVE")
    refused("InvalidInputException", runtime.get_recommendations, "not active yet", recommenderArn=arn, userId=USER)
    refused("ResourceInUseException", personalize.stop_recommender, "ACTIVE", recommenderArn=arn)
    personalize.start_recommender(recommenderArn=arn)
    status("ACTIVE")
    assert _items(runtime, arn, userId=USER)


def test_the_clock_stops_and_starts_what_is_there_and_on_or_off(personalize, trained) -> None:
    """What is as it should be already, or not made yet, is passed over."""
    arn, describe = trained.recommenders[VIEWS], personalize.describe_recommender
    run = clock(RECOMMENDER, arn, f"{arn}_not_made_yet", on=f"{arn}*")
    for verb, status in (("stop", "INACTIVE"), ("stop", "INACTIVE"), ("start", "ACTIVE"), ("start", "ACTIVE")):
        run(verb)
        eventually(lambda: describe(recommenderArn=arn)["recommender"]["status"], status.__eq__)


def test_what_is_in_use_stays(personalize, trained) -> None:
    group, code = trained.group, "ResourceInUseException"
    refused(code, personalize.delete_dataset_group, "recommender/", datasetGroupArn=group.arn)
    refused(code, personalize.delete_dataset, "recommender/", datasetArn=group.datasets["Items"])
    refused(code, personalize.delete_schema, group.datasets["Items"], schemaArn=group.schemas["Items"])


def test_recommenders_that_cannot_be_made(personalize, trained) -> None:
    create, group = personalize.create_recommender, trained.group.arn
    taken = personalize.describe_recommender(recommenderArn=trained.recommenders[VIEWS])["recommender"]["name"]
    wrong = {"name": "wrong", "datasetGroupArn": group}
    message = refused("InvalidInputException", create, "aws-vod-top-picks", VIEWS, **wrong,
                      recipeArn=RECIPE + "aws-vod-top-picks")  # fmt: skip
    assert FOR_YOU in message
    refused("LimitExceededException", create, "5", **wrong, recipeArn=RECIPE + VIEWS)
    again = wrong | {"name": taken}
    refused("ResourceAlreadyExistsException", create, taken, **again, recipeArn=RECIPE + VIEWS)


def test_recipes_are_listed_and_described(personalize) -> None:
    recipes = personalize.list_recipes(domain="ECOMMERCE")["recipes"]
    assert {each["name"] for each in recipes} == {VIEWS, PURCHASES, TOGETHER, ALSO_VIEWED, FOR_YOU}
    assert personalize.describe_recipe(recipeArn=RECIPE + VIEWS)["recipe"]["status"] == "ACTIVE"
    refused("ResourceNotFoundException", personalize.describe_recipe, recipeArn=RECIPE + "aws-none")
