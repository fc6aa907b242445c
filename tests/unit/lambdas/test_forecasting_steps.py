"""The forecasting steps, call by call against botocore's models."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from tests.recordings import recorded, samples
from tests.unit.lambdas.conftest import FORECASTING, arn, times


def _order(kinds: list[str]) -> dict[str, Any]:
    from common.names import run_id
    from forecasting.plan import run_plan

    files = {kind: f"checksum of {kind}" for kind in kinds}
    return run_plan(FORECASTING, files, {}, run_id(FORECASTING["execution"], FORECASTING["started"]))


def test_plan_names_everything_after_the_execution_and_within_forecasts_rules() -> None:
    order = _order(["target", "related", "metadata"])
    names = [
        order["group"]["DatasetGroupName"],
        *(p["request"]["PredictorName"] for p in order["predictors"]),
        *(d["request"]["DatasetName"] for d in order["datasets"]),
        *(i["request"]["DatasetImportJobName"] for i in order["imports"]),
        *(f["request"]["ForecastName"] for f in order["forecasts"]),
    ]
    assert all(re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,62}", name) for name in names), names
    assert _order(["target"])["run"] == order["run"] == "20261122T211700_" + order["run"][-3:]
    longest = copy.deepcopy(FORECASTING) | {"dataset": "a" * 20}
    longest["config"] |= {"forecasts": {"b" * 12: ["0.5"]}, "algorithms": ["AutoPredictor", "Deep_AR_Plus", "CNN-QR"]}
    from forecasting.plan import run_plan

    made = run_plan(longest, {"target": "t", "related": "r", "metadata": "m"}, {}, order["run"])
    assert len(made["forecasts"][0]["request"]["ForecastName"]) <= 63
    for predictor in made["predictors"]:
        assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,62}", predictor["request"]["PredictorName"])


def test_plan_leaves_out_what_has_no_file(bucket: Any, stub: Any, context: Any) -> None:
    from forecasting.plan import handler

    stub("forecast").add_response("list_dataset_import_jobs", {"DatasetImportJobs": []})
    bucket.objects["forecasting/corner-shop/target/a.csv"] = b"milk,2026-01-01,3\n"
    order = handler(FORECASTING, context)
    assert [job["kind"] for job in order["imports"]] == ["target"]
    assert [c["AttributeName"] for c in order["predictors"][0]["request"]["DataConfig"]["AttributeConfigs"]] == [
        "demand"
    ]


def test_plan_waits_for_a_target_file_and_says_where(bucket: Any, context: Any) -> None:
    from forecasting.plan import handler

    bucket.objects["forecasting/corner-shop/related/a.csv"] = b"milk,2026-01-01,3\n"
    answer = handler(FORECASTING, context)
    assert "there is no target file yet; a CSV under s3://data/forecasting/corner-shop/target/" in answer["nothingNew"]


def test_every_request_of_the_plan_is_one_the_service_takes(stub: Any, context: Any) -> None:
    """The Stubber checks each request against botocore's model."""
    from forecasting import export, forecast, load, train

    order, service = _order(["target", "related", "metadata"]), stub("forecast")
    for job in order["imports"]:
        service.add_response(
            "create_dataset_import_job", {"DatasetImportJobArn": arn("forecast", "dataset-import-job/d/j")}
        )
        request = {**job["request"], "DatasetArn": arn("forecast", "dataset/d")}
        assert load.handler({**job, "part": "import", "request": request}, context)
    service.add_response("list_predictors", recorded("forecast", "ListPredictors"))
    service.add_response("create_auto_predictor", {"PredictorArn": arn("forecast", "predictor/p")})
    trained = train.handler(_training(order), context)
    service.add_response("create_forecast", {"ForecastArn": arn("forecast", "forecast/f")})
    made = forecast.handler({"forecast": order["forecasts"][0], "sourceArn": trained["predictorArn"]}, context)
    service.add_response(
        "create_forecast_export_job", {"ForecastExportJobArn": arn("forecast", "forecast-export-job/f/e")}
    )
    assert export.handler({"export": order["forecasts"][0]["export"], "sourceArn": made["madeArn"]}, context) == {
        "exportJobArn": arn("forecast", "forecast-export-job/f/e")
    }
    service.add_response(
        "create_predictor_backtest_export_job",
        {"PredictorBacktestExportJobArn": arn("forecast", "predictor-backtest-export-job/p/e")},
    )
    assert export.handler({"export": order["backtests"], "sourceArn": trained["predictorArn"]}, context)


