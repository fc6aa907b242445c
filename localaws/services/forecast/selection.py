"""The time series that a call selects by a file: one row per item and dimension values (API_TimeSeriesSelector.md)."""

from functools import partial
from typing import Any

import pandas as pd

from localaws.errors import JobFailed
from localaws.registration import Context
from localaws.s3 import Access
from localaws.services.forecast import schema
from localaws.services.forecast.jobs import reading
from localaws.services.forecast.jobs.saved import rows_of
from localaws.services.forecast.resource_types import invalid
from storecast_engines.files import Layout

NAMED = 5  # unknown series that a message names


def check(attributes: list[dict], keys: list[str]) -> None:
    """Raises ServiceError InvalidInputException unless the file has exactly the item and the forecast dimensions."""
    names = [each["AttributeName"] for each in attributes]
    if sorted(names) != sorted(keys) or any(each["AttributeType"] != "string" for each in attributes):
        raise invalid(f"The Schema of the time series must have {', '.join(keys)}, all of type string; got {names}")


def check_selector(params: dict, keys: list[str]) -> None:
    """TimeSeriesSelector of a Create call, where it is given."""
    if "TimeSeriesSelector" in params:
        identifiers = _identifiers(params["TimeSeriesSelector"])
        check(identifiers["Schema"].get("Attributes", []), keys)
        schema.format_of(identifiers)


def job_arguments(context: Context, job: str, selector: dict | None) -> dict[str, Any]:
    """`access` and `identifiers` for the job of this ARN, nothing without a selector."""
    if selector is None:
        return {}
    identifiers = _identifiers(selector)
    return file_arguments(
        context, job, identifiers["DataSource"], identifiers["Schema"]["Attributes"], schema.format_of(identifiers)
    )


def file_arguments(
    context: Context, job: str, source: dict, attributes: list[dict], file_format: str = "CSV"
) -> dict[str, Any]:
    """The same of a DataSource with the attributes of its Schema."""
    role, path = source["S3Config"]["RoleArn"], source["S3Config"]["Path"]
    types = schema.types_of(attributes)
    layout = Layout(types, keys=list(types))
    return {
        "access": partial(context.assume, role, "forecast.amazonaws.com", job),
        "identifiers": {"path": path, "file_format": file_format, "layout": layout},
    }


def rows(keys: pd.DataFrame, access: Access, **identifiers: Any) -> list[int]:
    """The positions among `keys` of the series in the file. Raises JobFailed naming those that are not there."""
    frames, _ = reading.read_all(access, **identifiers)
    wanted = pd.concat(frames.values(), ignore_index=True).drop_duplicates()
    found = rows_of(keys, wanted)
    if (found < 0).any():
        missing = [", ".join(map(str, row)) for row in wanted[found < 0].head(NAMED).to_numpy()]
        raise JobFailed(
            f"{identifiers['path']}: {(found < 0).sum()} of {len(wanted)} time series are unknown: {'; '.join(missing)}"
        )
    return sorted(found.tolist())


def _identifiers(selector: dict) -> dict:
    identifiers = selector.get("TimeSeriesIdentifiers", {})
    for member in ("DataSource", "Schema"):
        if member not in identifiers:
            raise invalid(f"TimeSeriesSelector.TimeSeriesIdentifiers.{member} is required")
    return identifiers
