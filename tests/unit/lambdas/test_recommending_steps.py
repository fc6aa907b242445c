"""The recommending steps, call by call against botocore's models."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest

from tests.recordings import recorded
from tests.unit.lambdas.conftest import RECOMMENDING, arn, recommending_plan
from tests.unit.lambdas.personalize import Personalize

_GROUP = arn("personalize", "dataset-group/storecast-corner-shop")
_RECOMMENDER = arn("personalize", "recommender/storecast-corner-shop-best-sellers")
_CAMPAIGN, _VERSION = arn("personalize", "campaign/for-you"), arn("personalize", "solution/for-you/11111111")


def test_plan_names_and_schemas() -> None:
    plan = recommending_plan()
    names = [
        plan["group"]["name"],
        *(d["schema"]["name"] for d in plan["datasets"]),
        *(j["request"]["jobName"] for j in (*plan["imports"], *plan["batch"])),
        *(
            r["request"]["name"]
            for r in (*plan["recommenders"], *plan["solutions"], *plan["filters"], plan["eventTracker"])
        ),
    ]
    assert all(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}", name) for name in names), names
    schema = json.loads(plan["datasets"][1]["schema"]["schema"])
    assert schema["name"] == "Users"
    assert schema["fields"][1] == {"name": "AGE", "type": ["string", "null"], "categorical": True}


def test_excluded_columns_are_part_of_what_is_trained() -> None:
    plain = recommending_plan()
    config = json.loads(json.dumps(RECOMMENDING["config"]))
    for made in (config["use_cases"]["best-sellers"], config["solutions"]["for-you"]):
        made["excluded_dataset_columns"] = {"items": ["PRICE"]}
    given = {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["PRICE"]}}}
    made = recommending_plan(config=config)
    assert made["recommenders"][0]["request"]["recommenderConfig"].items() >= given.items()
    assert made["solutions"][0]["request"]["solutionConfig"] == given
    assert made["solutions"][0]["request"]["name"] != plain["solutions"][0]["request"]["name"]


def test_plan_waits_for_interactions_and_says_where(bucket: Any, context: Any) -> None:
    from recommending.plan import handler

    answer = handler(RECOMMENDING, context)
    assert (
        "no interactions file yet; a CSV under s3://data/recommending/corner-shop/interactions/" in answer["nothingNew"]
    )


def _ensure(part: str, context: Any, *, config: dict[str, Any] | None = None, **known: Any) -> dict[str, Any]:
    from recommending.ensure import handler

    plan = recommending_plan(config=config or RECOMMENDING["config"])
    return handler({**plan, **known, "part": part}, context)


def test_ensure_makes_the_group(stub: Any, context: Any) -> None:
    service = stub("personalize")
    service.add_response("list_dataset_groups", {"datasetGroups": []})
    service.add_response("create_dataset_group", {"datasetGroupArn": _GROUP})
    service.add_response("describe_dataset_group", {"datasetGroup": {}})
    assert _ensure("group", context) == {"groupArn": _GROUP}


def test_ensure_waits_until_a_group_that_failed_is_gone(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from common.step import ServiceUnavailable
    from recommending import ensure

    service = Personalize(("dataset_group", "storecast-corner-shop", ""))
    service.there["dataset_group", "storecast-corner-shop"][1] = "CREATE FAILED"
    monkeypatch.setattr(ensure, "client", lambda name: service)
    for _ in range(2):  # deleted, and still under deletion
        with pytest.raises(
            ServiceUnavailable, match="being deleted, to make room or to be made again: .*storecast-corner-shop"
        ):
            _ensure("group", context)
    assert service.deleted == ["storecast-corner-shop"] and not service.there


def test_ensure_refuses_a_group_under_another_key(stub: Any, context: Any) -> None:
    service = stub("personalize")
    service.add_response("list_dataset_groups", {"datasetGroups": []})
    service.add_response("create_dataset_group", {"datasetGroupArn": _GROUP})
    service.add_response("describe_dataset_group", {"datasetGroup": {"kmsKeyArn": "arn:old"}})
    with pytest.raises(ValueError, match=f"{_GROUP} exists with the KMS key arn:old, but it should be None"):
        _ensure("group", context)


def test_with_a_key_the_group_and_batch_files_are_encrypted_under_it() -> None:
    made = recommending_plan(kmsKeyArn="arn:key")
    assert (made["group"]["kmsKeyArn"], made["group"]["roleArn"]) == ("arn:key", RECOMMENDING["roleArn"])
    [job] = made["batch"]
    places = job["request"]["jobInput"]["s3DataSource"], job["request"]["jobOutput"]["s3DataDestination"]
    assert [place["kmsKeyArn"] for place in places] == ["arn:key"] * 2


def test_ensure_makes_the_datasets_of_an_active_group(stub: Any, context: Any) -> None:
    service = stub("personalize")
    service.add_response("list_datasets", {"datasets": []})
    for dataset in recommending_plan()["datasets"]:
        schema = arn("personalize", f"schema/{dataset['schema']['name']}")
        service.add_response("create_schema", {"schemaArn": schema})
        service.add_response("create_dataset", {"datasetArn": arn("personalize", f"dataset/g/{dataset['kind']}")})
        service.add_response("describe_dataset", {"dataset": {"schemaArn": schema}})
    made = _ensure("datasets", context, groupArn=_GROUP)
    arns = [arn("personalize", f"dataset/g/{kind}") for kind in ("interactions", "users")]
    assert [dataset["datasetArn"] for dataset in made["datasets"]] == arns
    assert [job["request"]["datasetArn"] for job in made["imports"]] == arns


@pytest.mark.parametrize("allowed", [True, False])
def test_ensure_gives_a_dataset_its_new_schema_or_says_why_not(allowed: bool, stub: Any, context: Any) -> None:
    service, there = stub("personalize"), arn("personalize", "dataset/g/INTERACTIONS")
    old, new = arn("personalize", "schema/old"), arn("personalize", "schema/new")
    service.add_response("list_datasets", {"datasets": []})
    for dataset in recommending_plan()["datasets"]:
        service.add_response("create_schema", {"schemaArn": new})
        service.add_client_error("create_dataset", "ResourceAlreadyExistsException")
        named = {"name": dataset["request"]["name"], "datasetArn": there}
        service.add_response("list_datasets", {"datasets": [named]})
        service.add_response("describe_dataset", {"dataset": {"schemaArn": old}})
        if allowed:
            service.add_response("update_dataset", {"datasetArn": there}, {"datasetArn": there, "schemaArn": new})
        else:
            service.add_client_error("update_dataset", "InvalidInputException", "keep field AGE")
            service.add_response("list_dataset_import_jobs", {"datasetImportJobs": [{"status": "ACTIVE"}]})
            with pytest.raises(ValueError, match="exists with schema .*schema/old and cannot .* keep field AGE"):
                _ensure("datasets", context, groupArn=_GROUP)
            return
    _ensure("datasets", context, groupArn=_GROUP)


def test_a_dataset_that_never_held_data_is_made_again_with_another_schema(stub: Any, context: Any) -> None:
    from common.step import ServiceUnavailable

    service, there = stub("personalize"), arn("personalize", "dataset/g/INTERACTIONS")
    named = {"name": recommending_plan()["datasets"][0]["request"]["name"], "datasetArn": there, "status": "ACTIVE"}
    service.add_response("list_datasets", {"datasets": []})
    service.add_response("create_schema", {"schemaArn": arn("personalize", "schema/new")})
    service.add_client_error("create_dataset", "ResourceAlreadyExistsException")
    service.add_response("list_datasets", {"datasets": [named]})
    service.add_response("describe_dataset", {"dataset": {"schemaArn": arn("personalize", "schema/old")}})
    service.add_client_error("update_dataset", "InvalidInputException", "keep field AGE")
    service.add_response("list_dataset_import_jobs", {"datasetImportJobs": [{"status": "CREATE FAILED"}]})
    service.add_response("list_event_trackers", {"eventTrackers": []})
    service.add_response("list_datasets", {"datasets": [named]})
    service.add_response("delete_dataset", {}, {"datasetArn": there})
    with pytest.raises(ServiceUnavailable, match="INTERACTIONS"):
        _ensure("datasets", context, groupArn=_GROUP)


def test_an_update_that_an_earlier_attempt_began_is_not_asked_for_again(stub: Any, context: Any) -> None:
    """UpdateDataset takes time (recorded: UPDATE PENDING, UPDATE IN_PROGRESS) and refuses another one meanwhile."""
    service, there = stub("personalize"), arn("personalize", "dataset/g/INTERACTIONS")
    old, new = arn("personalize", "schema/old"), arn("personalize", "schema/new")
    dataset = recorded("personalize", "DescribeDataset")["dataset"] | {"schemaArn": old}
    dataset["latestDatasetUpdate"] = dataset["latestDatasetUpdate"] | {"schemaArn": new, "status": "UPDATE PENDING"}
    service.add_response("list_datasets", {"datasets": []})
    for planned in recommending_plan()["datasets"]:
        service.add_response("create_schema", {"schemaArn": new})
        service.add_client_error("create_dataset", "ResourceAlreadyExistsException")
        named = {"name": planned["request"]["name"], "datasetArn": there}
        service.add_response("list_datasets", {"datasets": [named]})
        service.add_response("describe_dataset", {"dataset": dataset})
    _ensure("datasets", context, groupArn=_GROUP)


def _list_nothing(service: Any) -> None:
    """Of what serves from the dataset group nothing failed: there is nothing yet."""
    for kind, plural in (("recommender", "recommenders"), ("filter", "Filters"), ("event_tracker", "eventTrackers")):
        service.add_response(f"list_{kind}s", {plural: []}, {"datasetGroupArn": _GROUP})
    for _ in ("for their campaigns", "for themselves"):
        service.add_response("list_solutions", {"solutions": []}, {"datasetGroupArn": _GROUP})
    for kind, plural in (("filter", "Filters"), ("solution", "solutions")):
        service.add_response(f"list_{kind}s", {plural: []}, {"datasetGroupArn": _GROUP})  # is there room?


@pytest.mark.parametrize("there", [True, False])
def test_ensure_makes_filters_and_takes_the_one_tracker_a_group_may_have(there: bool, stub: Any, context: Any) -> None:
    service, plan = stub("personalize"), recommending_plan()
    _list_nothing(service)
    tracker, cheap = arn("personalize", "event-tracker/1a2b3c4d"), arn("personalize", "filter/cheap")
    solution = arn("personalize", "solution/for-you")
    service.add_response(
        "create_filter", {"filterArn": cheap}, {**plan["filters"][0]["request"], "datasetGroupArn": _GROUP}
    )
    service.add_response(
        "create_solution", {"solutionArn": solution}, {**plan["solutions"][0]["request"], "datasetGroupArn": _GROUP}
    )
    service.add_response("list_event_trackers", {"eventTrackers": [{"eventTrackerArn": tracker}] if there else []})
    if not there:
        service.add_response("create_event_tracker", {"eventTrackerArn": tracker, "trackingId": "t"})
    service.add_response("describe_event_tracker", {"eventTracker": {"trackingId": "t"}})
    made = _ensure("filtersAndSolutions", context, groupArn=_GROUP)
    assert (made["filters"][0]["filterArn"], made["solutions"][0]["solutionArn"]) == (cheap, solution)
    assert (made["eventTracker"]["eventTrackerArn"], made["eventTracker"]["trackingId"]) == (tracker, "t")


def test_a_filter_that_is_refused_is_named(stub: Any, context: Any) -> None:
    _list_nothing(stub("personalize"))
    stub("personalize").add_client_error("create_filter", "InvalidInputException", "Invalid Expression: Items.PRISE")
    with pytest.raises(ValueError, match="filter cheap of pipeline.yaml: .*Invalid Expression: Items.PRISE"):
        _ensure("filtersAndSolutions", context, groupArn=_GROUP)


@pytest.mark.parametrize(("there", "going"), [(29, []), (30, ["f0"])])
def test_where_the_filters_are_as_many_as_may_be_an_old_one_goes_first(
    context: Any, monkeypatch: pytest.MonkeyPatch, there: int, going: list[str]
) -> None:
    """A changed filter has another name: with 30 there, it could not be made before the old one is deleted."""
    from common.step import ServiceUnavailable
    from recommending import ensure

    group, ours = "storecast-corner-shop", "storecast-corner-shop-"
    service = Personalize(*(("filter", f"{ours}f{number}", group) for number in range(there)))
    monkeypatch.setattr(ensure, "client", lambda name: service)
    monkeypatch.setattr(ensure, "create", lambda *_, **__: "arn")
    config = {**RECOMMENDING["config"], "solutions": {}, "batch": {}, "event_tracker": False}
    if going:
        with pytest.raises(ServiceUnavailable, match="to make room .*filter/storecast-corner-shop-f0$"):
            _ensure("filtersAndSolutions", context, config=config, groupArn=_GROUP)
    while going and (("filter", f"{ours}f0") in service.there):
        with contextlib.suppress(ServiceUnavailable):
            _ensure("filtersAndSolutions", context, config=config, groupArn=_GROUP)
    assert _ensure("filtersAndSolutions", context, config=config, groupArn=_GROUP)["filters"][0]["filterArn"] == "arn"
    assert service.deleted == [f"{ours}{name}" for name in going]


def test_a_changed_solution_takes_the_place_of_the_oldest_with_its_campaign(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten solutions and five campaigns are there; one that was made by hand stays."""
    from common.step import ServiceUnavailable
    from recommending import ensure

    group, ours = "storecast-corner-shop", "storecast-corner-shop-"
    made = ["made by hand", *(f"{ours}s{number}" for number in range(9))]
    service = Personalize(
        *(("solution", name, group) for name in made), *(("campaign", name, name) for name in made[:5])
    )
    monkeypatch.setattr(ensure, "client", lambda name: service)
    monkeypatch.setattr(ensure, "create", lambda *_, **__: "arn")
    config = {**RECOMMENDING["config"], "batch": {}, "event_tracker": False}
    for _ in range(9):
        with contextlib.suppress(ServiceUnavailable):
            answer = _ensure("filtersAndSolutions", context, config=config, groupArn=_GROUP)
    assert [one["solutionArn"] for one in answer["solutions"]] == ["arn"]
    assert service.deleted == [f"{ours}s0", f"{ours}s0"], "the campaign, then the solution"


