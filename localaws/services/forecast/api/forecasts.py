"""Forecasts, their exports, and the query of one item."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from localaws.errors import invalid
from localaws.registration import Context
from localaws.services.forecast import schema, selection
from localaws.services.forecast.access import assume
from localaws.services.forecast.api import datasets
from localaws.services.forecast.api.exports import export
from localaws.services.forecast.artifacts import load_forecast
from localaws.services.forecast.jobs import forecasts as jobs
from localaws.services.forecast.jobs.exports import ExportForecast, export_forecast
from localaws.services.forecast.private import PredictorPrivate
from localaws.services.forecast.resource_types import FORECAST


def create_forecast(context: Context, params: dict) -> dict:
    """A forecast of all items in the predictor's dataset group, from the newest data imported
    (docs/aws-sources.md#forecast-updating-data)."""
    predictor = FORECAST.get(context, "Predictor", params["PredictorArn"], active=True)
    trained: PredictorPrivate = predictor.private
    series = selection.selected(params, trained["settings"]["keys"])
    types = params.get("ForecastTypes", predictor.record["ForecastTypes"])
    schema.check_forecast_types(types)
    group = FORECAST.get(context, "DatasetGroup", predictor.record["DatasetGroupArn"])
    found = datasets.group_datasets(context, group)
    forecast = FORECAST.create(
        context,
        "Forecast",
        params,
        ForecastTypes=types,
        DatasetGroupArn=group.arn,
        CreatedUsingAutoPredictor=predictor.record["IsAutoPredictor"],
    )
    FORECAST.keep(context, forecast.arn, datasets=found)
    context.jobs.submit(
        forecast.arn,
        jobs.create_forecast,
        jobs.CreateForecast(
            datasets=found,
            settings=trained["settings"],
            predictor=context.store.folder(predictor.arn),
            types=types,
            destination=context.store.folder(forecast.arn),
            series=series,
        ),
        access=assume(context, series.role, forecast.arn) if series else None,
    )
    return {"ForecastArn": forecast.arn}


def create_export(context: Context, params: dict) -> dict:
    forecast = FORECAST.get(context, "Forecast", params["ForecastArn"], active=True)
    folder = context.store.folder(forecast.arn)
    return export(context, "ForecastExportJob", params, export_forecast, lambda to: ExportForecast(to, folder))


@lru_cache(maxsize=10)  # QueryForecast keeps ten forecasts at hand (docs/aws-sources.md#forecast-limits)
def _loaded(folder: Path, created: float) -> tuple[dict[tuple, int], list[str], list[str], list[str], np.ndarray]:
    """Row by key values, the names of the keys, the timestamps, the types, and the values (n, H, types).

    `created` tells a forecast from an older one of the same name, which lay in the same folder.
    """
    found = load_forecast(folder)
    timestamps = [str(each)[:19] for each in found.timestamps.astype("datetime64[s]")]
    rows = {tuple(value.lower() for value in key): row for row, key in enumerate(found.keys.to_numpy().tolist())}
    return rows, list(found.keys.columns), timestamps, found.types, found.values


def query(kind: str, context: Context, params: dict) -> dict:
    """The forecast of one item (and dimension values), optionally between two dates; `kind` is what is asked.

    Sources: docs/aws-sources.md#forecast-API_forecastquery_QueryForecast,
    docs/aws-sources.md#forecast-API_forecastquery_QueryWhatIfForecast.

    Item ids are matched without regard to case, as the service answers with lower-case ids.
    """
    forecast = FORECAST.get(context, kind, params[f"{kind}Arn"], active=True)
    rows, names, timestamps, types, values = _loaded(context.store.folder(forecast.arn), forecast.created)
    filters = params["Filters"]
    if set(filters) != set(names):
        raise invalid(f"Filters must name exactly {', '.join(names)}; got {', '.join(filters) or 'none'}")
    row = rows.get(tuple(filters[name].lower() for name in names))
    if row is None:
        raise invalid(f"No forecast was found for {filters} in {forecast.arn}")
    start, end = _date(params, "StartDate", timestamps[0]), _date(params, "EndDate", timestamps[-1])
    wanted = [step for step, stamp in enumerate(timestamps) if start <= datetime.fromisoformat(stamp) <= end]
    return {
        "Forecast": {
            "Predictions": {
                kind: [{"Timestamp": timestamps[step], "Value": float(values[row, step, at])} for step in wanted]
                for at, kind in enumerate(types)
            }
        }
    }


def _date(params: dict, member: str, default: str) -> datetime:
    text = params.get(member, default)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise invalid(f"{member} {text!r} is not a time such as 2015-01-01T08:00:00") from None
