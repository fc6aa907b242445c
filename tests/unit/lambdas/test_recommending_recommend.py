"""Recommend: what answers requests is made, brought up to date, or left as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.lambdas.conftest import RECOMMENDING, arn, recommending_plan

_GROUP = arn("personalize", "dataset-group/storecast-corner-shop")
_RECOMMENDER = arn("personalize", "recommender/storecast-corner-shop-best-sellers")
_RECOMMEND = {"part": "recommender", "groupArn": _GROUP, "dataChanged": False, "started": RECOMMENDING["started"]}
_CONFIG = {"minRecommendationRequestsPerSecond": 2}
_BEFORE, _SINCE = datetime.fromisoformat("2026-11-01T00:00:00Z"), datetime.fromisoformat("2026-11-22T21:18:00Z")


def _updated(status: str, when: datetime = _BEFORE) -> dict[str, Any]:
    return {"latestRecommenderUpdate": {"status": status, "creationDateTime": when}}


@pytest.mark.parametrize(
    ("there", "data_changed", "call", "update_due"),
    [
        ({}, False, "update_recommender", False),
        ({"recommenderConfig": _CONFIG}, False, None, False),
        ({"recommenderConfig": _CONFIG}, True, "update_recommender", False),
        ({"recommenderConfig": _CONFIG, "creationDateTime": _SINCE}, True, None, False),
        ({"recommenderConfig": _CONFIG, **_updated("ACTIVE")}, False, None, False),
        ({"recommenderConfig": _CONFIG, **_updated("ACTIVE", _SINCE)}, True, None, False),
        ({"recommenderConfig": _CONFIG, **_updated("CREATE FAILED")}, False, "update_recommender", False),
        (_updated("CREATE IN_PROGRESS", _SINCE), True, None, False),
        (_updated("CREATE IN_PROGRESS"), True, None, True),
        (_updated("CREATE IN_PROGRESS"), False, None, False),
        (
            {
                "recommenderConfig": {
                    **_CONFIG,
                    "trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["PRICE"]}},
                },
            },
            False,
            "update_recommender",
            False,
        ),
        ({"status": "INACTIVE"}, False, "start_recommender", True),
        ({"status": "CREATE IN_PROGRESS"}, False, None, False),
        ({"status": "CREATE IN_PROGRESS"}, True, None, True),
    ],
)
def test_recommend_takes_up_the_recommender_that_is_there(
    there: dict[str, Any], data_changed: bool, call: str | None, update_due: bool, stub: Any, context: Any
) -> None:
    """It is updated where the data, its settings or a failed update ask for that, once a run; else left alone."""
    from recommending.recommend import handler

    work, service = _RECOMMEND | recommending_plan()["recommenders"][0], stub("personalize")
    service.add_response(
        "list_recommenders", {"recommenders": [{"name": work["request"]["name"], "recommenderArn": _RECOMMENDER}]}
    )
    found = {"status": "ACTIVE", "creationDateTime": _BEFORE, **there}
    service.add_response("describe_recommender", {"recommender": found})
    if call:
        service.add_response(call, {"recommenderArn": _RECOMMENDER})
    made = handler({**work, "dataChanged": data_changed}, context)
    assert made == {"recommenderArn": _RECOMMENDER, "updateDue": update_due}


def test_an_update_whose_answer_was_lost_is_looked_at_again(stub: Any, context: Any) -> None:
    from recommending.recommend import handler

    work, service = _RECOMMEND | recommending_plan()["recommenders"][0], stub("personalize")
    named = {"name": work["request"]["name"], "recommenderArn": _RECOMMENDER}
    service.add_response("list_recommenders", {"recommenders": [named]})
    found = {"status": "ACTIVE", "creationDateTime": _BEFORE}
    service.add_response("describe_recommender", {"recommender": found})
    service.add_client_error("update_recommender", "ResourceInUseException", "it is updating")
    assert handler(work, context) == {"recommenderArn": _RECOMMENDER, "updateDue": True}


@pytest.mark.parametrize("changed", [False, True])
def test_an_update_of_nothing_that_is_refused_fails_no_run(stub: Any, context: Any, changed: bool) -> None:
    """The data is new, and the config as it is there: Personalize may find that nothing is to be updated."""
    from recommending.recommend import handler

    work, service = _RECOMMEND | recommending_plan()["recommenders"][0], stub("personalize")
    named = {"name": work["request"]["name"], "recommenderArn": _RECOMMENDER}
    service.add_response("list_recommenders", {"recommenders": [named]})
    config = {**_CONFIG, **({"enableMetadataWithRecommendations": True} if changed else {})}
    found = {"status": "ACTIVE", "creationDateTime": _BEFORE, "recommenderConfig": config}
    service.add_response("describe_recommender", {"recommender": found})
    service.add_client_error("update_recommender", "InvalidInputException", "no change")
    if changed:
        with pytest.raises(ClientError, match="no change"):
            handler({**work, "dataChanged": True}, context)
    else:
        assert handler({**work, "dataChanged": True}, context) == {"recommenderArn": _RECOMMENDER, "updateDue": False}


def test_recommend_creates_what_is_not_there(stub: Any, context: Any) -> None:
    from recommending.recommend import handler

    work, service = _RECOMMEND | recommending_plan()["recommenders"][0], stub("personalize")
    service.add_response("list_recommenders", {"recommenders": []})
    service.add_response(
        "create_recommender", {"recommenderArn": _RECOMMENDER}, {**work["request"], "datasetGroupArn": _GROUP}
    )
    assert handler(work, context) == {"recommenderArn": _RECOMMENDER, "updateDue": False}


_SOLUTION, _CAMPAIGN = arn("personalize", "solution/for-you"), arn("personalize", "campaign/for-you")
_NEW, _OLD = f"{_SOLUTION}/11111111", f"{_SOLUTION}/00000000"


def _recommend(part: str, context: Any, **known: Any) -> dict[str, Any]:
    from recommending.recommend import handler

    run = "20261122T211700_abc"
    shared = {
        "part": part,
        "run": run,
        "solutionArn": _SOLUTION,
        "started": RECOMMENDING["started"],
        "dataChanged": False,
    }
    return handler({**shared, **recommending_plan()["solutions"][0], **known}, context)


@pytest.mark.parametrize(
    ("newest", "data_changed", "trains"),
    [
        (None, False, True),
        (("2026-11-01T00:00:00Z", "ACTIVE"), False, False),
        (("2026-11-01T00:00:00Z", "ACTIVE"), True, True),
        (("2026-11-01T00:00:00Z", "CREATE FAILED"), False, True),
        (("2026-11-01T00:00:00Z", "CREATE IN_PROGRESS"), False, True),
        (("2026-11-22T21:18:00Z", "CREATE IN_PROGRESS"), True, False),
    ],
)
def test_a_solution_is_trained_where_its_newest_version_does_not_know_the_data(
    newest: tuple[str, str] | None, data_changed: bool, trains: bool, stub: Any, context: Any
) -> None:
    service, there = stub("personalize"), {}
    if newest:
        made = datetime.fromisoformat(newest[0])
        there = {"latestSolutionVersion": {"solutionVersionArn": _OLD, "creationDateTime": made, "status": newest[1]}}
    service.add_response("describe_solution", {"solution": there})
    if trains:
        tags = [{"tagKey": key, "tagValue": value} for key, value in RECOMMENDING["tags"].items()]
        name = "7287988b-20261122T211700_abc"
        request = {"name": name, "solutionArn": _SOLUTION, "tags": tags}
        service.add_response("create_solution_version", {"solutionVersionArn": _NEW}, request)
    made = _recommend("version", context, dataChanged=data_changed)
    assert made == {"solutionVersionArn": _NEW if trains else _OLD}


@pytest.mark.parametrize(
    ("there", "updated"),
    [
        ({"solutionVersionArn": _NEW}, False),
        ({"solutionVersionArn": _OLD}, True),
        ({"solutionVersionArn": _NEW, "minProvisionedTPS": 3}, True),
        ({"solutionVersionArn": _NEW, "campaignConfig": {"itemExplorationConfig": {"explorationWeight": "0.9"}}}, True),
        ({"solutionVersionArn": _NEW, "latestCampaignUpdate": {"status": "CREATE FAILED"}}, True),
        ({"solutionVersionArn": _OLD, "latestCampaignUpdate": {"status": "CREATE IN_PROGRESS"}}, False),
    ],
)
def test_a_campaign_gets_the_version_and_settings_it_lacks(
    there: dict[str, Any], updated: bool, stub: Any, context: Any
) -> None:
    service, wanted = stub("personalize"), recommending_plan()["solutions"][0]["campaign"]
    named = {"name": wanted["name"], "campaignArn": _CAMPAIGN}
    service.add_response("list_campaigns", {"campaigns": [named]}, {"solutionArn": _SOLUTION})
    whole = {"status": "ACTIVE", **{key: wanted[key] for key in ("minProvisionedTPS", "campaignConfig")}, **there}
    service.add_response("describe_campaign", {"campaign": whole})
    if updated:
        request = {"campaignArn": _CAMPAIGN, "solutionVersionArn": _NEW, "minProvisionedTPS": 1}
        config = {"campaignConfig": wanted["campaignConfig"]}
        service.add_response("update_campaign", {"campaignArn": _CAMPAIGN}, {**request, **config})
    assert _recommend("campaign", context, solutionVersionArn=_NEW) == {"campaignArn": _CAMPAIGN}


def test_a_campaign_that_is_not_there_is_made(stub: Any, context: Any) -> None:
    service, wanted = stub("personalize"), recommending_plan()["solutions"][0]["campaign"]
    service.add_response("list_campaigns", {"campaigns": []})
    service.add_response("create_campaign", {"campaignArn": _CAMPAIGN}, {**wanted, "solutionVersionArn": _NEW})
    assert _recommend("campaign", context, solutionVersionArn=_NEW) == {"campaignArn": _CAMPAIGN}
