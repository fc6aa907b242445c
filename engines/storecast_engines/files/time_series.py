"""CSV and Parquet files of time series and item metadata, by the rules of Amazon Forecast's imports.

Sources: https://docs.aws.amazon.com/forecast/latest/dg/dataset-import-guidelines-troubleshooting.html; of the API
SchemaAttribute and Statistics.
"""

import io
import re
from pathlib import Path, PurePosixPath

import pandas as pd
from pyarrow import parquet

from storecast_engines.files.rows import FileError, refuse, rows
from storecast_engines.files.schemas import GEOLOCATION_FORMATS, TIMESTAMP_FORMATS, Layout

# Of one Parquet file: what a laptop's memory holds (AWS: 3 billion rows and 30 GB in all).
MOST_VALUES, MOST_BYTES = 60_000_000, 2 * 2**30
_WORD = re.compile(r"(?!(?:nan|inf|infinity)$)[a-z][\w .-]*", re.IGNORECASE)
_GEOLOCATIONS = {
    "LAT_LONG": r"-?(?:[0-8]?\d(?:\.\d+)?|90(?:\.0+)?)_-?(?:(?:1[0-7]|\d)?\d(?:\.\d+)?|180(?:\.0+)?)",
    "CC_POSTALCODE": r"US_\d{5}",
}


def read(path: str | Path, layout: Layout) -> pd.DataFrame:
    """A file on disk: Parquet if its name ends in .parquet, else CSV. See `read_csv` and `read_parquet`."""
    reader = read_parquet if Path(path).suffix == ".parquet" else read_csv
    return reader(str(path), Path(path).read_bytes(), layout)


def read_csv(name: str, body: bytes, layout: Layout, first: int = 1) -> pd.DataFrame:
    """One column per column of the layout: strings unchanged, numbers as float64, timestamps as datetime64.

    The index is the row in the file, from 1, or from `first` where the body is a part of it. Raises FileError naming
    the file, the row, the column and the value.

    >>> layout = Layout({"item_id": "string", "timestamp": "timestamp", "demand": "float"}, "yyyy-MM-dd", ["item_id"])
    >>> read_csv("sales.csv", b"milk,2024-01-01,5\\nmilk,2024-01-02,", layout)
      item_id  timestamp  demand
    1    milk 2024-01-01     5.0
    2    milk 2024-01-02     NaN
    >>> read_csv("sales.csv", b"milk,2024-01-01,many", layout)
    Traceback (most recent call last):
        ...
    storecast_engines.files.rows.FileError: sales.csv, row 1, demand: 'many' is not a finite number (float; a missing \
value is left empty)
    """
    _check_name(name)
    frame = rows(name, body, list(layout.columns), first=first)
    header, row = list(frame.iloc[0]), frame.index[0]
    if first == 1 and _is_header(header, layout):
        if set(header) == set(layout.columns) and header != list(layout.columns):
            message = (
                f"{name}, row {row} is a header ({','.join(header)}) that differs from the schema, "
                f"{','.join(layout.columns)}: columns follow the schema's order"
            )
            raise FileError(message, file=name, row=row)
        frame = frame[1:]
        if frame.empty:
            raise FileError(f"{name} holds a header and no row", file=name)
    return _typed(name, frame, layout)


def read_parquet(name: str, body: bytes, layout: Layout) -> pd.DataFrame:
    """The same of a Parquet file: its columns are the layout's by name, in any order.

    Timestamps may be Parquet's own (a time zone is dropped) or strings of the layout's format.
    """
    _check_name(name)
    try:
        _check_size(name, parquet.read_metadata(io.BytesIO(body)))
        frame = pd.read_parquet(io.BytesIO(body))
    except FileError:
        raise
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise FileError(f"{name} is not a Parquet file: {error}", file=name) from None
    if sorted(frame.columns) != sorted(layout.columns):
        found = ", ".join(map(str, frame.columns))
        message = f"{name} has the columns {found}, but the schema has: {', '.join(layout.columns)}"
        raise FileError(message, file=name)
    if frame.empty:
        raise FileError(f"{name} is empty", file=name)
    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1))
    return _typed(name, frame.apply(_text, timestamp_format=layout.timestamp_format), layout)


