"""Compare: the predictor's accuracy (GetAccuracyMetrics) as a leaderboard, and whether the predictor is to serve."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`accuracy` of the new predictor, the best algorithm first; `promotion`, the decision; `servingArn`, by whom the
    run's forecasts are made: on the new data, whichever predictor it is (updating-data.md)."""
    rule = event["config"]["promotion"]
    metric = rule.get("metric", event["config"]["optimization_metric"])
    board = leaderboard(event["predictorArn"], metric)
    decision = decide(board[0].get(metric), _in_use(event, metric), metric, rule["tolerance"])
    serving = event["predictorArn"] if decision["promoted"] else event["serving"]["predictorArn"]
    return {
        "accuracy": board,
        "promotion": {**decision, "trainedPredictorArn": event["predictorArn"]},
        "servingArn": serving,
    }


def leaderboard(predictor: str, metric: str) -> list[dict[str, Any]]:
    """The predictor's algorithms with their metrics, the one with the lowest `metric` first."""
    answer = client("forecast").get_accuracy_metrics(PredictorArn=predictor)
    return sorted(
        (_summary(result) for result in answer["PredictorEvaluationResults"]),
        key=lambda row: row.get(metric) if row.get(metric) is not None else float("inf"),
    )


def decide(new: float | None, in_use: float | str | None, metric: str, tolerance: float) -> dict[str, Any]:
    """Whether the new predictor serves, with both figures; `in_use` is a figure, or in words why there is none."""
    figures = {"metric": metric, "tolerance": tolerance, "new": new}
    if isinstance(in_use, str) or in_use is None or new is None:
        reason = in_use if isinstance(in_use, str) else f"one of the two predictors has no {metric}"
        return {"promoted": True, "reason": reason, **figures, "inUse": None}
    promoted = new <= in_use * (1 + tolerance)
    reason = (
        f"its {metric} of {new:.4f} against {in_use:.4f} of the predictor in use is "
        f"{'within' if promoted else 'beyond'} the tolerance of {tolerance:.0%}"
    )
    return {"promoted": promoted, "reason": reason, **figures, "inUse": in_use}


def _in_use(event: dict[str, Any], metric: str) -> float | str | None:
    """The figure of the predictor in use, on the backtest of its own training."""
    serving, forecast = event["serving"], client("forecast")
    if serving is None:
        return "it is the first"
    known, now = serving["covers"], event["covers"]
    if not known or known["config"] != now["config"] or set(known["files"]) != set(now["files"]):
        return "the config or the kinds of files are others than those of the predictor in use"
    try:
        return leaderboard(serving["predictorArn"], metric)[0].get(metric)
    except forecast.exceptions.ResourceNotFoundException:
        return "the predictor in use was deleted"


def _summary(result: dict[str, Any]) -> dict[str, Any]:
    """One algorithm's metrics over all backtest windows (metrics.md: SUMMARY is the mean over them)."""
    metrics = next(window for window in result["TestWindows"] if window["EvaluationType"] == "SUMMARY")["Metrics"]
    errors = (metrics.get("ErrorMetrics") or [{}])[0]
    quantiles = {f"wQL[{loss['Quantile']}]": loss["LossValue"] for loss in metrics.get("WeightedQuantileLosses", ())}
    return {
        "algorithm": result.get("AlgorithmArn", "AutoPredictor").rsplit("/", 1)[-1],
        "AverageWeightedQuantileLoss": metrics.get("AverageWeightedQuantileLoss"),
        **quantiles,
        **{name: errors.get(name, metrics.get(name)) for name in ("WAPE", "RMSE", "MASE", "MAPE")},
    }
