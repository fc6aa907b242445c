"""Custom solutions: a group without a domain, versions of each recipe, campaigns, answers, a ranking."""

import time

import pytest

from data.sample.shop import item_id
from localaws.settings import Settings
from tests.contract.clients import client, refused
from tests.contract.helpers import avro, ended, eventually, gone, unique
from tests.contract.personalize_setup import (
    ALL,
    FOR_YOU,
    PERSONAL,
    POPULAR,
    RANKING,
    RECIPE,
    SIMILAR,
    TRENDING,
    create_solutions,
    create_versions,
    sample_group,
)

USER, INVALID = "u001", "InvalidInputException"


@pytest.fixture(scope="module")
def group(personalize, bucket: str, personalize_role: str):
    """A custom group with the sample's interactions and items."""
    kinds = ("Interactions", "Items")
    with sample_group(personalize, bucket, personalize_role, kinds=kinds, domain=None) as made:
        assert "domain" not in personalize.describe_dataset_group(datasetGroupArn=made.arn)["datasetGroup"]
        yield made
        refused("ResourceInUseException", personalize.delete_dataset_group, "solution/", datasetGroupArn=made.arn)


@pytest.fixture(scope="module")
def solutions(personalize, group) -> dict[str, str]:
    return create_solutions(personalize, group, *ALL)


@pytest.fixture(scope="module")
def versions(personalize, solutions) -> dict[str, str]:
    made = create_versions(personalize, solutions)
    for recipe, arn in made.items():
        found = personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
        assert found["recipeArn"] == RECIPE + recipe and found["trainingMode"] == "FULL"
        assert arn.rpartition("/")[0] == solutions[recipe]
    return made


@pytest.fixture(scope="module")
def campaigns(personalize, versions) -> dict[str, str]:
    made = {
        recipe: personalize.create_campaign(
            name=unique("campaign"),
            solutionVersionArn=arn,
            campaignConfig={"enableMetadataWithRecommendations": recipe == RANKING},
        )["campaignArn"]
        for recipe, arn in versions.items()
    }
    for arn in made.values():
        assert ended(personalize.describe_campaign, "campaign", campaignArn=arn)["status"] == "ACTIVE"
    return made


def _ids(runtime, arn: str, **params) -> list[str]:
    answer = runtime.get_recommendations(campaignArn=arn, **params)
    return [each["itemId"] for each in answer["itemList"]]


def test_a_solution_reports_its_latest_version_and_metrics(personalize, solutions, versions) -> None:
    for recipe, arn in solutions.items():
        latest = personalize.describe_solution(solutionArn=arn)["solution"]["latestSolutionVersion"]
        assert latest["solutionVersionArn"] == versions[recipe]
        listed = personalize.list_solution_versions(solutionArn=arn)["solutionVersions"]
        assert [each["solutionVersionArn"] for each in listed] == [versions[recipe]]
        metrics = personalize.get_solution_metrics(solutionVersionArn=versions[recipe])["metrics"]
        assert metrics["coverage"] > 0 and "normalized_discounted_cumulative_gain_at_25" in metrics


@pytest.mark.parametrize("recipe", [PERSONAL, SIMILAR, POPULAR, TRENDING])
def test_campaigns_recommend(runtime, campaigns, recipe: str) -> None:
    needs = {PERSONAL: {"userId": USER}, SIMILAR: {"itemId": item_id("Coffee")}}.get(recipe, {})
    items = _ids(runtime, campaigns[recipe], numResults=7, **needs)
    assert len(items) == len(set(items)) == 7
    for name in needs:
        refused(INVALID, runtime.get_recommendations, name, campaignArn=campaigns[recipe])


