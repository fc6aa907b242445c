"""The files of an import or a selection: where they are, what they hold, and how they are read from S3."""

from dataclasses import dataclass

import pandas as pd

from localaws.errors import JobFailed
from localaws.s3 import Access, locate, read
from storecast_engines.files import FileError, Layout, time_series

# By format: how it is read, and the endings of its files, then of the other's
# (dataset-import-guidelines-troubleshooting.md)
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


def read_all(access: Access, source: Source) -> tuple[dict[str, pd.DataFrame], int]:
    """All files of the format by their URI, and their bytes together. Raises JobFailed."""
    reader, ending, others = _READERS[source.file_format]
    locate(access, source.path)
    files = read(access, source.path, ending, others=others)
    try:
        frames = {file.uri: reader(file.uri, file.body, source.layout) for file in files}
    except FileError as error:
        raise JobFailed(str(error)) from None
    return frames, sum(len(file.body) for file in files)
