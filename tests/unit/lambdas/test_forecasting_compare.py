"""Compare: the leaderboard, and whether a new predictor takes over from the one in use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.recordings import samples
from tests.unit.lambdas.conftest import FORECASTING, arn, expect_history, forecast_summary

_NEW, _IN_USE = arn("forecast", "predictor/new"), arn("forecast", "predictor/in_use")
_TRAINED = [{"algorithm": "AutoPredictor", "predictorArn": _NEW}]
_COVERS = {"config": "c", "files": {"target": "1"}}
_EVENT = {**FORECASTING, "part": "predictors", "inputs": _COVERS}


def _result(loss: float, wape: float, algorithm: str | None = None) -> dict[str, Any]:
    metrics = {
        "AverageWeightedQuantileLoss": loss,
        "WeightedQuantileLosses": [{"Quantile": 0.5, "LossValue": loss}],
        "ErrorMetrics": [{"ForecastType": "mean", "WAPE": wape, "RMSE": 1.0}],
    }
    windows = [
        {"EvaluationType": "COMPUTED", "Metrics": {"AverageWeightedQuantileLoss": 9.0}},
        {"EvaluationType": "SUMMARY", "Metrics": metrics},
    ]
    named = {"AlgorithmArn": f"arn:aws:forecast:::algorithm/{algorithm}"} if algorithm else {}
    return {**named, "TestWindows": windows}


def _compare(stub: Any, context: Any, *results: dict[str, Any], in_use: dict[str, Any] | None = None, **event: Any):
    from forecasting.compare import handler

    service = stub("forecast")
    service.add_response("get_accuracy_metrics", {"PredictorEvaluationResults": list(results)}, {"PredictorArn": _NEW})
    if in_use:
        found = {"PredictorEvaluationResults": [in_use]}
        service.add_response("get_accuracy_metrics", found, {"PredictorArn": _IN_USE})
    return handler({**_EVENT, "serving": None, "predictors": _TRAINED, **event}, context)


def _serving(**changed: Any) -> dict[str, Any]:
    return {"run": "r", "predictorArn": _IN_USE, "forecasts": {}, "inputs": {**_COVERS, **changed}}


def test_the_best_algorithm_comes_first_and_a_first_predictor_serves(stub: Any, context: Any) -> None:
    answer = _compare(stub, context, _result(0.4, 0.4, "NPTS"), _result(0.2, 0.2, "ETS"))
    assert [(row["algorithm"], row["wQL[0.5]"], row["WAPE"]) for row in answer["accuracy"]] == [
        ("ETS", 0.2, 0.2),
        ("NPTS", 0.4, 0.4),
    ]
    assert answer["servingArn"] == _NEW
    assert answer["promotion"]["promoted"] and answer["promotion"]["reason"] == "it is the first"


def test_of_algorithms_trained_side_by_side_the_best_goes_on(stub: Any, context: Any) -> None:
    from forecasting.compare import handler

    arns, service = [arn("forecast", f"predictor/{name}") for name in "abc"], stub("forecast")
    for each, loss, name in zip(arns, (0.3, 0.1, 0.2), (None, "ETS", "NPTS"), strict=True):
        found = {"PredictorEvaluationResults": [_result(loss, 0.5 - loss, name)]}
        service.add_response("get_accuracy_metrics", found, {"PredictorArn": each})
    trained = [{"algorithm": "a", "predictorArn": each} for each in arns]
    answer = handler({**_EVENT, "serving": None, "predictors": trained}, context)
    assert [row["algorithm"] for row in answer["accuracy"]] == ["ETS", "NPTS", "AutoPredictor"]
    assert answer["predictorArn"] == answer["servingArn"] == arns[1]
    assert answer["promotion"]["algorithm"] == "ETS" and answer["promotion"]["trainedPredictorArn"] == arns[1]


@pytest.mark.parametrize(("new", "promoted"), [(0.10, True), (0.20, True), (0.209, True), (0.211, False), (0.5, False)])
def test_a_predictor_serves_if_it_is_not_worse_than_the_tolerance_allows(
    stub: Any, context: Any, new: float, promoted: bool
) -> None:
    answer = _compare(stub, context, _result(new, 0.3), in_use=_result(0.2, 0.3), serving=_serving())
    assert answer["servingArn"] == (_NEW if promoted else _IN_USE)
    decision = answer["promotion"]
    assert (decision["promoted"], decision["new"], decision["inUse"]) == (promoted, new, 0.2)
    assert decision["metric"] == "AverageWeightedQuantileLoss" and decision["trainedPredictorArn"] == _NEW
    assert f"{new:.4f} against 0.2000" in decision["reason"] and "5%" in decision["reason"]


def test_the_config_may_name_another_metric_and_tolerance(stub: Any, context: Any) -> None:
    config = {**FORECASTING["config"], "promotion": {"metric": "WAPE", "tolerance": 0.0}}
    better_loss = _compare(
        stub, context, _result(0.1, 0.31), in_use=_result(0.2, 0.3), serving=_serving(), config=config
    )
    assert not better_loss["promotion"]["promoted"] and better_loss["promotion"]["metric"] == "WAPE"


@pytest.mark.parametrize("changed", [{"config": "other"}, {"files": {"target": "1", "related": "2"}}])
def test_what_cannot_be_compared_takes_over(stub: Any, context: Any, changed: dict[str, Any]) -> None:
    answer = _compare(stub, context, _result(9.0, 9.0), serving=_serving(**changed))
    assert answer["servingArn"] == _NEW and "others than those of the predictor in use" in answer["promotion"]["reason"]


def test_a_predictor_in_use_that_was_deleted_is_replaced(stub: Any, context: Any) -> None:
    from forecasting.compare import handler

    stub("forecast").add_response("get_accuracy_metrics", {"PredictorEvaluationResults": [_result(9.0, 9.0)]})
    stub("forecast").add_client_error("get_accuracy_metrics", "ResourceNotFoundException")
    event = {**_EVENT, "serving": _serving(), "predictors": _TRAINED}
    assert handler(event, context)["promotion"]["reason"] == "the predictor in use was deleted"


def test_a_metric_that_is_not_defined_decides_nothing(stub: Any, context: Any) -> None:
    config = {**FORECASTING["config"], "promotion": {"metric": "MAPE", "tolerance": 0.05}}
    answer = _compare(stub, context, _result(0.1, 0.1), in_use=_result(0.2, 0.2), serving=_serving(), config=config)
    assert answer["promotion"]["promoted"] and "no MAPE" in answer["promotion"]["reason"]


def test_a_run_that_trained_nothing_goes_on_with_the_predictor_in_use(stub: Any, context: Any) -> None:
    from forecasting.compare import handler

    found = {"PredictorEvaluationResults": [_result(0.4, 0.4, "NPTS"), _result(0.2, 0.2, "ETS")]}
    stub("forecast").add_response("get_accuracy_metrics", found, {"PredictorArn": _IN_USE})
    answer = handler({**_EVENT, "serving": _serving(), "predictors": []}, context)
    assert [row["algorithm"] for row in answer["accuracy"]] == ["ETS", "NPTS"]
    assert answer["predictorArn"] == answer["servingArn"] == _IN_USE and answer["promotion"] is None


@pytest.mark.parametrize(
    ("wanted", "auto", "answered"),
    [
        ({}, True, {}),
        ({"what_if": {"cheaper": []}}, True, {"scenarios": True, "explained": False}),
        ({"explainability": True}, True, {"scenarios": False, "explained": True}),
        ({"what_if": {"cheaper": []}, "explainability": True}, False, {}),
    ],
    ids=["nothing", "what-if", "explained", "not an AutoPredictor"],
)
def test_only_an_auto_predictor_imagines_and_is_explained(
    stub: Any, context: Any, wanted: dict[str, Any], auto: bool, answered: dict[str, Any]
) -> None:
    from forecasting.compare import handler

    service = stub("forecast")
    service.add_response("get_accuracy_metrics", {"PredictorEvaluationResults": [_result(0.1, 0.1)]})
    if wanted:
        service.add_response("get_accuracy_metrics", {"IsAutoPredictor": auto}, {"PredictorArn": _NEW})
    config = {**FORECASTING["config"], **wanted}
    event = {**_EVENT, "config": config, "serving": None, "predictors": _TRAINED}
    answer = handler(event, context)
    assert {key: answer[key] for key in ("scenarios", "explained") if key in answer} == answered


_FAILED = {"algorithm": "CNN-QR", "step": "Train", "message": "m"}
_LEFT_OUT = {"reason": "no row in the related files", "series": 6, "named": ["SKU-2"]}


@pytest.mark.parametrize(
    ("summary", "subject"),
    [
        (
            {"promotion": {"promoted": False, "reason": "r"}},
            "Storecast: forecasting succeeded; its new predictor does not serve",
        ),
        ({"promotion": {"promoted": True, "reason": "r"}}, "Storecast: forecasting succeeded"),
        (
            {"failed": [{"algorithm": "CNN-QR", "step": "Train", "message": "m"}]},
            "Storecast: forecasting succeeded; CNN-QR failed",
        ),
        (
            {"training": {"trained": False, "reason": "r"}, "promotion": None},
            "Storecast: forecasting succeeded; nothing was trained",
        ),
        (
            {"series": {"delivered": 7, "forecast": 1, "withoutHistory": 0, "leftOut": [_LEFT_OUT]}},
            "Storecast: forecasting succeeded; 1 of 7 series forecast",
        ),
        ({}, "Storecast: forecasting succeeded"),
    ],
)
def test_the_notification_says_if_the_new_predictor_does_not_serve(
    stub: Any, context: Any, monkeypatch: pytest.MonkeyPatch, summary: dict[str, Any], subject: str
) -> None:
    from operations.notify import handler

    monkeypatch.setenv("TOPIC_ARN", arn("sns", "t"))
    sent: list[dict[str, Any]] = []
    stub("sns").add_response("publish", {"MessageId": "1"})
    expect_history(stub)
    summary = forecast_summary(**summary)
    stub("sns").client.meta.events.register(
        "before-parameter-build.sns.Publish", lambda params, **_: sent.append(dict(params))
    )
    handler({"pipeline": "forecasting", "execution": arn("states", "execution:m:e"), "summary": summary}, context)
    assert sent[0]["Subject"] == subject
    assert summary.items() <= json.loads(sent[0]["MessageAttributes"]["json"]["StringValue"]).items()


@pytest.mark.parametrize("answer", [each["response"] for each in samples("forecast", "GetAccuracyMetrics")])
def test_recorded_metrics_become_rows_with_the_quantiles_in_ascending_order(stub: Any, answer: dict[str, Any]) -> None:
    from forecasting.leaderboard import leaderboard

    stub("forecast").add_response("get_accuracy_metrics", answer)
    [row] = leaderboard(_NEW, "WAPE")
    assert [name for name in row if name.startswith("wQL")] == ["wQL[0.1]", "wQL[0.5]", "wQL[0.9]"]
    assert row["RMSE"] > 0 and row["algorithm"] in ("ARIMA", "AutoPredictor")
