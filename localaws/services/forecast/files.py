"""The files of an import or a selection: where they are, what they hold, and how they are read from S3."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from localaws.errors import JobFailed
from localaws.s3 import Access, get, listed, locate, opened
from storecast_engines.files import FileError, Layout, time_series
from storecast_engines.files.rows import parts

# By format: how it is read, and the endings of its files, then of the other's
# (docs/aws-sources.md#forecast-dataset-import-guidelines-troubleshooting)
_READERS = {
    "CSV": (time_series.read_csv, ".csv", (".parquet", ".parq", ".pqt")),
    "PARQUET": (time_series.read_parquet, ".parquet", (".csv",)),
}


@dataclass(frozen=True)
class Source:
    """Files at an S3 path, read under a role; `file_format` is CSV or PARQUET."""

    role: str
    path: str
    layout: Layout
    file_format: str = "CSV"


@dataclass(frozen=True)
class Part:
    """Some rows of a file; how many bytes of all files are read with them, and how many there are."""

    uri: str
    rows: pd.DataFrame
    read: int
    total: int


def read_parts(access: Access, source: Source) -> Iterator[Part]:
    """All files of the format, each in parts of bounded size; Parquet files have a bound of their own. Raises
    JobFailed."""
    reader, ending, others = _READERS[source.file_format]
    locate(access, source.path)
    files = listed(access, source.path, ending, others=others)
    total, read = sum(each.size for each in files), 0
    try:
        for file in files:
            if source.file_format != "CSV":
                read += file.size
                yield Part(file.uri, reader(file.uri, get(access, file.uri), source.layout), read, total)
                continue
            for body, first in parts(opened(access, file.uri)):
                read += len(body)
                yield Part(file.uri, time_series.read_csv(file.uri, body, source.layout, first), read, total)
    except FileError as error:
        raise JobFailed(str(error)) from None


def read_all(access: Access, source: Source) -> pd.DataFrame:
    """All rows of all files of the format. Raises JobFailed."""
    return pd.concat([part.rows for part in read_parts(access, source)], ignore_index=True)