def test_what_the_config_no_longer_names_goes_and_what_is_not_ours_stays(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recommending import ensure

    group, ours = "storecast-corner-shop", "storecast-corner-shop-"
    service = Personalize(
        ("recommender", f"{ours}best-sellers", group),
        ("recommender", f"{ours}most-viewed", group),
        ("filter", f"{ours}cheap-1", group),
        ("filter", f"{ours}cheap-2", group),
        ("filter", "made by hand", group),
        ("event_tracker", f"{ours}events", group),
        ("solution", f"{ours}similar", group),
        ("campaign", f"{ours}similar", f"{ours}similar"),
    )
    monkeypatch.setattr(ensure, "client", lambda name: service)
    made = {
        "groupArn": _GROUP,
        "recommenders": [{"useCase": "best-sellers", "recommenderArn": _RECOMMENDER}],
        "solutions": [],
        "filters": [{"name": "cheap", "filterArn": arn("personalize", f"filter/{ours}cheap-2")}],
    }
    without_tracker, polls, left = {**RECOMMENDING["config"], "event_tracker": False}, 0, ["?"]
    while left:
        answer = _ensure("leftovers", context, config=without_tracker, **made, polls=polls)
        polls, left = answer["polls"], answer["left"]
    assert polls == 3 and [name for _, name in service.there] == [
        f"{ours}best-sellers",
        f"{ours}cheap-2",
        "made by hand",
    ]


def test_evaluate_asks_each_for_its_metrics(stub: Any, context: Any) -> None:
    from recommending.evaluate import handler

    service = stub("personalize")
    service.add_response("describe_recommender", {"recommender": {"modelMetrics": {"coverage": 0.5}}})
    service.add_response("get_solution_metrics", {"metrics": {"coverage": 0.25}}, {"solutionVersionArn": _VERSION})
    made = {"recommenders": [{"recommenderArn": _RECOMMENDER}], "solutions": [{"solutionVersionArn": _VERSION}]}
    told = handler(made, context)
    assert [each["metrics"] for each in (*told["recommenders"], *told["solutions"])] == [
        {"coverage": 0.5},
        {"coverage": 0.25},
    ]


_FILTERS = {
    "cheap": "INCLUDE ItemID WHERE Items.PRICE < 3",
    "brand": "INCLUDE ItemID WHERE Items.BRAND IN ($BRAND)",
    "alike": "INCLUDE ItemID WHERE Items.CATEGORY_L1 IN (CurrentItem.CATEGORY_L1)",
}
_SERVING = {
    "filters": [
        {"name": name, "filterArn": arn("personalize", f"filter/{name}"), "request": {"filterExpression": expression}}
        for name, expression in _FILTERS.items()
    ],
    "solutions": [
        {"name": "ranking", "recipe": "aws-personalized-ranking", "campaignArn": _CAMPAIGN, "metrics": {}},
        {"name": "for batch", "recipe": "aws-similar-items", "metrics": {}},
    ],
    "eventTracker": {"trackingId": "t"},
    "batch": [
        {
            "name": "all",
            "settings": {"solution": "ranking"},
            "solutionVersionArn": _VERSION,
            "batchInferenceJobArn": arn("personalize", "batch-inference-job/all"),
            "output": "s3://out/",
            "requests": 1200,
        }
    ],
}


def test_publish_writes_lists_with_names(bucket: Any, stub: Any, context: Any) -> None:
    from recommending.publish import handler

    bucket.objects |= {
        "recommending/corner-shop/interactions/i.csv": b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
        b"u1,i1,1,View\nu1,i2,2,View\nu2,i1,3,View\nu3,i1,3,View\nu3,i1,4,View\n",
        "recommending/corner-shop/items/i.csv": b"ITEM_ID,NAME\ni1,Milk & <Honey>\n",
    }
    bucket.plan("recommending/corner-shop/", "20261122T211700_abc")
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
    for user in ("u1", "u3"):
        runtime.add_response(
            "get_personalized_ranking",
            {"personalizedRanking": [{"itemId": "i2"}, {"itemId": "i1"}]},
            {"campaignArn": _CAMPAIGN, "userId": user, "inputList": ["i1", "i2"]},
        )
    for name, request in (("cheap", {"userId": "u1"}), ("alike", {"itemId": "i1", "userId": "u1"})):
        shared = {"recommenderArn": _RECOMMENDER, "numResults": 3, **request}
        runtime.add_response("get_recommendations", {"itemList": [{"itemId": "i1"}, {"itemId": "i9"}]}, shared)
        filter_arn = {"filterArn": arn("personalize", f"filter/{name}")}
        runtime.add_response("get_recommendations", {"itemList": [{"itemId": "i9"}]}, shared | filter_arn)
    made = [
        {
            "useCase": "also-viewed",
            "recommenderArn": _RECOMMENDER,
            "metrics": {"coverage": 0.5},
        },
        {"useCase": "recommended-for-you", "recommenderArn": _RECOMMENDER, "metrics": {}},
    ]
    summary = handler({**recommending_plan(), "inputs": {}, "recommenders": made, **_SERVING}, context)["summary"]
    assert list(bucket.objects)[-1].endswith("/newest.json"), "a run that is stopped before that has published nothing"
    assert summary["lists"] == 6 and summary["trackingId"] == "t"
    assert bucket.listings == []  # it reads what the plan saw
    assert summary["filters"]["cheap"] == arn("personalize", "filter/cheap")
    written = json.loads(bucket.objects["recommending/corner-shop/runs/20261122T211700_abc/recommendations.json"])
    assert written["useCases"][0]["lists"][0] == {
        "for": {"itemId": "i1", "name": "Milk & <Honey>"},
        "items": [{"itemId": "i1", "name": "Milk & <Honey>"}, {"itemId": "i9", "name": "i9", "score": 0.5}],
    }
    assert [made["name"] for made in written["solutions"]] == ["ranking"]
    cheap, brand, alike = written["filters"]
    assert (cheap["by"], [item["itemId"] for item in cheap["leftOut"]]) == ("recommended-for-you", ["i1"])
    assert "items" not in brand and alike["for"]["itemId"] == "i1"
    report = bucket.objects["recommending/corner-shop/report.html"].decode()
    assert summary["batch"]["all"]["output"] == "s3://out/" and ">1,200<" in report
    assert "ranking (aws-personalized-ranking)" in report and "Items.PRICE &lt; 3" in report
    assert "Milk &amp; &lt;Honey&gt;" in report and "<Honey>" not in report
    assert "0.500</td>" in report
