"""CSV text as imports read it: every value a string, and what is wrong named by file, row, column and value."""

import io
from typing import Any

import pandas as pd

from localaws.jobs import JobFailed
from localaws.objects import File


def text_of(file: File) -> str:
    """The file as text. Raises JobFailed naming the row when it is not UTF-8, or when the file is empty."""
    try:
        text = file.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.body[: error.start].count(b"\n") + 1
        raise JobFailed(f"{file.uri}, row {line}: the file is not UTF-8 ({error.reason})") from None
    if not text.strip():
        raise JobFailed(f"{file.uri} is empty")
    return text


def rows(uri: str, text: str, **options: Any) -> pd.DataFrame:
    """All rows as strings, a header too (`options` are pandas.read_csv's). Raises JobFailed naming a broken row."""
    try:
        return pd.read_csv(io.StringIO(text), header=None, dtype=str, keep_default_na=False, **options)
    except pd.errors.ParserError as error:
        # pandas tells the row and its columns after "Error tokenizing data. C error: ".
        reason = str(error).rpartition("C error: ")[2].strip().replace(" line ", " row ")
        raise JobFailed(f"{uri}: {reason}") from None


def refuse(uri: str, first_row: int, name: str, column: pd.Series, bad: pd.Series, allowed: str) -> None:
    """Raises JobFailed with the first of the `bad` values of a column whose values begin in `first_row` of the file."""
    if bad.any():
        row = bad.idxmax()
        more = f" ({bad.sum():,} such rows)" if bad.sum() > 1 else ""
        raise JobFailed(f"{uri}, row {row + first_row}, {name}: {column[row]!r} is not {allowed}{more}")
