"""CSV text as rows of strings; what is wrong with a file is named by file, row, column and value."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:  # whoever only catches FileError need not load them
    import pandas as pd
    import pyarrow as pa


PART = 32 * 2**20  # bytes; a frame of them takes some ten times as much


class FileError(ValueError):
    """A file that cannot be used; the message says what to fix.

    `file` is its name, `row` counts from 1, a header included; `column`, `value` and `allowed` are set where one value
    is at fault.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        allowed: str | None = None,
    ) -> None:
        super().__init__(message)
        self.file, self.row, self.column, self.value, self.allowed = file, row, column, value, allowed


def rows(name: str, body: bytes, columns: Sequence[str] = (), escape: str = "", first: int = 1) -> "pd.DataFrame":
    """All rows of a CSV file under `columns`, or under its first row where there are none, as strings.

    The index is the row in the file, from 1, or from `first` where the body is a part of it; a header and empty lines
    count, but are left out, and so is a row without any value. `escape` is the escape character inside quotes, "" for
    doubled quotes.

    Raises FileError naming the row: not UTF-8, too few or too many columns, a quoted value without its end; or saying
    that the file is empty.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.csv

    text = text_of(name, body, first)
    _check_quotes(name, text, escape)
    header = list(columns) or next(row for row in _reader(text, escape) if row)
    positions = [str(at) for at in range(len(header))]  # a header may name a column twice
    uneven: list[pa.csv.InvalidRow] = []

    def keep(row: pa.csv.InvalidRow) -> str:
        uneven.append(row)
        return "skip"

    try:
        table = pa.csv.read_csv(
            io.BytesIO(text.encode()),
            # in one thread: only then are uneven rows numbered
            read_options=pa.csv.ReadOptions(column_names=positions, use_threads=False),
            parse_options=pa.csv.ParseOptions(
                escape_char=escape or False,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=keep,
            ),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(positions, pa.string())),
        )
    except pa.ArrowInvalid as error:
        raise FileError(f"{name}: {error}", file=name) from None
    if uneven:
        worst, row, more = uneven[0], uneven[0].number + first - 1, _more(len(uneven))
        raise FileError(
            f"{name}, row {row}: {worst.actual_columns} values, but {len(header)} columns "
            f"({', '.join(header)}): {worst.text[:200]!r}{_separators(worst)}{more}",
            file=name,
            row=row,
        )
    frame = table.to_pandas().set_axis(pd.RangeIndex(first, first + len(table))).set_axis(header, axis=1)
    frame = frame[(frame != "").any(axis=1)]
    return frame if columns else frame[1:]


def parts(stream: IO[bytes], size: int = PART) -> Iterator[tuple[bytes, int]]:
    """The content of a CSV file in parts of about so many bytes that end with a row, each with the number of its first
    row: a file of any size is read in bounded memory, but for a row that is longer. An empty file is one empty part.

    >>> list(parts(io.BytesIO(b'a,1\\n"b\\nc",2\\nd,3'), size=6))
    [(b'a,1\\n', 1), (b'"b\\nc",2\\n', 2), (b'd,3', 3)]
    """
    rest, row, block = b"", 1, stream.read(size)
    while True:
        rest += block
        block = stream.read(size)
        end = _end_of_rows(rest) if block else len(rest)
        if rest[:end].strip() or not (block or row > 1):
            yield rest[:end], row
        row += _count(rest[:end])
        rest = rest[end:]
        if not block:
            return


def _end_of_rows(body: bytes) -> int:
    """Where the last complete row ends: after a line break that no quoted value holds, which is one with an even number
    of quotes before it."""
    end = body.rfind(b"\n") + 1
    while end and body.count(b'"', 0, end) % 2:
        end = body.rfind(b"\n", 0, body.rfind(b'"', 0, end)) + 1
    return end


def _count(body: bytes) -> int:
    """Rows, as the file counts them."""
    if b'"' not in body:
        return body.count(b"\n")
    return sum(1 for _ in csv.reader(io.StringIO(body.decode(errors="replace"), newline="")))


def text_of(name: str, body: bytes, first: int = 1) -> str:
    """The text of a file. Raises FileError naming the row when it is not UTF-8, or saying that the file is empty."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = body[: error.start].count(b"\n") + first
        raise FileError(
            f"{name}, row {row}: it is not UTF-8 ({error.reason}); save it as CSV (UTF-8)", file=name, row=row
        ) from None
    if not text.strip():
        raise FileError(f"{name} is empty", file=name)
    return text


def refuse(name: str, column: "pd.Series", bad: "pd.Series", allowed: str) -> None:
    """Raises FileError with the first of the `bad` values of a column whose index is the row in the file."""
    if bad.any():
        row, value = bad.idxmax(), column[bad.idxmax()]
        message = f"{name}, row {row}, {column.name}: {value!r:.200} is not {allowed}{_more(bad.sum())}"
        raise FileError(message, file=name, row=row, column=column.name, value=value, allowed=allowed)


def _reader(text: str, escape: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), escapechar=escape or None, strict=True)


def _check_quotes(name: str, text: str, escape: str) -> None:
    """A quote without its end would take all rows below it for its value. Only an odd number of quotes can hide one."""
    if text.count('"') % 2 == 0:
        return
    row = 0
    try:
        for _ in _reader(text, escape):
            row += 1
    except csv.Error as error:
        message = f"{name}, row {row + 1}: a quoted value does not end as it should ({error})"
        raise FileError(message, file=name, row=row + 1) from None


def _separators(row: "pa.csv.InvalidRow") -> str:
    return "; separate values by commas" if row.actual_columns == 1 and any(each in row.text for each in ";\t|") else ""


def _more(count: int) -> str:
    return f" ({count:,} such rows)" if count > 1 else ""
