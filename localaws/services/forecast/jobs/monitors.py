"""A monitor's evaluation, in a process of its own: a forecast compared with what has happened since."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.jobs import Result
from localaws.services.forecast import artifacts, schema
from localaws.services.forecast.jobs.panels import panel_of
from localaws.services.forecast.private import ImportedDataset, Settings
from storecast_engines.forecasting import metrics
from storecast_engines.forecasting.frequency import season_length
from storecast_engines.forecasting.panel import Panel, Prediction


@dataclass(frozen=True)
class Evaluate:
    """`forecasts`: the folders of a predictor's forecasts by ARN, the newest first."""

    target: ImportedDataset
    settings: Settings
    forecasts: dict[str, Path]


def evaluate(job: Evaluate) -> Result:
    """`evaluation`: the metrics of the newest forecast of which the target data covers a step; nothing without one.

    Related series and metadata are left out: they need not reach as far as the new data would require for a forecast.
    """
    name = schema.DOMAINS[job.target["domain"]].target
    own = {name: job.settings["transformations"][name]} if name in job.settings["transformations"] else {}
    settings: Settings = {**job.settings, "transformations": own}
    panel = panel_of({schema.TARGET: job.target}, settings)
    for arn, folder in job.forecasts.items():
        forecast = artifacts.load_forecast(folder)
        steps = panel.timestamps.get_indexer(forecast.timestamps)
        if steps[0] >= 0:
            return Result({"evaluation": {"ForecastArn": arn, **_measured(panel, forecast, steps[steps >= 0])}})
    return Result()


def _measured(panel: Panel, forecast: artifacts.Forecast, steps: np.ndarray) -> dict:
    """Over the series of the forecast that the data has, and the steps that it covers
    (docs/aws-sources.md#forecast-metrics)."""
    rows = artifacts.rows_of(panel.keys, forecast.keys)
    known = rows >= 0
    history, actual = panel.target[rows[known], : steps[0]], panel.target[rows[known]][:, steps]
    quantiles = [at for at, kind in enumerate(forecast.types) if kind != "mean"]
    predicted = Prediction(
        forecast.values[known][:, : len(steps), quantiles].astype(float),
        forecast.mean[known][:, : len(steps)].astype(float),
    )
    levels = [float(forecast.types[at].removeprefix("p")) / 100 for at in quantiles]
    values = metrics.pooled(actual, predicted, levels, metrics.seasonal_error(history, season_length(panel.freq)))
    measured = {name: getattr(values, field) for name, field in metrics.FIELD.items()}
    return {
        "WindowStartDatetime": pd.Timestamp(forecast.timestamps[0]).timestamp(),
        "WindowEndDatetime": pd.Timestamp(forecast.timestamps[len(steps) - 1]).timestamp(),
        "MetricResults": [
            {"MetricName": name, "MetricValue": float(value)} for name, value in measured.items() if not np.isnan(value)
        ],
        "NumItemsEvaluated": int((~np.isnan(actual).any(axis=1)).sum()),
    }
