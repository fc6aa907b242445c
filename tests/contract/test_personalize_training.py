"""How versions are trained: optimized, by the best of several recipes, updated, stopped, on a part of the data."""

import re
import time

import pytest

from localaws.settings import Settings
from tests.contract.clients import client, refused
from tests.contract.helpers import ended, eventually, gone, logged, unique
from tests.contract.personalize_setup import (
    PERSONAL,
    POPULAR,
    RECIPE,
    SIMILAR,
    create_recommenders,
    create_solutions,
    create_versions,
    sample_group,
)

INVALID, USER, METRIC = "InvalidInputException", "u001", "precision_at_5"


@pytest.fixture(scope="module")
def group(personalize, bucket: str, personalize_role: str):
    with sample_group(personalize, bucket, personalize_role, domain=None) as made:
        yield made


def _solution(personalize, group, **params) -> str:
    arn = personalize.create_solution(
        performAutoTraining=False, name=unique("solution"), datasetGroupArn=group.arn, **params
    )["solutionArn"]
    assert ended(personalize.describe_solution, "solution", solutionArn=arn)["status"] == "ACTIVE"
    return arn


def _version(personalize, solution: str, **params) -> dict:
    arn = personalize.create_solution_version(solutionArn=solution, **params)["solutionVersionArn"]
    return ended(personalize.describe_solution_version, "solutionVersion", solutionVersionArn=arn)


def test_hyperparameters_are_optimized_within_their_ranges(personalize, group) -> None:
    ranges = {
        "integerHyperParameterRanges": [{"name": "bptt", "minValue": 2, "maxValue": 22}],
        "categoricalHyperParameterRanges": [{"name": "recency_mask", "values": ["true", "false"]}],
        "continuousHyperParameterRanges": [],
    }
    jobs = {"maxNumberOfTrainingJobs": "4", "maxParallelTrainingJobs": "2"}
    config = {
        "algorithmHyperParameters": {"hidden_dimension": "55"},
        "hpoConfig": {"algorithmHyperParameterRanges": ranges, "hpoResourceConfig": jobs},
    }
    solution = _solution(personalize, group, recipeArn=RECIPE + PERSONAL, performHPO=True, solutionConfig=config)
    version = _version(personalize, solution)
    assert version["status"] == "ACTIVE" and version["performHPO"], version
    tuned = version["tunedHPOParams"]["algorithmHyperParameters"]
    assert tuned["hidden_dimension"] == "55" and tuned["recency_mask"] in ("true", "false")
    assert 2 <= int(tuned["bptt"]) <= 22
    assert version["solutionConfig"]["hpoConfig"]["hpoResourceConfig"] == jobs


def test_auto_ml_finds_a_recipe(embedded_aws: Settings, personalize, group) -> None:
    config = {"autoMLConfig": {"metricName": METRIC, "recipeList": [RECIPE + PERSONAL, RECIPE + POPULAR]}}
    solution = _solution(personalize, group, performAutoML=True, solutionConfig=config)
    version = _version(personalize, solution)
    described = personalize.describe_solution(solutionArn=solution)["solution"]
    assert version["status"] == "ACTIVE", version
    assert version["recipeArn"] == described["autoMLResult"]["bestRecipeArn"] == RECIPE + PERSONAL
    assert described["performHPO"] and described["performAutoML"]
    metrics = personalize.get_solution_metrics(solutionVersionArn=version["solutionVersionArn"])["metrics"]
    said = logged(embedded_aws, version["solutionVersionArn"])
    popularity = re.search(rf"plain popularity.* {METRIC} ([0-9.]+)", said)
    assert popularity and metrics[METRIC] >= float(popularity[1])
    create, wrong = personalize.create_solution, {"name": "wrong", "datasetGroupArn": group.arn, "performAutoML": True}
    wrong["performAutoTraining"] = False
    for chosen, word in (({"metricName": "recall"}, "recall"), ({"recipeList": [RECIPE + SIMILAR]}, SIMILAR)):
        refused(INVALID, create, word, **wrong, solutionConfig={"autoMLConfig": chosen})


