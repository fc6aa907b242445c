"""The work of a monitor, in a process of its own: a forecast held against what has happened since."""

from pathlib import Path

import numpy as np
import pandas as pd

from localaws.services.forecast import schema
from localaws.services.forecast.jobs import saved
from localaws.services.forecast.jobs.predictors import panel_of
from storecast_engines.forecasting import metrics
from storecast_engines.forecasting.frequency import season_length
from storecast_engines.forecasting.panel import Panel, Prediction


def evaluate(target: dict, settings: dict, forecasts: dict[str, Path]) -> dict:
    """The metrics of the first of `forecasts` of which the `target` data covers a step; None if there is no such one.

    Related series and metadata are not asked for: they need not reach as far as the new data would ask of a forecast.
    """
    name = schema.DOMAINS[target["domain"]].target
    own = {name: settings["transformations"][name]} if name in settings["transformations"] else {}
    panel = panel_of({schema.TARGET: target}, settings | {"transformations": own})
    for arn, folder in forecasts.items():
        forecast = saved.load_forecast(folder)
        steps = panel.timestamps.get_indexer(forecast.timestamps)
        if steps[0] >= 0:
            return {"evaluation": {"ForecastArn": arn, **_measured(panel, forecast, steps[steps >= 0])}}
    return {"evaluation": None}


def _measured(panel: Panel, forecast: saved.Saved, steps: np.ndarray) -> dict:
    """Over the series of the forecast that the data has, and the steps that it covers (metrics.md)."""
    rows = saved.rows_of(panel.keys, forecast.keys)
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
