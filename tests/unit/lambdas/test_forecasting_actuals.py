"""Compare with actuals: what the forecasts in use missed by, whether that asks for a training, and how it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.lambdas.conftest import FORECASTING, arn

_IN_USE = arn("forecast", "predictor/in_use")
_FOLDER = "forecasting/corner-shop/"
_DRIFT = {"factor": 1.5, "metric": "WAPE"}
_TO_TRAIN = [{"algorithm": "AutoPredictor"}]


@pytest.fixture
def event(bucket: Any) -> dict[str, Any]:
    """Forecasts of milk and tea for three days, of which two have come in: milk sold 20 and 10, tea 10 on the first."""
    places = {name: f"{_FOLDER}exports/{name}/run=before/" for name in ("planning", "fan")}
    days = [f"2026-01-{day}" for day in ("15", "16", "17")]
    planned = "".join(f"milk,{day}T00:00:00Z,8,12,16,15\ntea,{day}T00:00:00Z,10,10,10,10\n" for day in days)
    fan = "".join(f"milk,{day}T00:00:00Z,7,18\n" for day in days)
    bucket.objects |= {
        f"{_FOLDER}target/a.csv": b"Milk,2026-01-14,99\nMilk,2026-01-15,12\nMilk,2026-01-16,10\ntea,2026-01-15,10\n",
        f"{_FOLDER}target/b.csv": b"item_id,timestamp,demand\nmilk,2026-01-15,8\nnew,2026-01-15,5\n",
        f"{places['planning']}x.csv": f"item_id,date,p10,p50,p90,mean\n{planned}".encode(),
        f"{places['fan']}x.csv": f"item_id,date,p5,p95\n{fan}".encode(),
    }
    forecasts = {name: {"forecastArn": "f", "exports": f"s3://results/{folder}"} for name, folder in places.items()}
    inputs = {"config": "c", "files": {"target": "1"}}
    bucket.plan(_FOLDER, "now")
    missing = {"demand": {"middlefill": "nan", "backfill": "nan"}}  # tea on the second day is left out
    return {
        **FORECASTING,
        "config": {**FORECASTING["config"], "filling": missing},
        "part": "actuals",
        "run": "now",
        "inputs": inputs | {"files": {"target": "2"}},
        "serving": {"run": "before", "predictorArn": _IN_USE, "forecasts": forecasts, "inputs": inputs},
        "predictors": _TO_TRAIN,
    }


def _handle(
    stub: Any, context: Any, event: dict[str, Any], *, wape: float | None = 0.2, drift: Any = None, **more: Any
) -> Any:
    from forecasting.compare import handler

    losses = {0.1: 0.1, 0.5: 0.2, 0.9: 0.3}
    metrics = {
        "AverageWeightedQuantileLoss": 0.2,
        "WeightedQuantileLosses": [{"Quantile": level, "LossValue": loss} for level, loss in losses.items()],
        "ErrorMetrics": [{"ForecastType": "mean", **({"WAPE": wape} if wape else {})}],
    }
    window = {"EvaluationType": "SUMMARY", "Metrics": metrics}
    found = {"PredictorEvaluationResults": [{"TestWindows": [window]}]}
    stub("forecast").add_response("get_accuracy_metrics", found, {"PredictorArn": _IN_USE})
    config = {**event["config"], **({"drift": drift} if drift else {})}
    return handler({**event, "config": config, **more}, context)


def test_what_came_in_is_scored_by_the_services_definitions(event: dict[str, Any], stub: Any, context: Any) -> None:
    """40 were sold. The mean missed by 5 + 5 + 0. P10: 2 x .1 x (12 + 2); P50: 8 + 2; P90: 2 x (.9 x 4 + .1 x 6)."""
    answer = _handle(stub, context, event)
    score = answer["score"]
    assert score["measured"]["WAPE"] == pytest.approx(10 / 40)
    assert score["measured"]["AverageWeightedQuantileLoss"] == pytest.approx((2.8 + 10 + 8.4) / 3 / 40)
    assert score["backtest"] == {"AverageWeightedQuantileLoss": pytest.approx(0.2), "WAPE": 0.2}
    assert (score["from"], score["to"]) == ("2026-01-15T00:00:00", "2026-01-16T00:00:00")
    assert (score["series"], score["forecastsOf"], score["predictorArn"]) == (2, "before", _IN_USE)
    assert answer["training"] == {"trained": True, "reason": "every run with new data trains"}
    assert answer["predictors"] == _TO_TRAIN


def test_compare_lists_each_folder_once(event: dict[str, Any], bucket: Any, stub: Any, context: Any) -> None:
    _handle(stub, context, event)
    assert bucket.listings and bucket.listed_twice() == []


@pytest.mark.parametrize(
    ("wape", "force", "trained", "reason"),
    [
        (0.17, False, False, "WAPE of the forecasts in use, 0.2500 on what has come in since, is within 1.5 times"),
        (0.16, False, True, "0.2500 on what has come in since, is beyond 1.5 times the 0.1600 of their predictor's"),
        (0.17, True, True, "the run was forced"),
    ],
)
def test_a_drift_beyond_the_factor_or_force_asks_for_a_training(
    event: dict[str, Any], stub: Any, context: Any, wape: float, force: bool, trained: bool, reason: str
) -> None:
    answer = _handle(stub, context, event, wape=wape, drift=_DRIFT, force=force)
    assert answer["training"]["trained"] is trained and reason in answer["training"]["reason"]
    assert answer["predictors"] == (_TO_TRAIN if trained else []) and answer["score"]


@pytest.mark.parametrize("force", [False, True])
def test_the_files_of_the_run_in_use_are_not_trained_on_twice(
    event: dict[str, Any], stub: Any, context: Any, force: bool
) -> None:
    """A run that was cut short had imported others, which were taken back."""
    answer = _handle(stub, context, event, inputs=event["serving"]["inputs"], force=force)
    assert answer["training"]["trained"] is force
    assert ("again those of the run in use" in answer["training"]["reason"]) is not force


def test_where_nothing_has_come_in_there_is_no_score_and_no_drift(
    event: dict[str, Any], bucket: Any, stub: Any, context: Any
) -> None:
    bucket.objects = {key: text for key, text in bucket.objects.items() if not key.endswith("b.csv")}
    bucket.objects[f"{_FOLDER}target/a.csv"] = b"Milk,2026-01-13,99\n"
    bucket.plan(_FOLDER, "now")
    answer = _handle(stub, context, event, drift=_DRIFT)
    assert "score" not in answer and answer["predictors"] == []
    assert "nothing has come in yet" in answer["training"]["reason"]


def test_a_metric_that_the_backtest_lacks_is_not_scored(event: dict[str, Any], stub: Any, context: Any) -> None:
    answer = _handle(stub, context, event, wape=None, drift=_DRIFT)
    assert list(answer["score"]["measured"]) == ["AverageWeightedQuantileLoss"]
    assert answer["training"] == {
        "trained": False,
        "reason": "nothing has come in yet that tells the WAPE of the forecasts in use",
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"serving": None}, "it is the first"),
        ({"inputs": {"config": "another", "files": {"target": "2"}}}, "the config or the kinds of files are others"),
    ],
)
def test_what_cannot_be_compared_is_trained_whatever_the_drift(
    event: dict[str, Any], context: Any, changed: dict[str, Any], reason: str
) -> None:
    from forecasting.compare import handler

    config = {**event["config"], "drift": _DRIFT}
    [(key, told)] = handler({**event, "config": config, **changed}, context).items()
    assert key == "training" and told["trained"] and reason in told["reason"]


def test_a_predictor_that_was_deleted_is_replaced(event: dict[str, Any], stub: Any, context: Any) -> None:
    from forecasting.compare import handler

    stub("forecast").add_client_error("get_accuracy_metrics", "ResourceNotFoundException")
    assert handler(event, context)["training"] == {"trained": True, "reason": "the predictor in use was deleted"}


def _score(run: str, measured: float) -> dict[str, Any]:
    return {
        **{"run": run, "forecastsOf": "r", "predictorArn": _IN_USE, "trained": True, "series": 2},
        **{"from": "2026-01-15T00:00:00", "to": "2026-01-16T00:00:00"},
        **{"measured": {"WAPE": measured}, "backtest": {"WAPE": 0.2}},
    }


def test_scores_are_kept_once_for_each_run_and_charted_with_the_threshold(event: dict[str, Any], bucket: Any) -> None:
    from forecasting import scores

    bucket.objects[f"{_FOLDER}scores.json"] = json.dumps([_score("20260101T000000_a", 0.1)]).encode()
    mine = {key: value for key, value in _score("", 0.3).items() if key not in ("run", "trained")}
    this = {**event, "run": "20260108T000000_b", "score": mine, "training": {"trained": False}}
    for _ in ("a first attempt", "a second"):
        kept = scores.kept(this)
    assert [(each["run"][:8], each["measured"]["WAPE"], each["trained"]) for each in kept] == [
        ("20260101", 0.1, True),
        ("20260108", 0.3, False),
    ]
    assert json.loads(bucket.objects[f"{_FOLDER}scores.json"]) == kept
    page = scores.chart(kept, _DRIFT)
    assert page.count("<polyline") == 3 and "2026-01-08" in page and "1.5 times that: a training" in page
    assert "0.3000 over 2 series, 2026-01-15 to 2026-01-16, against 0.2000" in page
    assert scores.chart(kept, None).count("<polyline") == 2
    assert scores.chart([], _DRIFT) == scores.chart(kept, {**_DRIFT, "metric": "AverageWeightedQuantileLoss"}) == ""


def test_a_run_without_a_score_leaves_the_file_alone(event: dict[str, Any], bucket: Any) -> None:
    from forecasting import scores

    assert scores.kept({**event, "run": "r"}) == [] and f"{_FOLDER}scores.json" not in bucket.objects


def test_scores_are_measured_and_a_predictor_only_where_it_is_new() -> None:
    from operations.figures import figures

    run = {"stateTransitions": 1, "lambdaInvocations": 1, "seconds": {}}
    summary = {"accuracy": [{"algorithm": "ETS", "WAPE": 0.2}], "score": _score("r", 0.3)}
    assert ({"InUseWAPE": 0.3}, {}) in figures(summary, run)
    assert "WAPE" in [name for values, _ in figures(summary, run) for name in values]
    kept = {**summary, "training": {"trained": False, "reason": "r"}}
    assert figures(kept, run)[1:] == [({"InUseWAPE": 0.3}, {})]
