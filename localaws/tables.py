"""CSV text as imports read it: every value a string, and what is wrong named by file, row, column and value."""

import csv
import io
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from localaws.jobs import JobFailed
from localaws.objects import File


def rows(file: File, names: Sequence[str] = (), escape: str = "") -> pd.DataFrame:
    """All rows of a file under the column `names`, or under its first row where there are none, as strings.

    The index is the row in the file, from 1; a header and empty lines count, but are left out, and so is a row without
    any value. Raises JobFailed naming the row: not UTF-8, too few or too many columns, a quoted value without its end;
    or saying that the file is empty.
    """
    text = text_of(file)
    _check_quotes(file.uri, text, escape)
    columns = list(names) or next(row for row in _reader(text, escape) if row)
    positions = [str(at) for at in range(len(columns))]  # a header may name a column twice
    uneven: list[pa.csv.InvalidRow] = []
    try:
        table = pa.csv.read_csv(
            io.BytesIO(text.encode()),
            # in one thread: only then are uneven rows numbered
            read_options=pa.csv.ReadOptions(column_names=positions, use_threads=False),
            parse_options=pa.csv.ParseOptions(
                escape_char=escape or False,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=lambda row: uneven.append(row) or "skip",
            ),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(positions, pa.string())),
        )
    except pa.ArrowInvalid as error:
        raise JobFailed(f"{file.uri}: {error}") from None
    if uneven:
        first, more = uneven[0], _more(len(uneven))
        raise JobFailed(
            f"{file.uri}, row {first.number}: {first.actual_columns} columns, not {len(columns)} "
            f"({', '.join(columns)}): {first.text[:200]!r}{more}"
        )
    frame = table.to_pandas().set_axis(pd.RangeIndex(1, len(table) + 1)).set_axis(columns, axis=1)
    frame = frame[(frame != "").any(axis=1)]
    return frame if names else frame[1:]


def text_of(file: File) -> str:
    """Raises JobFailed naming the row when it is not UTF-8, or saying that the file is empty."""
    try:
        text = file.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.body[: error.start].count(b"\n") + 1
        raise JobFailed(f"{file.uri}, row {line}: the file is not UTF-8 ({error.reason})") from None
    if not text.strip():
        raise JobFailed(f"{file.uri} is empty")
    return text


def _reader(text: str, escape: str):
    return csv.reader(io.StringIO(text, newline=""), escapechar=escape or None, strict=True)


def _check_quotes(uri: str, text: str, escape: str) -> None:
    """A quote without its end would take all rows below it for its value. Only an odd number of quotes can hide one."""
    if text.count('"') % 2 == 0:
        return
    row = 0
    try:
        for _ in _reader(text, escape):
            row += 1
    except csv.Error as error:
        raise JobFailed(f"{uri}, row {row + 1}: a quoted value does not end as it should ({error})") from None


def refuse(uri: str, name: str, column: pd.Series, bad: pd.Series, allowed: str) -> None:
    """Raises JobFailed with the first of the `bad` values of a column whose index is the row in the file."""
    if bad.any():
        row = bad.idxmax()
        raise JobFailed(f"{uri}, row {row}, {name}: {column[row]!r:.200} is not {allowed}{_more(bad.sum())}")


def _more(count: int) -> str:
    return f" ({count:,} such rows)" if count > 1 else ""
