"""The impact scores of an Explainability, in a process of its own: files in, files out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.errors import JobFailed
from localaws.jobs import Result
from localaws.s3 import Access
from localaws.services.forecast import artifacts, selection
from localaws.services.forecast.files import Source
from localaws.services.forecast.jobs.panels import panel_of
from localaws.services.forecast.private import Datasets, Settings
from storecast_engines.forecasting import explainability
from storecast_engines.forecasting.panel import Panel

# of SPECIFIC time series and time points (docs/aws-sources.md#forecast-explainability)
MOST_SERIES, MOST_POINTS = 50, 500


@dataclass(frozen=True)
class ExplainPredictor:
    datasets: Datasets
    settings: Settings
    predictor: Path
    destination: Path


@dataclass(frozen=True)
class ExplainForecast(ExplainPredictor):
    """`start` to `end`: the steps to explain, None: the whole horizon. `series`: the file that names the series."""

    forecast: Path
    start: str | None
    end: str | None
    series: Source | None


def explain_predictor(job: ExplainPredictor) -> Result:
    """One row of normalised scores over all series and time points
    (docs/aws-sources.md#forecast-predictor-explainability)."""
    found, _ = _impact(job)
    scores = explainability.normalised(explainability.aggregated(found.raw, (0, 1)))[None]
    nowhere, raw = pd.DataFrame(index=range(1)), np.full_like(scores, np.nan)
    artifacts.save_scores(job.destination, artifacts.Scores(list(found.attributes), nowhere, scores, raw))
    return Result()


def explain_forecast(job: ExplainForecast, access: Access | None = None) -> Result:
    """The forecast's series, or those in the file, over the horizon or at each step in a range."""
    found, panel = _impact(job)
    keys = artifacts.load_forecast(job.forecast).keys
    if job.series and access:
        keys = keys.iloc[selection.rows(keys, access, job.series)]
        if len(keys) > MOST_SERIES:
            raise JobFailed(f"{job.series.path} names {len(keys)} time series; at most {MOST_SERIES} are allowed")
    timestamps = panel.future(job.settings["horizon"])
    raw = found.raw[artifacts.rows_of(panel.keys, keys)]
    if job.start:
        inside = (timestamps >= job.start) & (timestamps <= job.end)
        if not 0 < inside.sum() <= MOST_POINTS:
            raise JobFailed(
                f"StartDateTime {job.start} to EndDateTime {job.end} holds {inside.sum()} time points of the forecast, "
                f"which goes from {timestamps[0]} to {timestamps[-1]}; 1 to {MOST_POINTS} are allowed"
            )
        scores = _at_time_points(found.attributes, keys, timestamps[inside], raw[:, inside])
    else:
        scores = _over_time(found.attributes, keys, raw)
    artifacts.save_scores(job.destination, scores)
    return Result()


def _impact(job: ExplainPredictor) -> tuple[explainability.Impact, Panel]:
    panel = panel_of(job.datasets, job.settings)
    try:
        return explainability.impact(artifacts.load_predictor(job.predictor), panel, job.settings["horizon"]), panel
    except ValueError as error:
        raise JobFailed(str(error)) from None


def _over_time(attributes: tuple[str, ...], keys: pd.DataFrame, raw: np.ndarray) -> artifacts.Scores:
    """A row per series over the whole horizon, then one over all series."""
    each = explainability.aggregated(raw, 1)
    return _scores(attributes, keys, each, explainability.normalised(each))


def _at_time_points(
    attributes: tuple[str, ...], keys: pd.DataFrame, timestamps: pd.DatetimeIndex, raw: np.ndarray
) -> artifacts.Scores:
    """A row per series and time point, then per series one over its time points, then one over all series."""
    normal = explainability.normalised(raw)
    count, points = len(keys), len(timestamps)
    places = pd.concat([keys.loc[keys.index.repeat(points)], keys], ignore_index=True)
    places["timestamp"] = np.concatenate(
        [np.tile(timestamps.strftime("%Y-%m-%dT%H:%M:%SZ"), count), np.repeat(artifacts.AGGREGATE, count)]
    )
    each, normal_each = (
        np.concatenate([values.reshape(count * points, -1), explainability.aggregated(values, 1)])
        for values in (raw, normal)
    )
    return _scores(attributes, places, each, normal_each)


def _scores(
    attributes: tuple[str, ...], places: pd.DataFrame, raw: np.ndarray, normalised: np.ndarray
) -> artifacts.Scores:
    """With the row over all of them; the guide gives it no raw score."""
    whole = pd.DataFrame([dict.fromkeys(places.columns, artifacts.AGGREGATE)])
    return artifacts.Scores(
        list(attributes),
        pd.concat([places, whole], ignore_index=True),
        np.concatenate([normalised, explainability.aggregated(normalised, 0)[None]]),
        np.concatenate([raw, np.full((1, raw.shape[1]), np.nan)]),
    )
