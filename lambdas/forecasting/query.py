"""Query: the forecast of one item from the newest run, for applications. It asks and answers as QueryForecast of Amazon
Forecast does (docs/aws-sources.md#forecast-API_forecastquery_QueryForecast), whichever engine forecasts.

It is invoked directly (`lambda:InvokeFunction`), and reads the newest pointer, a part of the run's index, and the rows.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import time
from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from common.clients import client
from common.step import logger
from common.store import get_json
from forecasting import lookup
from forecasting.payload import Lookup, Query, QueryAnswer

_FRESH_SECONDS = 5  # that the newest pointer is kept: a new run serves that much later
_LOOKUPS = 16  # parts of indexes that a function keeps, of about 60 KB each


class ResourceNotFound(ValueError):
    """No such forecast or series; the name under which the caller sees the error."""


class InvalidInput(ValueError):
    """A request that cannot be answered; the name under which the caller sees the error."""


def handler(event: Query, context: LambdaContext) -> QueryAnswer:
    """Raises InvalidInput or ResourceNotFound, which Lambda returns as the error's type."""
    bucket, folder = os.environ["RESULTS_BUCKET"], os.environ["FOLDER"]
    index = _index(bucket, folder, event.get("Forecast"))
    key = _key(event, index)
    start, end = _moment(event, "StartDate", datetime.min), _moment(event, "EndDate", datetime.max)
    predictions: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(_rows(bucket, index, key), key=lambda row: row["date"]):
        moment = row["date"].removesuffix("Z")
        if start <= datetime.fromisoformat(moment) <= end:
            for name, value in row.items():
                if name not in ("date", index["columns"][0], *index["dimensions"]):
                    predictions.setdefault(name, []).append({"Timestamp": moment, "Value": float(value)})
    logger.info("answered", extra={"series": key, "forecast": event.get("Forecast")})
    return {"Forecast": {"Predictions": predictions}}


def _index(bucket: str, folder: str, name: str | None) -> Lookup:
    newest = _newest(bucket, folder, int(time.monotonic() / _FRESH_SECONDS))
    forecasts = newest["forecasts"]
    if name and name not in forecasts:
        raise ResourceNotFound(f"Forecast {name!r} does not exist; there are {', '.join(forecasts)}")
    lookups: dict[str, Lookup] = newest.get("lookups", {})
    if (name or next(iter(forecasts))) not in lookups:
        raise ResourceNotFound(f"run {newest['run']} has no index, an older version published it: start a run")
    return lookups[name or next(iter(forecasts))]


@functools.lru_cache(1)
def _newest(bucket: str, folder: str, now: int) -> dict[str, Any]:
    """newest.json, read again when `now` changes. Raises ResourceNotFound before the first run."""
    try:
        newest = get_json(bucket, f"{folder}newest.json")
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":  # what S3 says of a missing object without s3:ListBucket
            raise
        newest = None
    if newest is None:
        raise ResourceNotFound(f"there is no forecast yet: s3://{bucket}/{folder}newest.json does not exist")
    return dict(newest)


def _key(event: Query, index: Lookup) -> list[str]:
    """The item and the values of its dimensions, in the order of the index."""
    names, filters = [index["columns"][0], *index["dimensions"]], event.get("Filters") or {}
    wrong = [name for name, value in filters.items() if not isinstance(value, str)]
    if set(filters) != set(names) or wrong:
        got = ", ".join(f"{name}={value!r}" for name, value in filters.items()) or "none"
        raise InvalidInput(f"Filters must name exactly {', '.join(names)}, each with a text; got {got}")
    return [filters[name] for name in names]


def _moment(event: Query, member: str, otherwise: datetime) -> datetime:
    text = event.get(member)
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=None) if text else otherwise
    except ValueError:
        raise InvalidInput(f"{member} {text!r} is not a time such as 2026-01-31T08:00:00") from None


def _rows(bucket: str, index: Lookup, key: list[str]) -> list[dict[str, str]]:
    part, name = lookup.part_of(index, key)
    known = _part(bucket, part)
    spans = known["series"].get(name)
    if spans is None:
        raise ResourceNotFound(f"{', '.join(key)} has no forecast in the newest run")
    body = b"".join(
        client("s3").get_object(Bucket=bucket, Key=known["files"][file], Range=f"bytes={first}-{last}")["Body"].read()
        for file, first, last in spans
    )
    rows = csv.reader(io.StringIO(body.decode(), newline=""))
    return [dict(zip(index["columns"], row, strict=True)) for row in rows if row]


@functools.lru_cache(_LOOKUPS)
def _part(bucket: str, key: str) -> dict[str, Any]:
    """A part of an index, which never changes: each run has its own."""
    found = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return dict(json.loads(found))