def test_what_ifs_and_the_explainability_are_asked_for_as_the_service_takes_them(stub: Any, context: Any) -> None:
    from forecasting import export, forecast
    from forecasting.plan import run_plan

    event, service, sent = copy.deepcopy(FORECASTING), stub("forecast"), []
    milk = {"attribute": "price", "operation": "MULTIPLY", "value": 0.9, "where": {"item_id": "milk"}}
    event["config"] |= {"what_if": {"cheaper": [milk]}, "explainability": True}
    order = run_plan(event, {"target": "t", "related": "r"}, {}, "20261122T211700_abc")
    assert "ExplainPredictor" not in order["predictors"][0]["request"], "its explainability's ARN would not be ours"
    service.client.meta.events.register("before-parameter-build.forecast", lambda params, **_: sent.append({**params}))
    service.add_response("list_explainabilities", {"Explainabilities": []})
    calls = [
        ("explainability", forecast, order["explanation"], arn("forecast", "predictor/p")),
        ("what_if_analysis", forecast, order["whatIf"]["analysis"], arn("forecast", "forecast/f")),
        ("what_if_forecast", forecast, order["whatIf"]["scenarios"][0], arn("forecast", "what-if-analysis/a")),
        ("what_if_forecast_export", export, order["whatIf"]["export"], [arn("forecast", "what-if-forecast/a/f")]),
        ("explainability_export", export, order["explainability"], arn("forecast", "explainability/e")),
    ]
    for kind, module, item, source in calls:
        member = "".join(word.capitalize() for word in kind.split("_")) + "Arn"
        service.add_response(f"create_{kind}", {member: arn("forecast", f"{kind}/made")})
        key = "export" if module is export else "forecast"
        assert arn("forecast", f"{kind}/made") in module.handler({key: item, "sourceArn": source}, context).values()
    sent = sent[2:]  # the list and the explainability come first
    [change] = sent[1]["TimeSeriesTransformations"]
    assert change["Action"] == {"AttributeName": "price", "Operation": "MULTIPLY", "Value": 0.9}
    assert change["TimeSeriesConditions"] == [
        {"AttributeName": "item_id", "Condition": "EQUALS", "AttributeValue": "milk"}
    ]
    assert sent[2]["Destination"]["S3Config"]["Path"] == "s3://results/" + order["whatIf"]["export"]["folder"]


@pytest.mark.parametrize(
    ("status", "made"),
    [("ACTIVE", "before"), ("CREATE_IN_PROGRESS", "before"), ("CREATE_FAILED", "new"), ("CREATE_STOPPED", "new")],
)
def test_a_predictor_is_explained_once(stub: Any, context: Any, status: str, made: str) -> None:
    """A predictor that goes on serving has the explainability of an earlier run; one that failed is tried again."""
    from forecasting.forecast import handler

    service, item = stub("forecast"), _order(["target"])["explanation"]
    predictor, before, new = (arn("forecast", name) for name in ("predictor/p", "explainability/e", "explainability/n"))
    listed = {"ExplainabilityArn": before, "Status": status}
    filters = {"Filters": [{"Key": "ResourceArn", "Value": predictor, "Condition": "IS"}]}
    service.add_response("list_explainabilities", {"Explainabilities": [listed]}, filters)
    if made == "new":
        service.add_response(
            "create_explainability", {"ExplainabilityArn": new}, {**item["request"], "ResourceArn": predictor}
        )
    answer = handler({"forecast": item, "sourceArn": predictor}, context)
    assert answer == {"madeArn": before if made == "before" else new}


@pytest.mark.parametrize("found", [True, False])
def test_an_explainability_whose_answer_was_lost_is_found(stub: Any, context: Any, found: bool) -> None:
    """The SDK asks again, and the service says that the predictor has its one explainability already."""
    from forecasting.forecast import handler

    service, item = stub("forecast"), _order(["target"])["explanation"]
    made = {"ExplainabilityArn": arn("forecast", "explainability/e"), "Status": "CREATE_PENDING"}
    service.add_response("list_explainabilities", {"Explainabilities": []})
    service.add_client_error("create_explainability", "InvalidInputException", "it has its one already")
    service.add_response("list_explainabilities", {"Explainabilities": [made] if found else []})
    event = {"forecast": item, "sourceArn": arn("forecast", "predictor/p")}
    if found:
        assert handler(event, context) == {"madeArn": made["ExplainabilityArn"]}
    else:
        with pytest.raises(service.client.exceptions.InvalidInputException, match="its one already"):
            handler(event, context)