def test_a_ranking_orders_the_list_it_is_given(runtime, campaigns) -> None:
    ask, names = (
        runtime.get_personalized_ranking,
        [item_id(name) for name in ("Coffee", "Cream", "Bagels")],
    )
    wanted = [*names, "nothing-known"]
    query = {"campaignArn": campaigns[RANKING], "userId": USER, "inputList": wanted}
    ranked = ask(**query)["personalizedRanking"]
    assert sorted(each["itemId"] for each in ranked) == sorted(wanted)
    assert ranked[-1] == {"itemId": "nothing-known"}
    scores = [each["score"] for each in ranked[:-1]]
    assert sum(scores) == pytest.approx(1) and scores == sorted(scores, reverse=True)
    told = ask(**query, metadataColumns={"ITEMS": ["CATEGORY_L1"]})["personalizedRanking"]
    assert all(each["metadata"]["category_l1"] for each in told[:-1])
    refused(INVALID, ask, PERSONAL, **query | {"campaignArn": campaigns[PERSONAL]})
    refused(INVALID, runtime.get_recommendations, "GetPersonalizedRanking", campaignArn=campaigns[RANKING], userId=USER)
    refused(INVALID, runtime.get_recommendations, "either", userId=USER)


def test_events_and_filters_reach_campaigns(personalize, runtime, embedded_aws: Settings, group, campaigns) -> None:
    events, arn = client("personalize-events"), campaigns[PERSONAL]
    tracker = personalize.create_event_tracker(name=unique("tracker"), datasetGroupArn=group.arn)
    ended(personalize.describe_event_tracker, "eventTracker", eventTrackerArn=tracker["eventTrackerArn"])
    person = unique("person")
    before = _ids(runtime, arn, userId=person)
    bought = {"eventType": "Purchase", "itemId": before[-1], "sentAt": int(time.time())}
    events.put_events(trackingId=tracker["trackingId"], sessionId="s", userId=person, eventList=[bought])
    assert _ids(runtime, arn, userId=person) != before
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")'
    not_bought = personalize.create_filter(
        name=unique("filter"), datasetGroupArn=group.arn, filterExpression=expression
    )["filterArn"]
    ended(personalize.describe_filter, "filter", filterArn=not_bought)
    everything = {"userId": person, "numResults": 500}
    assert before[-1] in _ids(runtime, arn, **everything)
    assert before[-1] not in _ids(runtime, arn, filterArn=not_bought, **everything)
    ranked = runtime.get_personalized_ranking(
        campaignArn=campaigns[RANKING], userId=person, inputList=before[-2:], filterArn=not_bought
    )["personalizedRanking"]
    assert [each["itemId"] for each in ranked] == [before[-2]]
    personalize.delete_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])
    gone(personalize.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])


def test_a_campaign_moves_to_another_version(personalize, runtime, solutions, versions, campaigns) -> None:
    arn, ask = campaigns[POPULAR], personalize.update_campaign
    newer = personalize.create_solution_version(solutionArn=solutions[POPULAR])["solutionVersionArn"]
    refused("ResourceInUseException", ask, "ACTIVE", campaignArn=arn, solutionVersionArn=newer)
    ended(personalize.describe_solution_version, "solutionVersion", solutionVersionArn=newer)
    ask(campaignArn=arn, solutionVersionArn=newer, minProvisionedTPS=2)
    found = eventually(
        lambda: personalize.describe_campaign(campaignArn=arn)["campaign"],
        lambda each: each["latestCampaignUpdate"]["status"] == "ACTIVE",
    )
    assert (found["solutionVersionArn"], found["minProvisionedTPS"]) == (newer, 2)
    assert _ids(runtime, arn)
    refused(INVALID, ask, "no version of", campaignArn=arn, solutionVersionArn=versions[SIMILAR])
    refused("ResourceInUseException", personalize.delete_solution, "campaign/", solutionArn=solutions[POPULAR])


def test_one_event_type_trains(personalize, runtime, group) -> None:
    """A type with too few events fails with the service's words; one with enough gives another model."""
    solution = personalize.create_solution(
        performAutoTraining=False,
        name=unique("solution"),
        datasetGroupArn=group.arn,
        recipeArn=RECIPE + POPULAR,
        eventType="NoSuch",
    )["solutionArn"]
    ended(personalize.describe_solution, "solution", solutionArn=solution)
    version = personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    found = ended(personalize.describe_solution_version, "solutionVersion", solutionVersionArn=version)
    assert found["status"] == "CREATE FAILED"
    assert "fewer than 1000 interactions after filtering by event type: NoSuch" in found["failureReason"]
    refused("ResourceInUseException", personalize.get_solution_metrics, "CREATE FAILED", solutionVersionArn=version)
    refused(
        "ResourceInUseException", personalize.create_campaign, "CREATE FAILED", name="c", solutionVersionArn=version
    )


