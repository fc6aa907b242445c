"""What-if analyses and their forecasts, in a process of their own: files in, files out."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from localaws.errors import JobFailed
from localaws.jobs import Result
from localaws.s3 import Access
from localaws.services.forecast import artifacts, selection
from localaws.services.forecast.files import Source, read_all
from localaws.services.forecast.jobs.forecasts import forecast_of
from localaws.services.forecast.jobs.panels import panel_of
from localaws.services.forecast.private import Datasets, Settings
from storecast_engines.forecasting import what_if
from storecast_engines.forecasting.panel import Panel

UNMOVED = (
    "The what-if forecast equals the baseline: the changes touch nothing in the horizon, or the predictor gives no "
    "weight to a member that uses related time series."
)


@dataclass(frozen=True)
class CreateAnalysis:
    """`series`: the file that names the series of the baseline forecast; None: all of them."""

    baseline: Path
    series: Source | None


@dataclass(frozen=True)
class CreateForecast:
    """Either `transformations` (docs/aws-sources.md#forecast-API_TimeSeriesTransformation) or `replacements` say what
    is different."""

    datasets: Datasets
    settings: Settings
    predictor: Path
    baseline: Path
    types: list[str]
    rows: list[int]  # of the baseline's series, those that the analysis is about
    transformations: list[dict]
    replacements: Source | None
    destination: Path


def create_analysis(job: CreateAnalysis, access: Access | None = None) -> Result:
    """Notes which series of the baseline the analysis is about."""
    keys = artifacts.load_forecast(job.baseline).keys
    rows = selection.rows(keys, access, job.series) if job.series and access else list(range(len(keys)))
    return Result(private={"rows": rows})


def create_forecast(job: CreateForecast, access: Access | None = None) -> Result:
    """The predictor's forecast of the changed panel."""
    panel, horizon = panel_of(job.datasets, job.settings), job.settings["horizon"]
    base = artifacts.load_forecast(job.baseline)
    try:
        if job.replacements and access:
            changed = what_if.replaced(panel, horizon, read_all(access, job.replacements))
        else:
            changed = what_if.transformed(panel, horizon, [_transformation(each) for each in job.transformations])
    except ValueError as error:
        raise JobFailed(str(error)) from None
    kept = artifacts.rows_of(panel.keys, base.keys.iloc[job.rows])
    made = forecast_of(_only(changed, panel, kept), job.settings, job.predictor, job.types, kept)
    artifacts.save_forecast(job.destination, made)
    return Result(notes=UNMOVED if np.array_equal(made.values, base.values[job.rows]) else "")


def _only(changed: Panel, panel: Panel, kept: np.ndarray) -> Panel:
    """The changes of the series that take part; the others keep their related values."""
    if panel.related is None or changed.related is None:
        return panel
    related = panel.related.copy()
    related[kept] = changed.related[kept]
    return replace(panel, related=related)


def _transformation(given: dict) -> what_if.Transformation:
    """docs/aws-sources.md#forecast-API_TimeSeriesTransformation's members as the engine takes them."""
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
