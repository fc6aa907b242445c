"""The recommending steps, call by call against botocore's models."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.unit.lambdas.conftest import RECOMMENDING, arn

_GROUP = arn("personalize", "dataset-group/storecast-corner-shop")
_RECOMMENDER = arn("personalize", "recommender/storecast-corner-shop-best-sellers")


def _order() -> dict[str, Any]:
    from recommending.plan import order

    return order(RECOMMENDING, {"interactions": "i", "users": "u"}, {}, "20261122T211700_abc")


def test_plan_names_and_schemas() -> None:
    order = _order()
    names = [
        order["group"]["name"],
        *(j["schema"]["name"] for j in order["imports"]),
        *(j["request"]["jobName"] for j in order["imports"]),
        *(r["request"]["name"] for r in order["recommenders"]),
    ]
    assert all(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}", name) for name in names), names
    schema = json.loads(order["imports"][1]["schema"]["schema"])
    assert schema["name"] == "Users"
    assert schema["fields"][1] == {"name": "AGE", "type": ["string", "null"], "categorical": True}


def test_plan_waits_for_interactions_and_says_where(bucket: Any, context: Any) -> None:
    from recommending.plan import handler

    answer = handler(RECOMMENDING, context)
    assert (
        "no interactions file yet; a CSV under s3://data/recommending/corner-shop/interactions/" in answer["nothingNew"]
    )


def _expect_group(service: Any, order: dict[str, Any], status: str) -> list[str]:
    service.add_response("create_dataset_group", {"datasetGroupArn": _GROUP})
    schemas = [arn("personalize", f"schema/{job['schema']['name']}") for job in order["imports"]]
    for schema in schemas:
        service.add_response("create_schema", {"schemaArn": schema})
    service.add_response("describe_dataset_group", {"datasetGroup": {"status": status}})
    return schemas


def test_ensure_stops_short_of_datasets_while_the_group_is_not_active(stub: Any, context: Any) -> None:
    from recommending.ensure import handler

    order = _order()
    _expect_group(stub("personalize"), order, "CREATE IN_PROGRESS")
    assert handler(order, context) == {"groupArn": _GROUP}


def test_ensure_makes_the_datasets_of_an_active_group(stub: Any, context: Any) -> None:
    from recommending.ensure import handler

    order, service = _order(), stub("personalize")
    for schema in _expect_group(service, order, "ACTIVE"):
        service.add_response("create_dataset", {"datasetArn": arn("personalize", "dataset/g/X")})
        service.add_response("describe_dataset", {"dataset": {"schemaArn": schema}})
    assert {job["request"]["datasetArn"] for job in handler(order, context)["imports"]} == {
        arn("personalize", "dataset/g/X")
    }


def test_ensure_refuses_a_dataset_of_another_schema(stub: Any, context: Any) -> None:
    from recommending.ensure import handler

    order, service = _order(), stub("personalize")
    _expect_group(service, order, "ACTIVE")
    service.add_client_error("create_dataset", "ResourceAlreadyExistsException")
    service.add_response(
        "list_datasets",
        {
            "datasets": [
                {
                    "name": "storecast-corner-shop-interactions",
                    "datasetArn": arn("personalize", "dataset/g/INTERACTIONS"),
                }
            ]
        },
    )
    service.add_response("describe_dataset", {"dataset": {"schemaArn": arn("personalize", "schema/old")}})
    with pytest.raises(ValueError, match="exists with schema .*schema/old"):
        handler(order, context)


@pytest.mark.parametrize(
    ("there", "call"),
    [
        ({"status": "ACTIVE"}, "update_recommender"),
        ({"status": "ACTIVE", "latestRecommenderUpdate": {"status": "CREATE IN_PROGRESS"}}, None),
        ({"status": "INACTIVE"}, "start_recommender"),
        ({"status": "CREATE IN_PROGRESS"}, None),
    ],
)
def test_recommend_takes_up_the_recommender_that_is_there(
    there: dict[str, Any], call: str | None, stub: Any, context: Any
) -> None:
    from recommending.recommend import handler

    work, service = _order()["recommenders"][0], stub("personalize")
    service.add_response(
        "list_recommenders", {"recommenders": [{"name": work["request"]["name"], "recommenderArn": _RECOMMENDER}]}
    )
    service.add_response("describe_recommender", {"recommender": there})
    if call:
        service.add_response(call, {"recommenderArn": _RECOMMENDER})
    assert handler({**work, "groupArn": _GROUP}, context) == {"recommenderArn": _RECOMMENDER}


def test_recommend_creates_what_is_not_there(stub: Any, context: Any) -> None:
    from recommending.recommend import handler

    work, service = _order()["recommenders"][0], stub("personalize")
    service.add_response("list_recommenders", {"recommenders": []})
    service.add_response(
        "create_recommender", {"recommenderArn": _RECOMMENDER}, {**work["request"], "datasetGroupArn": _GROUP}
    )
    assert handler({**work, "groupArn": _GROUP}, context) == {"recommenderArn": _RECOMMENDER}


def test_publish_writes_lists_with_names(bucket: Any, stub: Any, context: Any) -> None:
    from recommending.publish import handler

    bucket.objects |= {
        "recommending/corner-shop/interactions/i.csv": b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
        b"u1,i1,1,View\nu1,i2,2,View\nu2,i1,3,View\nu3,i1,3,View\nu3,i1,4,View\n",
        "recommending/corner-shop/items/i.csv": b"ITEM_ID,NAME\ni1,Milk & <Honey>\n",
    }
    runtime = stub("personalize-runtime")
    for request in (
        {"itemId": "i1", "userId": "u1"},
        {"itemId": "i2", "userId": "u1"},
        {"userId": "u1"},
        {"userId": "u3"},
    ):
        runtime.add_response(
            "get_recommendations",
            {"itemList": [{"itemId": "i1"}, {"itemId": "i9", "score": 0.5}]},
            {"recommenderArn": _RECOMMENDER, "numResults": 3, **request},
        )
    made = [
        {
            "useCase": "also-viewed",
            "recommenderArn": _RECOMMENDER,
            "metrics": {"coverage": 0.5, "popularity_baseline_coverage": 0.1},
        },
        {"useCase": "recommended-for-you", "recommenderArn": _RECOMMENDER, "metrics": {}},
    ]
    summary = handler({**_order(), "covers": {}, "recommenders": made}, context)["summary"]
    assert summary["lists"] == 4
    written = json.loads(bucket.objects["recommending/corner-shop/runs/20261122T211700_abc/recommendations.json"])
    assert written["useCases"][0]["lists"][0] == {
        "for": {"itemId": "i1", "name": "Milk & <Honey>"},
        "items": [{"itemId": "i1", "name": "Milk & <Honey>"}, {"itemId": "i9", "name": "i9", "score": 0.5}],
    }
    report = bucket.objects["recommending/corner-shop/report.html"].decode()
    assert "Milk &amp; &lt;Honey&gt;" in report and "<Honey>" not in report
    assert '<span class="best">0.500</span><div class="soft small">0.100</div>' in report
