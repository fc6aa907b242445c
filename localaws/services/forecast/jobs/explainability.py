"""The work of an Explainability, in a process of its own: files in, files out."""

from pathlib import Path

import numpy as np
import pandas as pd

from localaws.errors import JobFailed
from localaws.s3 import Access
from localaws.services.forecast import selection
from localaws.services.forecast.jobs import saved
from localaws.services.forecast.jobs.predictors import panel_of
from storecast_engines.forecasting import explainability
from storecast_engines.forecasting.panel import Panel

MOST_SERIES, MOST_POINTS = 50, 500  # of SPECIFIC time series and time points (forecast-explainability.md)


def explain_predictor(datasets: dict, settings: dict, predictor: Path, destination: Path) -> dict:
    """One row of normalised scores over all series and time points (predictor-explainability.md)."""
    found, _ = _impact(datasets, settings, predictor)
    scores = explainability.normalised(explainability.aggregated(found.raw, (0, 1)))[None]
    nowhere = pd.DataFrame(index=range(1))
    saved.save_scores(destination, saved.Scores(list(found.attributes), nowhere, scores, np.full_like(scores, np.nan)))
    return {}


def explain_forecast(
    datasets: dict,
    settings: dict,
    predictor: Path,
    forecast: Path,
    destination: Path,
    start: str | None = None,
    end: str | None = None,
    access: Access | None = None,
    identifiers: dict | None = None,
) -> dict:
    """The forecast's series, or those in the file of `identifiers`, over the horizon or at each step in a range."""
    found, panel = _impact(datasets, settings, predictor)
    keys = saved.load_forecast(forecast).keys
    if identifiers is not None:
        keys = keys.iloc[selection.rows(keys, access, **identifiers)]
        if len(keys) > MOST_SERIES:
            raise JobFailed(f"{identifiers['path']} names {len(keys)} time series; at most {MOST_SERIES} are allowed")
    timestamps = panel.future(settings["horizon"])
    raw = found.raw[saved.rows_of(panel.keys, keys)]
    if start:
        inside = (timestamps >= start) & (timestamps <= end)
        if not 0 < inside.sum() <= MOST_POINTS:
            raise JobFailed(
                f"StartDateTime {start} to EndDateTime {end} holds {inside.sum()} time points of the forecast, which "
                f"goes from {timestamps[0]} to {timestamps[-1]}; 1 to {MOST_POINTS} are allowed"
            )
        scores = _at_time_points(found.attributes, keys, timestamps[inside], raw[:, inside])
    else:
        scores = _over_time(found.attributes, keys, raw)
    saved.save_scores(destination, scores)
    return {}


def _impact(datasets: dict, settings: dict, predictor: Path) -> tuple[explainability.Impact, Panel]:
    panel = panel_of(datasets, settings)
    try:
        return explainability.impact(saved.load_predictor(predictor), panel, settings["horizon"]), panel
    except ValueError as error:
        raise JobFailed(str(error)) from None


def _over_time(attributes: tuple[str, ...], keys: pd.DataFrame, raw: np.ndarray) -> saved.Scores:
    """A row per series over the whole horizon, then one over all series."""
    each = explainability.aggregated(raw, 1)
    return _scores(attributes, keys, each, explainability.normalised(each))


def _at_time_points(
    attributes: tuple[str, ...], keys: pd.DataFrame, timestamps: pd.DatetimeIndex, raw: np.ndarray
) -> saved.Scores:
    """A row per series and time point, then per series one over its time points, then one over all series."""
    normal = explainability.normalised(raw)
    count, points = len(keys), len(timestamps)
    places = pd.concat([keys.loc[keys.index.repeat(points)], keys], ignore_index=True)
    places["timestamp"] = np.concatenate(
        [np.tile(timestamps.strftime("%Y-%m-%dT%H:%M:%SZ"), count), np.repeat(saved.AGGREGATE, count)]
    )
    each, normal_each = (
        np.concatenate([values.reshape(count * points, -1), explainability.aggregated(values, 1)])
        for values in (raw, normal)
    )
    return _scores(attributes, places, each, normal_each)


def _scores(attributes: tuple[str, ...], places: pd.DataFrame, raw: np.ndarray, normalised: np.ndarray) -> saved.Scores:
    """With the row over all of them; the guide gives it no raw score."""
    whole = pd.DataFrame([dict.fromkeys(places.columns, saved.AGGREGATE)])
    return saved.Scores(
        list(attributes),
        pd.concat([places, whole], ignore_index=True),
        np.concatenate([normalised, explainability.aggregated(normalised, 0)[None]]),
        np.concatenate([raw, np.full((1, raw.shape[1]), np.nan)]),
    )
