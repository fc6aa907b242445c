"""Compare: the predictor's accuracy (GetAccuracyMetrics) as a leaderboard, and whether the predictor is to serve."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`accuracy`, the best algorithm first, and `promotion`."""
    answer = client("forecast").get_accuracy_metrics(PredictorArn=event["predictorArn"])
    metric = event["config"]["optimization_metric"]
    board = sorted(
        (_summary(result) for result in answer["PredictorEvaluationResults"]),
        key=lambda row: row.get(metric) if row.get(metric) is not None else float("inf"),
    )
    return {"accuracy": board, "promotion": {"promoted": True, "reason": "every newly trained predictor serves"}}


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