def test_an_analysis_that_was_made_before_is_found_again(stub: Any, context: Any) -> None:
    from forecasting import forecast

    service, item = stub("forecast"), _order(["target"])["whatIf"]["analysis"]
    made = {"WhatIfAnalysisArn": arn("forecast", "what-if-analysis/mine"), "WhatIfAnalysisName": "x"}
    made["WhatIfAnalysisName"] = item["request"]["WhatIfAnalysisName"]
    service.add_client_error("create_what_if_analysis", "ResourceAlreadyExistsException", "there already")
    service.add_response("list_what_if_analyses", {"WhatIfAnalyses": [made]})
    found = forecast.handler({"forecast": item, "sourceArn": arn("forecast", "forecast/f")}, context)
    assert found == {"madeArn": made["WhatIfAnalysisArn"]}


def _training(order: dict[str, Any], at: int = 0) -> dict[str, Any]:
    return {"predictor": order["predictors"][at], "groupArn": arn("forecast", "dataset-group/g")}


def test_algorithms_are_trained_side_by_side_with_the_same_settings(stub: Any, context: Any) -> None:
    """Each request as botocore's model has it, and in it what the config says."""
    from forecasting import train
    from forecasting.plan import run_plan

    event = copy.deepcopy(FORECASTING)
    event["config"] |= {"algorithms": ["AutoPredictor", "CNN-QR"], "backtest_windows": 3, "holidays": "DE"}
    event["config"] |= {"dimensions": ["location"]}
    order, service, sent = run_plan(event, {"target": "t"}, {}, "20261122T211700_abc"), stub("forecast"), []
    service.client.meta.events.register(
        "before-parameter-build.forecast", lambda params, **_: sent.append(copy.deepcopy(params))
    )
    service.add_response("list_predictors", {"Predictors": []})
    service.add_response("create_auto_predictor", {"PredictorArn": arn("forecast", "predictor/a")})
    service.add_response("create_predictor", {"PredictorArn": arn("forecast", "predictor/b")})
    made = [train.handler(_training(order, at), context)["predictorArn"] for at in range(2)]
    assert made == [arn("forecast", "predictor/a"), arn("forecast", "predictor/b")]
    auto, single = (each for each in sent if "PredictorName" in each)  # the first call lists
    group = arn("forecast", "dataset-group/g")
    assert auto["DataConfig"] == {
        "DatasetGroupArn": group,
        "AttributeConfigs": [{"AttributeName": "demand", "Transformations": {"middlefill": "zero"}}],
        "AdditionalDatasets": [{"Name": "holiday", "Configuration": {"CountryCode": ["DE"]}}],
    }
    assert auto["ForecastFrequency"] == single["FeaturizationConfig"]["ForecastFrequency"] == "D"
    assert auto["ForecastDimensions"] == single["FeaturizationConfig"]["ForecastDimensions"] == ["location"]
    assert single["AlgorithmArn"] == "arn:aws:forecast:::algorithm/CNN-QR"
    assert single["EvaluationParameters"] == {"NumberOfBacktestWindows": 3}
    assert single["InputDataConfig"] == {
        "DatasetGroupArn": group,
        "SupplementaryFeatures": [{"Name": "holiday", "Value": "DE"}],
    }
    [filling] = single["FeaturizationConfig"]["Featurizations"]
    assert filling["FeaturizationPipeline"][0]["FeaturizationMethodParameters"] == {"middlefill": "zero"}
    for shared in ("ForecastHorizon", "ForecastTypes", "OptimizationMetric"):
        assert auto[shared] == single[shared]


def test_a_boundary_goes_into_the_request() -> None:
    from forecasting.plan import run_plan

    event = copy.deepcopy(FORECASTING)
    event["config"] |= {"frequency": "W", "time_alignment_boundary": {"DayOfWeek": "SUNDAY"}}
    [predictor] = run_plan(event, {"target": "t"}, {}, "20261122T211700_abc")["predictors"]
    assert predictor["request"]["TimeAlignmentBoundary"] == {"DayOfWeek": "SUNDAY"}


def test_a_training_that_was_started_before_is_taken_up_again(stub: Any, context: Any) -> None:
    """Nothing is created: the service would take a second AutoPredictor of the same name, under another ARN."""
    from forecasting import train

    order, service = _order(["target"]), stub("forecast")
    name = order["predictors"][0]["request"]["PredictorName"]
    recordings = [each["response"]["Predictors"] for each in samples("forecast", "ListPredictors")]
    listed = next(each for predictors in recordings for each in predictors if each.get("IsAutoPredictor"))
    ours = [
        listed | {"PredictorName": name, "PredictorArn": arn("forecast", f"predictor/{name}_{day}"), **times(day)}
        for day in (2, 3)
    ]
    service.add_response("list_predictors", {"Predictors": [listed, *ours]})
    assert train.handler(_training(order), context) == {"predictorArn": ours[1]["PredictorArn"]}


