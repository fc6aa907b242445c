"""Reading and checking CSV and Parquet files: each bad value is named by file, row, column, and what is allowed.

`time_series` reads what a forecasting model learns from, `interactions` what a recommender learns from. Both take a
file's name and bytes, wherever these come from, and raise `FileError`.
"""

from storecast_engines.files.rows import FileError
from storecast_engines.files.schemas import Field, Layout

__all__ = ["Field", "FileError", "Layout"]