def test_an_update_lets_new_items_in(personalize, runtime, embedded_aws: Settings, group) -> None:
    [solution] = create_solutions(personalize, group, PERSONAL).values()
    ask = personalize.create_solution_version
    refused(INVALID, ask, "UPDATE", "FULL", solutionArn=solution, trainingMode="UPDATE")
    full = _version(personalize, solution)
    item, explore = unique("item"), {"itemExplorationConfig": {"explorationWeight": "1"}}
    events = client("personalize-events")
    properties = '{"PRICE": 1, "CATEGORY_L1": "new"}'
    events.put_items(datasetArn=group.datasets["Items"], items=[{"itemId": item, "properties": properties}])
    updated = _version(personalize, solution, trainingMode="UPDATE")
    assert (updated["status"], updated["trainingMode"]) == ("ACTIVE", "UPDATE"), updated
    metrics = [
        personalize.get_solution_metrics(solutionVersionArn=each["solutionVersionArn"])["metrics"]
        for each in (full, updated)
    ]
    assert metrics[0] == metrics[1]
    campaign = personalize.create_campaign(
        name=unique("campaign"), solutionVersionArn=full["solutionVersionArn"], campaignConfig=explore
    )["campaignArn"]
    ended(personalize.describe_campaign, "campaign", campaignArn=campaign)

    def ids() -> list[str]:
        answer = runtime.get_recommendations(campaignArn=campaign, userId=USER, numResults=100)
        return [each["itemId"] for each in answer["itemList"]]

    assert item not in ids()
    personalize.update_campaign(campaignArn=campaign, solutionVersionArn=updated["solutionVersionArn"])
    eventually(
        lambda: personalize.describe_campaign(campaignArn=campaign)["campaign"]["latestCampaignUpdate"]["status"],
        lambda status: status == "ACTIVE",
    )
    assert item in ids()
    other = create_solutions(personalize, group, POPULAR)[POPULAR]
    refused(INVALID, ask, PERSONAL, POPULAR, solutionArn=other, trainingMode="UPDATE")
    refused(INVALID, ask, "AUTOTRAIN", solutionArn=other, trainingMode="AUTOTRAIN")


def test_a_training_that_is_stopped_stays_so(personalize, group) -> None:
    """Several at once, so that the last one is still to come or under way when it is stopped."""
    [solution] = create_solutions(personalize, group, PERSONAL, performHPO=True).values()
    create, stop = personalize.create_solution_version, personalize.stop_solution_version_creation
    first, last = (create(solutionArn=solution, name=name)["solutionVersionArn"] for name in ("first", "last"))
    refused("ResourceAlreadyExistsException", create, "already exists", solutionArn=solution, name="first")
    stop(solutionVersionArn=last)
    stop(solutionVersionArn=first)

    def status(arn: str) -> str:
        return personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["status"]

    for arn in (first, last):
        assert status(arn) in ("CREATE STOPPING", "CREATE STOPPED")
        eventually(lambda arn=arn: status(arn), lambda found: found == "CREATE STOPPED")
    refused("ResourceInUseException", stop, "CREATE STOPPED", solutionVersionArn=last)
    time.sleep(0.5)
    assert status(first) == status(last) == "CREATE STOPPED"
    refused("ResourceInUseException", personalize.create_campaign, "CREATE STOPPED", name="c", solutionVersionArn=last)


def test_a_solution_is_updated(personalize, group) -> None:
    [solution] = create_solutions(personalize, group, POPULAR).values()
    assert personalize.describe_solution(solutionArn=solution)["solution"]["performAutoTraining"] is False
    update = personalize.update_solution
    assert update(solutionArn=solution, performAutoTraining=False)["solutionArn"] == solution
    eventually(
        lambda: personalize.describe_solution(solutionArn=solution)["solution"]["latestSolutionUpdate"]["status"],
        lambda status: status == "ACTIVE",
    )
    rate = {"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}}
    update(solutionArn=solution, solutionUpdateConfig=rate)
    found = eventually(
        lambda: personalize.describe_solution(solutionArn=solution)["solution"],
        lambda found: (
            found["latestSolutionUpdate"].get("solutionUpdateConfig") == rate
            and found["latestSolutionUpdate"]["status"] == "ACTIVE"
        ),
    )
    assert found["solutionConfig"] == rate and found["performAutoTraining"] is False
    seldom = {"autoTrainingConfig": {"schedulingExpression": "rate(0 days)"}}
    refused(INVALID, update, "rate(0 days)", "rate(1 day)", solutionArn=solution, solutionUpdateConfig=seldom)


def test_a_solution_trains_automatically_unless_it_is_not_to(personalize, group) -> None:
    """performAutoTraining is true by default (docs/aws-sources.md#personalize-API_CreateSolution)."""
    recipe = {"datasetGroupArn": group.arn, "recipeArn": RECIPE + POPULAR}
    made = personalize.create_solution(name=unique("automatic"), **recipe)["solutionArn"]
    assert ended(personalize.describe_solution, "solution", solutionArn=made)["performAutoTraining"] is True

    def newest() -> dict:
        return personalize.describe_solution(solutionArn=made)["solution"].get("latestSolutionVersion", {})

    version = eventually(newest, lambda found: found.get("status") == "ACTIVE")
    assert (version["trainingType"], version["trainingMode"]) == ("AUTOMATIC", "FULL")
    [listed] = personalize.list_solution_versions(solutionArn=made)["solutionVersions"]
    assert listed["trainingType"] == "AUTOMATIC"
    personalize.delete_solution(solutionArn=made)
    gone(personalize.describe_solution, solutionArn=made)


def test_columns_and_histories_that_do_not_train(personalize, group) -> None:
    """Without its categories Similar-Items knows less; a quarter of the users is less to learn from."""
    without = {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["CATEGORY_L1"]}}}
    few = {"featureTransformationParameters": {"max_user_history_length_percentile": "0.25"}}
    for recipe, config in ((SIMILAR, without), (PERSONAL, few)):
        plain, partial = (
            create_versions(personalize, create_solutions(personalize, group, recipe, **more))[recipe]
            for more in ({}, {"solutionConfig": config})
        )
        metrics = [personalize.get_solution_metrics(solutionVersionArn=arn)["metrics"] for arn in (plain, partial)]
        assert metrics[0] != metrics[1]


