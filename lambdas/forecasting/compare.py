"""Compare: the predictors' accuracy (GetAccuracyMetrics) as a leaderboard, and whether the best is to serve."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`accuracy` of all that the run trained, the best algorithm first, and its `predictorArn`; `promotion`, whether
    that one is to serve; `servingArn`, by whom the run's forecasts are made: on the new data, whichever predictor it is
    (updating-data.md)."""
    config = event["config"]
    by, rule = config["optimization_metric"], config["promotion"]
    metric = rule.get("metric", by)
    trained = [
        (row, predictor["predictorArn"])
        for predictor in event["predictors"]
        for row in leaderboard(predictor["predictorArn"])
    ]
    trained.sort(key=lambda each: _rank(each[0], by))
    best, predictor = trained[0]
    decision = decide(best.get(metric), _in_use(event, by, metric), metric, rule["tolerance"])
    serving = predictor if decision["promoted"] else event["serving"]["predictorArn"]
    return {
        "accuracy": [row for row, _ in trained],
        "predictorArn": predictor,
        "promotion": {**decision, "algorithm": best["algorithm"], "trainedPredictorArn": predictor},
        "servingArn": serving,
        **_of_auto_predictor(config, serving),
    }


def _of_auto_predictor(config: dict[str, Any], serving: str) -> dict[str, Any]:
    """`imagines`, whether the serving predictor makes what-if forecasts, and the `explainabilityArn` that was made with
    it: an AutoPredictor's alone."""
    forecast = client("forecast")
    if not (config.get("what_if") or config.get("explainability")):
        return {}
    if not forecast.get_accuracy_metrics(PredictorArn=serving)["IsAutoPredictor"]:
        return {}
    explained = config.get("explainability") and forecast.describe_auto_predictor(PredictorArn=serving)
    info = (explained or {}).get("ExplainabilityInfo")
    return {
        "imagines": bool(config.get("what_if")),
        **({"explainabilityArn": info["ExplainabilityArn"]} if info else {}),
    }


def leaderboard(predictor: str) -> list[dict[str, Any]]:
    """The predictor's algorithms with their metrics."""
    answer = client("forecast").get_accuracy_metrics(PredictorArn=predictor)
    return [_summary(result) for result in answer["PredictorEvaluationResults"]]


def _rank(row: dict[str, Any], metric: str) -> float:
    """Lower is better; a metric that is not defined comes last."""
    return float("inf") if row.get(metric) is None else row[metric]


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


def _in_use(event: dict[str, Any], by: str, metric: str) -> float | str | None:
    """The figure of the predictor in use, on the backtest of its own training."""
    serving, forecast = event["serving"], client("forecast")
    if serving is None:
        return "it is the first"
    known, now = serving["covers"], event["covers"]
    if not known or known["config"] != now["config"] or set(known["files"]) != set(now["files"]):
        return "the config or the kinds of files are others than those of the predictor in use"
    try:
        return min(leaderboard(serving["predictorArn"]), key=lambda row: _rank(row, by)).get(metric)
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
