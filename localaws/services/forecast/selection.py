"""The time series that a call selects by a file: one row per item and dimension values
(docs/aws-sources.md#forecast-API_TimeSeriesSelector)."""

from collections.abc import Mapping

import pandas as pd

from localaws.errors import JobFailed, invalid
from localaws.s3 import Access
from localaws.services.forecast import schema
from localaws.services.forecast.artifacts import rows_of
from localaws.services.forecast.files import Source, read_all
from storecast_engines.files import Layout

NAMED = 5  # unknown series that a message names


def check(attributes: list[dict], keys: list[str]) -> None:
    """Raises ServiceError InvalidInputException unless the file has exactly the item and the forecast dimensions."""
    names = [each["AttributeName"] for each in attributes]
    if sorted(names) != sorted(keys) or any(each["AttributeType"] != "string" for each in attributes):
        raise invalid(f"The Schema of the time series must have {', '.join(keys)}, all of type string; got {names}")


def selected(params: Mapping, keys: list[str]) -> Source | None:
    """The file of a Create call's TimeSeriesSelector, None without one. Raises ServiceError InvalidInputException."""
    if "TimeSeriesSelector" not in params:
        return None
    identifiers = params["TimeSeriesSelector"].get("TimeSeriesIdentifiers", {})
    for member in ("DataSource", "Schema"):
        if member not in identifiers:
            raise invalid(f"TimeSeriesSelector.TimeSeriesIdentifiers.{member} is required")
    check(identifiers["Schema"].get("Attributes", []), keys)
    return source_of(identifiers, schema.format_of(identifiers))


def source_of(params: Mapping, file_format: str = "CSV") -> Source:
    """The file of a DataSource with the attributes of its Schema."""
    location, types = params["DataSource"]["S3Config"], schema.types_of(params["Schema"]["Attributes"])
    return Source(location["RoleArn"], location["Path"], Layout(types, keys=list(types)), file_format)


def rows(keys: pd.DataFrame, access: Access, source: Source) -> list[int]:
    """The positions among `keys` of the series in the file. Raises JobFailed naming those that are not there."""
    wanted = read_all(access, source).drop_duplicates()
    found = rows_of(keys, wanted)
    if (found < 0).any():
        missing = [", ".join(map(str, row)) for row in wanted[found < 0].head(NAMED).to_numpy()]
        raise JobFailed(
            f"{source.path}: {(found < 0).sum()} of {len(wanted)} time series are unknown: {'; '.join(missing)}"
        )
    return sorted(found.tolist())