def test_a_group_has_ten_solutions_at_most(personalize, group) -> None:
    def names() -> list[str]:
        return [each["name"] for each in personalize.list_solutions(datasetGroupArn=group.arn)["solutions"]]

    while len(names()) < 10:
        create_solutions(personalize, group, POPULAR)
    more = {"name": "eleventh", "datasetGroupArn": group.arn, "recipeArn": RECIPE + POPULAR}
    more["performAutoTraining"] = False
    refused("LimitExceededException", personalize.create_solution, "More than 10 resources in ACTIVE", **more)
    refused("ResourceAlreadyExistsException", personalize.create_solution, names()[0], **more | {"name": names()[0]})


@pytest.mark.parametrize(
    ("recipe", "config", "words"),
    [
        (POPULAR, {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["COLOUR"]}}}, ["COLOUR", "PRICE"]),
        (POPULAR, {"trainingDataConfig": {"excludedDatasetColumns": {"ACTIONS": ["A"]}}}, ["ACTIONS", "INTERACTIONS"]),
        (POPULAR, {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["ITEM_ID"]}}}, ["ITEM_ID", "needed"]),
        (PERSONAL, {"featureTransformationParameters": {"min_user_history_length_percentile": "2"}}, ["2.0", "1.0"]),
        (PERSONAL, {"featureTransformationParameters": {"window": "2"}}, ["window", "percentile"]),
        (POPULAR, {"featureTransformationParameters": {"window": "2"}}, ["window", POPULAR]),
        (PERSONAL, {"optimizationObjective": {"itemAttribute": "PRICE"}}, ["objectiveSensitivity", "MEDIUM"]),
        (PERSONAL, {"eventsConfig": {"eventParametersList": [{"eventType": "View"}]}}, ["eventsConfig", "-v2"]),
    ],
)  # fmt: skip
def test_configurations_that_cannot_be_trained(personalize, group, recipe: str, config: dict, words: list[str]) -> None:
    wrong = {"name": "wrong", "datasetGroupArn": group.arn, "recipeArn": RECIPE + recipe, "solutionConfig": config}
    wrong["performAutoTraining"] = False
    refused(INVALID, personalize.create_solution, *words, **wrong)


def test_a_recommender_trains_without_some_columns(personalize, bucket: str, personalize_role: str) -> None:
    recipe = "aws-ecomm-recommended-for-you"
    with sample_group(personalize, bucket, personalize_role) as group:
        arn = create_recommenders(personalize, group, recipe)[recipe]
        wrong = {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["COLOUR"]}}}
        refused(INVALID, personalize.update_recommender, "COLOUR", recommenderArn=arn, recommenderConfig=wrong)
        config = {"trainingDataConfig": {"includedDatasetColumns": {"ITEMS": ["ITEM_ID", "PRICE"]}}}
        personalize.update_recommender(recommenderArn=arn, recommenderConfig=config)
        found = eventually(
            lambda: personalize.describe_recommender(recommenderArn=arn)["recommender"],
            lambda each: each["latestRecommenderUpdate"]["status"] in ("ACTIVE", "CREATE FAILED"),
        )
        assert found["latestRecommenderUpdate"]["status"] == "ACTIVE", found
        assert found["recommenderConfig"]["trainingDataConfig"] == config["trainingDataConfig"]