def below_zero(name: str, values: pd.Series) -> str:
    """A warning about counts (of things sold or in use) below zero, which are read nevertheless; "" for none."""
    below = values[values < 0]
    if below.empty:
        return ""
    return (
        f"{name}, row {below.index[0]}, {values.name}: {below.iloc[0]:g} is below zero ({len(below):,} such rows); it "
        "is imported unchanged, but this domain counts things: returns, if intended, lower the forecasts."
    )


def _is_header(row: list[str], layout: Layout) -> bool:
    """As recorded, the service skips a header: the schema's names, and in time series other names, too.

    Those are words where the schema has times and numbers; item metadata, which are all texts, show no other header.
    """
    values = [cell for cell, kind in zip(row, layout.columns.values()) if kind in ("timestamp", "integer", "float")]
    others = "timestamp" in layout.columns.values() and all(map(_WORD.fullmatch, values))
    return others or set(row) == set(layout.columns)


def _check_name(name: str) -> None:
    """The guide's rule on file names."""
    if not any(letter.isalpha() for letter in PurePosixPath(name).stem):
        raise FileError(f"{name}: the name of a file must have at least one letter before its ending", file=name)


def _check_size(name: str, metadata: parquet.FileMetaData) -> None:
    """A few bytes of Parquet can expand to any number of values, so the size is checked before they are read."""
    values = metadata.num_rows * metadata.num_columns
    size = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
    if values > MOST_VALUES or size > MOST_BYTES:
        raise FileError(
            f"{name} holds {values:,} values, {size:,} bytes uncompressed; at most {MOST_VALUES:,} values and "
            f"{MOST_BYTES:,} bytes of one file are read: split it",
            file=name,
        )


def _text(column: pd.Series, timestamp_format: str) -> pd.Series:
    """The values as a CSV file would hold them."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
        return column.dt.strftime(TIMESTAMP_FORMATS[timestamp_format]).fillna("")
    return column.astype(object).where(column.notna(), "").map(str)


def _typed(name: str, texts: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    for key in layout.keys:
        refuse(name, texts[key], texts[key] == "", "a value: each row needs one")
    return pd.DataFrame({column: _column(name, texts[column], kind, layout) for column, kind in layout.columns.items()})


def _column(name: str, column: pd.Series, kind: str, layout: Layout) -> pd.Series:
    if kind == "geolocation":
        formats = [layout.geolocation_format] if layout.geolocation_format else list(GEOLOCATION_FORMATS)
        pattern = "|".join(_GEOLOCATIONS[each] for each in formats)
        allowed = f"of the form {' or '.join(formats)}, such as 47.61_-122.33 or US_98121"
        refuse(name, column, ~column.str.fullmatch(pattern), allowed)
    if kind in ("string", "geolocation"):
        return column
    if kind == "timestamp":
        parsed = pd.to_datetime(column, format=TIMESTAMP_FORMATS[layout.timestamp_format], errors="coerce")
        full = re.compile(re.sub("[A-Za-z]", r"\\d", layout.timestamp_format), re.ASCII)  # 2025-1-2 lacks zeros
        cut = [each for each in column.unique() if not full.fullmatch(each)]
        bad = parsed.isna() | column.isin(cut)
        refuse(name, column, bad, f"a timestamp of the form {layout.timestamp_format}")
        return parsed.astype("datetime64[s]")
    parsed = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = parsed.isin([float("inf"), float("-inf")]) | (parsed.isna() & (column != ""))
    refuse(name, column, bad, f"a finite number ({kind}; a missing value is left empty)")
    if kind == "integer":
        refuse(name, column, parsed % 1 > 0, "an integer")
    return parsed
