"""The forecasts in use, held against what has come in since they were made, and whether that asks for a training.

Scored here and not by the service's monitors (CreateMonitor): those watch AutoPredictors alone, and only once new data
cover a whole horizon (docs/aws-sources.md#forecast-predictor-monitoring), which data that come in more often than that
never do.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean

from common.store import CsvFolder
from forecasting import history
from forecasting.accuracy import quantile_loss
from forecasting.config import DriftRule
from forecasting.payload import AccuracyRow, Run, Score, Serving, Training

WQL, WAPE = "AverageWeightedQuantileLoss", "WAPE"


def score(event: Run, serving: Serving, backtest: AccuracyRow) -> Score | None:
    """The error of the serving run's forecasts over all that has come in of their time, beside that of its predictor's
    `backtest`; None where nothing has been sold in it, or the forecasts have neither a mean nor a quantile of the
    backtest.

    Steps without rows are filled as the predictor's history is; those that stay missing are left out, as in backtests
    (docs/aws-sources.md#forecast-metrics). Memory grows with series x steps that came in.
    """
    bucket = event["resultsBucket"]
    exports = [
        CsvFolder.listed(bucket, made["exports"].removeprefix(f"s3://{bucket}/"))
        for made in serving["forecasts"].values()
    ]
    wanted = {history.Steps(event["config"]).number(record["date"]) for record in exports[0].records()}
    actual = history.read(history.Target.of(event), event, lambda key, step: step in wanted)
    missed, there = defaultdict[str, float](float), defaultdict[str, float](float)
    series, steps = set(), set()
    for record in itertools.chain.from_iterable(export.records() for export in exports):
        key, step = history.series_key(record, event), actual.steps.number(record["date"])
        if (value := actual.value(key, step)) is not None:
            series.add(key)
            steps.add(step)
            for column, expected in history.forecast_columns(record):
                missed[column] += quantile_loss(value - expected, _level(column))
                there[column] += abs(value)
    losses = {column: missed[column] / there[column] for column in missed if there[column]}
    measured, tested = _metrics(losses, backtest)
    if not measured:
        return None
    return {
        "forecastsOf": serving["run"],
        "predictorArn": serving["predictorArn"],
        "from": actual.steps.text(min(steps)),
        "to": actual.steps.text(max(steps)),
        "series": len(series),
        "measured": measured,
        "backtest": tested,
    }


def training(score: Score | None, drift: DriftRule | None, *, forced: bool, unchanged: bool) -> Training:
    """Whether a run trains, `trained`, and the `reason`; `drift` is the config's, None: each run with new data does.

    `unchanged`: the files are those of the run in use. What a run that was cut short had imported was imported over.
    """
    if unchanged and not forced:
        return {"trained": False, "reason": "the files are again those of the run in use"}
    if drift is None or forced:
        return {"trained": True, "reason": "the run was forced" if forced else "every run with new data trains"}
    metric, factor = drift["metric"], drift["factor"]
    if score is None or metric not in score["measured"]:
        return {"trained": False, "reason": f"nothing has come in yet that tells the {metric} of the forecasts in use"}
    measured, tested = score["measured"][metric], score["backtest"][metric]
    drifted = measured > factor * tested
    reason = (
        f"the {metric} of the forecasts in use, {measured:.4f} on what has come in since, is "
        f"{'beyond' if drifted else 'within'} {factor:g} times the {tested:.4f} of their predictor's backtest"
    )
    return {"trained": drifted, "reason": reason}


def _level(column: str) -> float:
    """The quantile of an exported column; of the mean, that at which the quantile loss is the absolute error."""
    return 0.5 if column == "mean" else int(column[1:]) / 100


def _metrics(losses: Mapping[str, float], backtest: AccuracyRow) -> tuple[dict[str, float], dict[str, float]]:
    """Average wQL over the quantiles that the backtest has too, WAPE of the mean: as measured, and of the backtest."""
    names = {column: f"wQL[{_level(column)}]" for column in losses if column != "mean"}
    shared = [column for column, name in names.items() if name in backtest]
    measured: dict[str, float] = {}
    tested: dict[str, float] = {}
    if shared:
        measured[WQL] = fmean(losses[column] for column in shared)
        tested[WQL] = fmean(backtest[names[column]] for column in shared)
    if "mean" in losses and backtest[WAPE] is not None:
        measured[WAPE], tested[WAPE] = losses["mean"], backtest[WAPE]
    return measured, tested