def test_a_legacy_predictor_that_exists_is_found_again(stub: Any, context: Any) -> None:
    from forecasting import train
    from forecasting.plan import run_plan

    event = copy.deepcopy(FORECASTING)
    event["config"] |= {"algorithms": ["ETS"]}
    order, service = run_plan(event, {"target": "t"}, {}, "20261122T211700_abc"), stub("forecast")
    name, mine = order["predictors"][0]["request"]["PredictorName"], arn("forecast", "predictor/mine")
    service.add_client_error("create_predictor", "ResourceAlreadyExistsException", "there already")
    service.add_response("list_predictors", {"Predictors": [{"PredictorArn": mine, "PredictorName": name}]})
    assert train.handler(_training(order), context) == {"predictorArn": mine}


def _described(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeDataset's recorded answer, made to be about what `request` asked for."""
    asked = {name: request.get(name) for name in ("Domain", "DataFrequency", "Schema")}
    return recorded("forecast", "DescribeDataset", **asked)


def test_ensure_makes_datasets_and_group_and_hands_the_arns_to_the_imports(stub: Any, context: Any) -> None:
    from forecasting.ensure import handler

    order, service = {**_order(["target"]), "serving": None}, stub("forecast")
    dataset, group = (
        arn("forecast", "dataset/storecast_corner_shop_target"),
        arn("forecast", "dataset-group/storecast_corner_shop"),
    )
    service.add_response("create_dataset", {"DatasetArn": dataset})
    service.add_response("describe_dataset", _described(order["datasets"][0]["request"]))
    service.add_response("create_dataset_group", {"DatasetGroupArn": group})
    service.add_response("describe_dataset_group", recorded("forecast", "DescribeDatasetGroup", DatasetArns=[]))
    service.add_response("update_dataset_group", {}, {"DatasetGroupArn": group, "DatasetArns": [dataset]})
    service.add_response("list_predictors", {"Predictors": []})
    service.add_response("list_forecasts", {"Forecasts": []})
    service.add_response("list_dataset_import_jobs", {"DatasetImportJobs": []})
    answer = handler(order, context)
    assert answer["groupArn"] == group
    assert answer["imports"][0]["request"]["DatasetArn"] == dataset


def test_with_a_key_datasets_predictors_and_files_are_encrypted_under_it() -> None:
    from forecasting.plan import run_plan

    kinds = {"target": "sum of target"}
    made = run_plan({**FORECASTING, "kmsKeyArn": "arn:key"}, kinds, {}, "20261122T211700_abc")
    encryption = {"KMSKeyArn": "arn:key", "RoleArn": FORECASTING["roleArn"]}
    requests = [made["datasets"][0]["request"], made["predictors"][0]["request"]]
    assert [request["EncryptionConfig"] for request in requests] == [encryption] * 2
    source = made["imports"][0]["request"]["DataSource"]["S3Config"]
    exported = [made["backtests"], made["forecasts"][0]["export"], made["whatIf"]["export"], made["explainability"]]
    places = [source, *(job["request"]["Destination"]["S3Config"] for job in exported)]
    assert [place["KMSKeyArn"] for place in places] == ["arn:key"] * 5


def _ensured_over_another_frequency(stub: Any, context: Any, status: str) -> None:
    """Ensure finds the dataset of another frequency, with one import of this status."""
    from forecasting.ensure import handler

    order, service = _order(["target"]), stub("forecast")
    dataset = arn("forecast", "dataset/storecast_corner_shop_target")
    there = _described(order["datasets"][0]["request"] | {"DataFrequency": "W"})
    service.add_response("create_dataset", {"DatasetArn": dataset})
    service.add_response("describe_dataset", {**there, "Status": "ACTIVE"})
    job = {"DatasetImportJobName": "j", "DatasetImportJobArn": "j", "Status": status}
    service.add_response("list_dataset_import_jobs", {"DatasetImportJobs": [job]})
    if status != "ACTIVE":
        service.add_response("delete_resource_tree", {}, {"ResourceArn": dataset})
    handler(order, context)


def test_ensure_refuses_a_dataset_of_another_schema_that_held_data(stub: Any, context: Any) -> None:
    words = "storecast_corner_shop_target exists with DataFrequency W, but pipeline.yaml says D"
    with pytest.raises(ValueError, match=words):
        _ensured_over_another_frequency(stub, context, "ACTIVE")


def test_ensure_makes_a_dataset_again_that_never_held_data(stub: Any, context: Any) -> None:
    from common.step import ServiceUnavailable

    with pytest.raises(ServiceUnavailable, match="being deleted, to be made again"):
        _ensured_over_another_frequency(stub, context, "CREATE_FAILED")
