"""CSV and Parquet files as Amazon Forecast imports them, every bad value named.

Source: dataset-import-guidelines-troubleshooting.md, API_SchemaAttribute.md, API_Statistics.md.
"""

import io

import pandas as pd

from localaws import tables
from localaws.jobs import JobFailed
from localaws.objects import File

GEOLOCATION = "geolocation"


def read_csv(file: File, attributes: list[dict], timestamp_format: str) -> pd.DataFrame:
    """One column per attribute: strings as they stand, numbers as float64, timestamps as datetime64.

    Raises JobFailed naming the file, the row (from 1), the attribute and the value.
    """
    names = [each["AttributeName"] for each in attributes]
    text = tables.text_of(file)
    _check_columns(file.uri, text, names)
    frame = tables.rows(file.uri, text, names=names)
    columns = {
        each["AttributeName"]: _column(file.uri, frame[each["AttributeName"]], each, timestamp_format)
        for each in attributes
    }
    return pd.DataFrame(columns)


def read_parquet(file: File, attributes: list[dict], timestamp_format: str) -> pd.DataFrame:
    """The same of a Parquet file: its columns are the schema's by name, in any order.

    Timestamps may be Parquet's own (a time zone is dropped) or strings of `timestamp_format`.
    """
    names = [each["AttributeName"] for each in attributes]
    try:
        frame = pd.read_parquet(io.BytesIO(file.body))
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise JobFailed(f"{file.uri} is not a Parquet file: {error}") from None
    if sorted(frame.columns) != sorted(names):
        found = ", ".join(map(str, frame.columns))
        raise JobFailed(f"{file.uri} has the columns {found}, but the schema has: {', '.join(names)}")
    if frame.empty:
        raise JobFailed(f"{file.uri} is empty")
    texts = {name: _text(frame[name].reset_index(drop=True), timestamp_format) for name in names}
    return pd.DataFrame(
        {
            each["AttributeName"]: _column(file.uri, texts[each["AttributeName"]], each, timestamp_format)
            for each in attributes
        }
    )


def _text(column: pd.Series, timestamp_format: str) -> pd.Series:
    """The values as a CSV file would hold them."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
        return column.dt.strftime(timestamp_format).fillna("")
    return column.astype(object).where(column.notna(), "").map(str)


def _check_columns(uri: str, text: str, names: list[str]) -> None:
    first = next(iter(tables.rows(uri, text, nrows=1).values))
    if len(first) != len(names):
        raise JobFailed(f"{uri}, row 1: {len(first)} columns, but the schema has {len(names)}: {', '.join(names)}")
    if list(first) == names:
        raise JobFailed(
            f"{uri}, row 1 is a header ({','.join(first)}); leave it out: columns follow the schema's order"
        )


def _column(uri: str, column: pd.Series, attribute: dict, timestamp_format: str) -> pd.Series:
    kind, name = attribute["AttributeType"], attribute["AttributeName"]
    if kind in ("string", GEOLOCATION):
        return column
    if kind == "timestamp":
        parsed = pd.to_datetime(column, format=timestamp_format, errors="coerce")
        tables.refuse(uri, 1, name, column, parsed.isna(), f"a timestamp of the form {timestamp_format}")
        return parsed.astype("datetime64[s]")
    parsed = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = parsed.isin([float("inf"), float("-inf")]) | (parsed.isna() & (column != ""))
    tables.refuse(uri, 1, name, column, bad, f"a finite number ({kind})")
    if kind == "integer":
        tables.refuse(uri, 1, name, column, parsed % 1 > 0, "an integer")
    return parsed


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
