"""The accuracy of predictors in their backtests: as the service measured it (GetAccuracyMetrics), or our own job."""

from __future__ import annotations

from collections.abc import Sequence

from common.clients import client
from common.payload import AwsJson
from forecasting import job_results
from forecasting.jobs import OURS
from forecasting.payload import AccuracyRow

SHORT = {"AverageWeightedQuantileLoss": "average wQL"}  # for people; all other names are short


def leaderboard(predictor: str, metric: str, quantiles: Sequence[str] = ()) -> list[AccuracyRow]:
    """The predictor's algorithms with their metrics, the best by `metric` first; of our own engine the ensemble, which
    serves, before its models, and the average loss over the `quantiles`.

    Raises job_results.Unusable, or the service's ResourceNotFoundException.
    """
    if predictor.startswith(OURS):
        first, *models = job_results.leaderboard(predictor, quantiles)
        return [first, *sorted(models, key=lambda row: rank(row, metric))]
    answer = client("forecast").get_accuracy_metrics(PredictorArn=predictor)
    return sorted(map(_summary, answer["PredictorEvaluationResults"]), key=lambda row: rank(row, metric))


def rank(row: AccuracyRow, metric: str) -> float:
    """Lower is better; a metric that is not defined comes last."""
    return float("inf") if row.get(metric) is None else row[metric]


def _summary(result: AwsJson) -> AccuracyRow:
    """One algorithm's metrics over all backtest windows (docs/aws-sources.md#forecast-metrics: SUMMARY is the mean over
    them)."""
    metrics = next(window for window in result["TestWindows"] if window["EvaluationType"] == "SUMMARY")["Metrics"]
    errors = (metrics.get("ErrorMetrics") or [{}])[0]
    losses = sorted(metrics.get("WeightedQuantileLosses", ()), key=lambda loss: loss["Quantile"])  # answered descending
    quantiles = {f"wQL[{loss['Quantile']}]": loss["LossValue"] for loss in losses}
    return {
        "algorithm": result.get("AlgorithmArn", "AutoPredictor").rsplit("/", 1)[-1],
        "AverageWeightedQuantileLoss": metrics.get("AverageWeightedQuantileLoss"),
        **quantiles,
        **{name: errors.get(name, metrics.get(name)) for name in ("WAPE", "RMSE", "MASE", "MAPE")},
    }
