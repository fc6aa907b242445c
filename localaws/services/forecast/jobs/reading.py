"""The files of an import or a selection, read from S3 and checked by the engines."""

import pandas as pd

from localaws.errors import JobFailed
from localaws.s3 import Access, read
from storecast_engines.files import FileError, Layout, time_series


def read_all(access: Access, path: str, file_format: str, layout: Layout) -> tuple[dict[str, pd.DataFrame], int]:
    """All files of the format at an S3 path by their URI, and their bytes together. Raises JobFailed."""
    reader, suffix = {"CSV": (time_series.read_csv, ".csv"), "PARQUET": (time_series.read_parquet, ".parquet")}[
        file_format
    ]
    files = read(access, path, (suffix,))
    try:
        return {file.uri: reader(file.uri, file.body, layout) for file in files}, sum(len(file.body) for file in files)
    except FileError as error:
        raise JobFailed(str(error)) from None
