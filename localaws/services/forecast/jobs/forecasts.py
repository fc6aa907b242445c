"""Forecasts of a trained predictor, in a process of its own: files in, files out."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from localaws.errors import JobFailed
from localaws.jobs import Result, report
from localaws.s3 import Access
from localaws.services.forecast import artifacts, selection
from localaws.services.forecast.files import Source
from localaws.services.forecast.jobs.panels import panel_of
from localaws.services.forecast.jobs.predictors import how_to_install
from localaws.services.forecast.private import Datasets, Settings
from storecast_engines.forecasting import NotInstalled, autopredictor, exports
from storecast_engines.forecasting.panel import Panel


@dataclass(frozen=True)
class CreateForecast:
    """`series`: the file that names the series to forecast; None: all of them."""

    datasets: Datasets
    settings: Settings
    predictor: Path
    types: list[str]
    destination: Path
    series: Source | None


def create_forecast(job: CreateForecast, access: Access | None = None) -> Result:
    panel = panel_of(job.datasets, job.settings)
    wanted = selection.rows(panel.keys, access, job.series) if job.series and access else None
    forecast = forecast_of(panel, job.settings, job.predictor, job.types, wanted)
    artifacts.save_forecast(job.destination, forecast)
    return Result(notes=" ".join(panel.messages))


def forecast_of(
    panel: Panel, settings: Settings, predictor: Path, types: list[str], rows: Sequence[int] | np.ndarray | None = None
) -> artifacts.Forecast:
    """What the predictor makes of the panel; `rows` keeps only these series, forecast as among all of them."""
    types, levels = exports.in_order(types), sorted(exports.levels_of(types))
    found = artifacts.load_predictor(predictor)
    try:
        prediction = autopredictor.predict(
            found, panel, settings["horizon"], levels, workers=os.cpu_count() or 1, progress=report
        )
    except NotInstalled as error:
        raise JobFailed(how_to_install(error)) from None
    except ValueError as error:
        raise JobFailed(str(error)) from None
    kept = slice(None) if rows is None else rows
    return artifacts.Forecast(
        panel.keys.iloc[kept],
        panel.future(settings["horizon"]).to_numpy(),
        exports.names_of(types),
        exports.by_type(prediction, levels, types)[kept].astype(np.float32),
        prediction.mean[kept].astype(np.float32),
        None if panel.metadata is None else panel.metadata.iloc[kept],
    )
