"""Forecasts, their exports, and the query of one item."""

from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from localaws.forecast import datasets, schema
from localaws.forecast.kinds import create, get, invalid
from localaws.gateway import Context


def create_forecast(context: Context, params: dict) -> dict:
    """A forecast of all items in the predictor's dataset group, from the newest data imported (updating-data.md)."""
    predictor = get(context, "Predictor", params["PredictorArn"], active=True)
    if "TimeSeriesSelector" in params:
        raise invalid("TimeSeriesSelector is not built in Storecast's embedded AWS")
    types = params.get("ForecastTypes", predictor.record["ForecastTypes"])
    schema.check_forecast_types(types)
    group = get(context, "DatasetGroup", predictor.record["DatasetGroupArn"])
    forecast = create(
        context,
        "Forecast",
        params,
        ForecastTypes=types,
        DatasetGroupArn=group.arn,
        CreatedUsingAutoPredictor=predictor.record["IsAutoPredictor"],
    )
    context.jobs.submit(
        forecast.arn,
        "localaws.forecast.work:create_forecast",
        {
            "datasets": datasets.group_datasets(context, group),
            "settings": predictor.private["settings"],
            "predictor": context.store.folder(predictor.arn),
            "types": types,
            "destination": context.store.folder(forecast.arn),
        },
    )
    return {"ForecastArn": forecast.arn}


def create_export(context: Context, params: dict) -> dict:
    forecast = get(context, "Forecast", params["ForecastArn"], active=True)
    file_format = schema.format_of(params)
    job = create(context, "ForecastExportJob", params)
    destination = params["Destination"]["S3Config"]
    context.jobs.submit(
        job.arn,
        "localaws.forecast.work:export_forecast",
        {
            "access": partial(context.assume, destination["RoleArn"], "forecast.amazonaws.com", job.arn),
            "path": destination["Path"],
            "file_format": file_format,
            "name": job.name,
            "forecast": context.store.folder(forecast.arn),
        },
    )
    return {"ForecastExportJobArn": job.arn}


@lru_cache(maxsize=10)  # QueryForecast keeps ten forecasts at hand (limits.md)
def _loaded(folder: Path, created: float) -> tuple[dict[tuple, int], list[str], list[str], list[str], np.ndarray]:
    """Row by key values, the names of the keys, the timestamps, the types, and the values (n, H, types).

    `created` tells a forecast from an older one of the same name, which lay in the same folder.
    """
    with np.load(folder / "forecast.npz", allow_pickle=False) as file:
        keys, names, types = file["keys"], file["key_names"].tolist(), file["types"].tolist()
        timestamps = [str(each)[:19] for each in file["timestamps"].astype("datetime64[s]")]
        values = file["values"]
    rows = {tuple(value.lower() for value in key): row for row, key in enumerate(keys.tolist())}
    return rows, names, timestamps, types, values


def query(context: Context, params: dict) -> dict:
    """The forecast of one item (and dimension values), optionally between two dates
    (API_forecastquery_QueryForecast.md).

    Item ids are matched without regard to case, as the service answers with lower-case ids.
    """
    forecast = get(context, "Forecast", params["ForecastArn"], active=True)
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
