"""CSV and Parquet files as Amazon Forecast imports them, every bad value named.

Source: dataset-import-guidelines-troubleshooting.md, API_SchemaAttribute.md, API_Statistics.md, weather.md.
"""

import io
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd
from pyarrow import parquet

from localaws import tables
from localaws.jobs import JobFailed
from localaws.objects import Access, File, read
from localaws.services.forecast import schema

# Of one Parquet file: what a laptop's memory holds (AWS: 3 billion rows, 30 GB in all; limits.md).
MOST_VALUES, MOST_BYTES = 200_000_000, 2 * 2**30
_GEOLOCATIONS = {
    "LAT_LONG": r"-?(?:[0-8]?\d(?:\.\d+)?|90(?:\.0+)?)_-?(?:(?:1[0-7]|\d)?\d(?:\.\d+)?|180(?:\.0+)?)",
    "CC_POSTALCODE": r"US_\d{5}",
}


@dataclass(frozen=True)
class Layout:
    """What the files of one import hold: the schema's attributes in order, and how their values are written.

    `keys` must have a value in each row; `counted` is a target that is a number of things, where it is one.
    """

    attributes: list[dict]
    timestamp_format: str
    keys: list[str]
    counted: str | None = None
    geolocation_format: str | None = None

    @property
    def names(self) -> list[str]:
        return [each["AttributeName"] for each in self.attributes]


def read_all(access: Access, path: str, file_format: str, layout: Layout) -> tuple[dict[str, pd.DataFrame], int]:
    """All files of the format at an S3 path by their URI, and their bytes together."""
    reader, suffix = {"CSV": (read_csv, ".csv"), "PARQUET": (read_parquet, ".parquet")}[file_format]
    files = read(access, path, (suffix,))
    return {file.uri: reader(file, layout) for file in files}, sum(len(file.body) for file in files)


def read_csv(file: File, layout: Layout) -> pd.DataFrame:
    """One column per attribute: strings as they stand, numbers as float64, timestamps as datetime64.

    The index is the row in the file, from 1. Raises JobFailed naming the file, the row, the attribute and the value.
    """
    _check_name(file.uri)
    frame = tables.rows(file, layout.names)
    if set(frame.iloc[0]) == set(layout.names):
        header = ",".join(frame.iloc[0])
        raise JobFailed(
            f"{file.uri}, row {frame.index[0]} is a header ({header}); leave it out: columns follow the schema's order"
        )
    return _typed(file.uri, frame, layout)


def _check_size(file: File, metadata: parquet.FileMetaData) -> None:
    """A few bytes of Parquet can stand for any number of values: what they come to is known before they are read."""
    values = metadata.num_rows * metadata.num_columns
    size = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
    if values > MOST_VALUES or size > MOST_BYTES:
        raise JobFailed(
            f"{file.uri} holds {values:,} values, {size:,} bytes uncompressed; the embedded AWS reads at most "
            f"{MOST_VALUES:,} values and {MOST_BYTES:,} bytes of one file: split it"
        )


def read_parquet(file: File, layout: Layout) -> pd.DataFrame:
    """The same of a Parquet file: its columns are the schema's by name, in any order.

    Timestamps may be Parquet's own (a time zone is dropped) or strings of the layout's format.
    """
    _check_name(file.uri)
    try:
        _check_size(file, parquet.read_metadata(io.BytesIO(file.body)))
        frame = pd.read_parquet(io.BytesIO(file.body))
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise JobFailed(f"{file.uri} is not a Parquet file: {error}") from None
    if sorted(frame.columns) != sorted(layout.names):
        found = ", ".join(map(str, frame.columns))
        raise JobFailed(f"{file.uri} has the columns {found}, but the schema has: {', '.join(layout.names)}")
    if frame.empty:
        raise JobFailed(f"{file.uri} is empty")
    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1))
    return _typed(file.uri, frame.apply(_text, timestamp_format=layout.timestamp_format), layout)


def _check_name(uri: str) -> None:
    """dataset-import-guidelines-troubleshooting.md, "File Name"."""
    if not any(letter.isalpha() for letter in PurePosixPath(uri).stem):
        raise JobFailed(f"{uri}: the name of a file must have at least one letter before its ending")


def _text(column: pd.Series, timestamp_format: str) -> pd.Series:
    """The values as a CSV file would hold them."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
        return column.dt.strftime(schema.TIMESTAMP_FORMATS[timestamp_format]).fillna("")
    return column.astype(object).where(column.notna(), "").map(str)


def _typed(uri: str, texts: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    for name in layout.keys:
        tables.refuse(uri, name, texts[name], texts[name] == "", "a value: each row needs one")
    return pd.DataFrame(
        {each["AttributeName"]: _column(uri, texts[each["AttributeName"]], each, layout) for each in layout.attributes}
    )


def _column(uri: str, column: pd.Series, attribute: dict, layout: Layout) -> pd.Series:
    kind, name = attribute["AttributeType"], attribute["AttributeName"]
    if kind == "geolocation":
        formats = [layout.geolocation_format] if layout.geolocation_format else list(_GEOLOCATIONS)
        pattern = "|".join(_GEOLOCATIONS[each] for each in formats)
        allowed = f"of the form {' or '.join(formats)}, such as 47.61_-122.33 or US_98121"
        tables.refuse(uri, name, column, ~column.str.fullmatch(pattern), allowed)
    if kind in ("string", "geolocation"):
        return column
    if kind == "timestamp":
        parsed = pd.to_datetime(column, format=schema.TIMESTAMP_FORMATS[layout.timestamp_format], errors="coerce")
        tables.refuse(uri, name, column, parsed.isna(), f"a timestamp of the form {layout.timestamp_format}")
        return parsed.astype("datetime64[s]")
    parsed = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = parsed.isin([float("inf"), float("-inf")]) | (parsed.isna() & (column != ""))
    tables.refuse(uri, name, column, bad, f"a finite number ({kind}; a missing value is left empty)")
    if kind == "integer":
        tables.refuse(uri, name, column, parsed % 1 > 0, "an integer")
    return parsed


def doubts(uri: str, frame: pd.DataFrame, counted: str) -> str:
    """What is imported and yet looks wrong: a number of things sold or in use that is below zero; "" for nothing."""
    below = frame.loc[frame[counted] < 0, counted]
    if below.empty:
        return ""
    return (
        f"{uri}, row {below.index[0]}, {counted}: {below.iloc[0]:g} is below zero ({len(below):,} such rows); it is "
        "imported as it stands, but this domain counts things: returns, if meant as such, lower the forecasts."
    )


def statistics(frame: pd.DataFrame) -> dict[str, dict]:
    """FieldStatistics of DescribeDatasetImportJob (API_Statistics.md): counts for all, Min to Stddev for numbers."""
    answer = {}
    for name, column in frame.items():
        empty = column.isna() if column.dtype.kind in "fM" else column == ""
        count, distinct, nulls = len(column), int(column[~empty].nunique()), int(empty.sum())
        answer[name] = {"CountDistinct": distinct, "CountDistinctLong": distinct}
        for member, value in {"Count": count, "CountNull": nulls, "CountNan": 0}.items():
            answer[name] |= {member: value, f"{member}Long": value}
        if column.dtype.kind == "f" and nulls < count:
            answer[name] |= {"Min": f"{column.min():g}", "Max": f"{column.max():g}"}
            answer[name] |= {"Avg": float(column.mean()), "Stddev": float(column.std(ddof=0))}
        elif column.dtype.kind == "M":
            answer[name] |= {"Min": column.min().isoformat(), "Max": column.max().isoformat()}
    return answer
