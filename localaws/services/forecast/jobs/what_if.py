"""The work of what-if analyses, each function in a process of its own: files in, files out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.errors import JobFailed
from localaws.s3 import Access
from localaws.services.forecast import selection
from localaws.services.forecast.jobs import reading, saved
from localaws.services.forecast.jobs.predictors import forecast_of, panel_of
from storecast_engines.forecasting import what_if
from storecast_engines.forecasting.panel import Panel

UNMOVED = (
    "The what-if forecast equals the baseline: the changes touch nothing in the horizon, or the predictor gives no "
    "weight to a member that uses related time series."
)


def create_analysis(baseline: Path, access: Access | None = None, identifiers: dict | None = None) -> dict:
    """Which series of the baseline forecast take part: those in the file of `identifiers`, or all."""
    keys = saved.load_forecast(baseline).keys
    rows = list(range(len(keys))) if identifiers is None else selection.rows(keys, access, **identifiers)
    return {"private": {"rows": rows}}


def create_forecast(
    datasets: dict,
    settings: dict,
    predictor: Path,
    baseline: Path,
    types: list[str],
    rows: list[int],
    transformations: list[dict],
    destination: Path,
    access: Access | None = None,
    replacements: dict | None = None,
) -> dict:
    """The predictor's forecast of the changed panel, for the `rows` of the baseline that the analysis is about."""
    panel, horizon = panel_of(datasets, settings), settings["horizon"]
    base = saved.load_forecast(baseline)
    try:
        if replacements:
            frames, _ = reading.read_all(access, **replacements)
            changed = what_if.replaced(panel, horizon, pd.concat(frames.values(), ignore_index=True))
        else:
            changed = what_if.transformed(panel, horizon, [_transformation(each) for each in transformations])
    except ValueError as error:
        raise JobFailed(str(error)) from None
    kept = saved.rows_of(panel.keys, base.keys.iloc[rows])
    made = forecast_of(_only(changed, panel, kept), settings, predictor, types, kept)
    saved.save_forecast(destination, made)
    return {"notes": UNMOVED} if np.array_equal(made.values, base.values[rows]) else {}


def _only(changed: Panel, panel: Panel, kept: np.ndarray) -> Panel:
    """The changes of the series that take part; the others keep their related values."""
    related = panel.related.copy()
    related[kept] = changed.related[kept]
    return replace(panel, related=related)


def _transformation(given: dict) -> what_if.Transformation:
    """API_TimeSeriesTransformation.md's members as the engine takes them."""
    action = given["Action"]
    return what_if.Transformation(
        action["AttributeName"],
        action["Operation"],
        action["Value"],
        tuple(
            what_if.Condition(each["AttributeName"], each["Condition"], each["AttributeValue"])
            for each in given.get("TimeSeriesConditions", [])
        ),
    )