def test_what_cannot_be_made(personalize, group, solutions, versions, campaigns) -> None:
    create = personalize.create_solution
    wrong = {"name": "wrong", "datasetGroupArn": group.arn, "performAutoTraining": False}
    refused(INVALID, create, FOR_YOU, SIMILAR, **wrong, recipeArn=RECIPE + FOR_YOU)
    seldom = {"solutionConfig": {"autoTrainingConfig": {"schedulingExpression": "rate(31 days)"}}}
    refused(INVALID, create, "rate(31 days)", "rate(30 days)", **wrong, recipeArn=RECIPE + POPULAR, **seldom)
    refused(INVALID, create, "performIncrementalUpdate", "semantic-similarity", **wrong, recipeArn=RECIPE + POPULAR,
            performIncrementalUpdate=True)  # fmt: skip
    refused(INVALID, create, "recipeArn", "left out", **wrong, recipeArn=RECIPE + POPULAR, performAutoML=True)
    trend = {"solutionConfig": {"featureTransformationParameters": {"trend_discovery_frequency": "2 weeks"}}}
    refused(INVALID, create, "2 weeks", "30 minutes", **wrong, recipeArn=RECIPE + TRENDING, **trend)
    threshold = {"solutionConfig": {"eventValueThreshold": "high"}}
    refused(INVALID, create, "eventValueThreshold", "high", **wrong, recipeArn=RECIPE + POPULAR, **threshold)
    update = {"solutionArn": solutions[POPULAR], "trainingMode": "UPDATE"}
    refused(INVALID, personalize.create_solution_version, "UPDATE", **update)
    exploration = {"itemExplorationConfig": {"explorationWeight": "0.5"}}
    campaign = {"name": "wrong", "solutionVersionArn": versions[SIMILAR]}
    refused(INVALID, personalize.create_campaign, "itemExplorationConfig", **campaign, campaignConfig=exploration)
    message = "Cannot create a campaign. More than 5 resources in ACTIVE state."
    refused("LimitExceededException", personalize.create_campaign, message, **campaign)
    refused(INVALID, personalize.create_recommender, "domains-specific Dataset Group", name="wrong",
            datasetGroupArn=group.arn, recipeArn=RECIPE + FOR_YOU)  # fmt: skip
    no_metadata = avro("Items", ("ITEM_ID", "string"))
    refused(INVALID, personalize.create_schema, "metadata field", name="wrong", schema=no_metadata)


def test_custom_recipes_are_listed(personalize) -> None:
    assert {each["name"] for each in personalize.list_recipes(maxResults=100)["recipes"]} >= {*ALL, FOR_YOU}
    described = personalize.describe_recipe(recipeArn=RECIPE + TRENDING)["recipe"]
    assert described["status"] == "ACTIVE" and "domain" not in described
    described = personalize.describe_recipe(recipeArn=RECIPE + RANKING)["recipe"]
    assert described["recipeType"] == "PERSONALIZED_RANKING"
    algorithm = personalize.describe_algorithm(algorithmArn=described["algorithmArn"])["algorithm"]
    ranges = algorithm["defaultHyperParameterRanges"]
    assert ranges["integerHyperParameterRanges"][0]["name"] == "hidden_dimension"
    arn = described["featureTransformationArn"]
    found = personalize.describe_feature_transformation(featureTransformationArn=arn)["featureTransformation"]
    assert found["defaultParameters"]["max_user_history_length_percentile"] == "1.0"
    for ask, name in ((personalize.describe_algorithm, "algorithmArn"),
                      (personalize.describe_feature_transformation, "featureTransformationArn")):  # fmt: skip
        refused("ResourceNotFoundException", ask, "none", **{name: "arn:aws:personalize:::algorithm/none"})
