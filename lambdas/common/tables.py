"""What a delivered file must be: a CSV file, perhaps compressed, whose header and rows fit the columns of its dataset.

Everything here reads streams of bytes, from S3 or from a disk, so that a file can be checked before it is uploaded.
"""

from __future__ import annotations

import csv
import functools
import gzip
import io
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, NotRequired, TypedDict

HEAD = 65_536  # bytes: room for a header and the rows from which types are inferred
_LONGEST_LINE = 2**20  # characters: all values of a row, of which a service takes some thousands each
_TIMES = {"yyyy-MM-dd": "%Y-%m-%d", "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S"}
_FOREIGN = {  # how files begin that people take for CSV
    b"PK": "an Excel workbook or another zip archive: save it as CSV (UTF-8)",
    b"PAR1": "a Parquet file: write it as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as CSV (UTF-8)",
    b"\xff\xfe": "text in UTF-16: save it as CSV (UTF-8)",
    b"\xfe\xff": "text in UTF-16: save it as CSV (UTF-8)",
}
_GZIP = b"\x1f\x8b"
_NUMBERS = ("float", "double", "integer", "int", "long")


class Refused(ValueError):
    """A file that cannot be imported; the message says what was found where, what is allowed, and what to do."""


@dataclass(frozen=True)
class Expected:
    """What the files of a kind of dataset must hold.

    columns           types by name: string, float, integer, timestamp and others
    keys              columns that no row may leave empty, the one that names what a row is about first
    identity          columns that tell rows apart; none: no row replaces another one
    checked           columns whose values must be of their type: others are the service's to judge
    header            whether each file needs one; otherwise it may have one
    others            whether a file may have other columns, which are then left out
    timestamp_format  of columns of type timestamp
    escape            the character that escapes quotes, where quotes are not doubled
    """

    kind: str
    columns: Mapping[str, str]
    keys: tuple[str, ...]
    identity: tuple[str, ...]
    checked: tuple[str, ...]
    header: bool
    others: bool
    timestamp_format: str = "yyyy-MM-dd"
    escape: str | None = None


class Layout(TypedDict):
    """How a file is read that is not as its dataset has it: JSON in the results bucket."""

    positions: NotRequired[list[int]]  # of the dataset's columns, where the file has others or another order
    gzip: NotRequired[bool]
    header: NotRequired[bool]
    skip: NotRequired[list[list[int]]]  # first and last of rows, from 1, that a newer file replaces


@dataclass(frozen=True)
class Head:
    """How a file begins: its first rows, empty ones left out, and the number of the first of them."""

    rows: list[list[str]]
    compressed: bool
    plain: bool  # without a byte order mark and without empty rows before the first one
    only: bool  # the file has no other rows


def is_folder(key: str) -> bool:
    """Whether an object only stands for a folder, as the S3 console makes them."""
    return key.endswith("/")


def is_data(key: str) -> bool:
    """Whether the name is that of a file that is read: everything else that is delivered is refused."""
    return key.lower().endswith((".csv", ".csv.gz"))


def refusal_by_name(name: str, size: int) -> str | None:
    """Why a file is refused whatever it holds, None if it is not."""
    if not is_data(name):
        return (
            f"{name} is not a CSV file by its name; allowed are names that end in .csv or .csv.gz: convert or rename it"
        )
    if size == 0:
        return f"{name} is empty (0 bytes); upload it again"
    return None


def is_plain_name(name: str) -> bool:
    """Whether Forecast reads a file of that name as it is: it refuses a name without a letter before its ending
    (docs/aws-sources.md#forecast-dataset-import-guidelines-troubleshooting), and one that ends in .gz promises another
    format."""
    stem, _, ending = name.rpartition("/")[2].rpartition(".")
    return ending.lower() == "csv" and has_letter(stem)


def has_letter(name: str) -> bool:
    return any(each.isalpha() for each in name)


def head(name: str, start: bytes, *, whole: bool, escape: str | None = None) -> Head:
    """The head of a file from its first bytes, `whole` if these are all. Raises Refused if it is no text."""
    if words := next((words for magic, words in _FOREIGN.items() if start.startswith(magic)), None):
        raise Refused(f"{name} is {words}")
    compressed = start.startswith(_GZIP)
    if compressed:
        start, whole = _unzipped(name, start)
    if b"\r" in start and b"\n" not in start:
        raise Refused(f"{name}: its lines end in CR alone, as old Macs wrote them; save it with LF or CRLF")
    text = _decoded(name, start) if whole else start.decode("utf-8-sig", errors="replace")
    found = list(csv.reader(io.StringIO(text, newline=""), escapechar=escape))
    if not whole and len(found) > 1:
        found.pop()  # it may be cut off
    rows = [row for row in found if row]
    plain = not compressed and not start.startswith(b"\xef\xbb\xbf") and bool(found) and bool(found[0])
    return Head(rows, compressed, plain, whole)


def _decoded(name: str, body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = body[: error.start].count(b"\n") + 1
        raise Refused(f"{name}, row {row}: it is not UTF-8 ({error.reason}); save it as CSV (UTF-8)") from None


def _unzipped(name: str, start: bytes) -> tuple[bytes, bool]:
    """The beginning of what is compressed, and whether that is all."""
    unzip = zlib.decompressobj(wbits=31)
    try:
        found = unzip.decompress(start, HEAD)
    except zlib.error as error:
        raise Refused(f"{name} is a broken gzip file ({error}); compress and upload it again") from None
    return found, unzip.eof


def layout(name: str, head: Head, expected: Expected) -> Layout | None:
    """How the file is to be read; None if it holds a header and no row.

    Raises Refused where the header lacks a column, names one twice or one that is not known, or where the first row
    has another number of columns.
    """
    if not head.rows:
        raise Refused(f"{name} has no rows; upload it again")
    first, wanted = head.rows[0], list(expected.columns)
    if not _is_header(first, expected):
        if expected.header:
            raise Refused(
                f"{name}, row 1 is not a header: {_shown(first)}; each file of {expected.kind} begins with a row of "
                f"its column names: {', '.join(wanted)}"
            )
        if len(first) != len(wanted):
            raise Refused(f"{name}, row 1: {_number(first, wanted)}")
        found: Layout = {"gzip": True} if head.compressed else {}
        return found
    positions = _positions(name, first, expected)
    if len(head.rows) == 1 and head.only:
        return None
    found = {"header": True}
    if head.compressed:
        found["gzip"] = True
    if first != wanted:
        found["positions"] = positions
    return found


def _is_header(row: Sequence[str], expected: Expected) -> bool:
    """A row is one that names, in any case, the first key or a column of numbers or times that are checked."""
    signs = {_folded(name) for name in (*expected.keys[:1], *expected.checked)}
    return not signs.isdisjoint(_folded(cell) for cell in row)


def _positions(name: str, header: Sequence[str], expected: Expected) -> list[int]:
    where, wanted = f"{name}, row 1", list(expected.columns)
    folded = [_folded(cell) for cell in header]
    allowed = f"the columns of {expected.kind} are {', '.join(wanted)}, in any order"
    unnamed = [at for at, cell in enumerate(folded) if not cell]
    if unnamed and not expected.others:
        if unnamed == [len(header) - 1]:
            comma = (
                f"ends with a comma, so that column {len(header)} has no name: remove the comma at the end of each row"
            )
            raise Refused(f"{where} {comma}; {allowed}")
        raise Refused(f"{where}: column {unnamed[0] + 1} has no name; {allowed}")
    if twice := sorted({cell for cell in folded if cell and folded.count(cell) > 1}):
        raise Refused(f"{where}: the header names {', '.join(twice)} more than once; {allowed}")
    missing = [column for column in wanted if _folded(column) not in folded]
    known = {_folded(column) for column in wanted}
    others = [] if expected.others else [cell for cell in header if cell and _folded(cell) not in known]
    if missing or others:
        problems = [f"{', '.join(missing)} {_are(missing)} missing"] if missing else []
        problems += [f"{', '.join(others)} {_are(others)} not known"] if others else []
        raise Refused(f"{where}: in the header {_shown(header)} {' and '.join(problems)}; {allowed}")
    return [folded.index(_folded(column)) for column in wanted]


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _number(row: Sequence[str], wanted: Sequence[str]) -> str:
    hint = "; separate values by commas" if len(row) == 1 and any(each in row[0] for each in ";\t|") else ""
    return f"{len(row)} values, but {len(wanted)} columns ({', '.join(wanted)}): {_shown(row)}{hint}"


def _shown(row: Sequence[str]) -> str:
    return repr(",".join(row)[:200])


def _folded(name: str) -> str:
    return name.strip().lower()


def rows(name: str, stream: IO[bytes], layout: Layout, escape: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file with their numbers from 1, in the order of the dataset's columns: without its header, empty
    rows, and rows that a newer file replaces. Raises Refused where it is not CSV in UTF-8."""
    opened: Any = gzip.GzipFile(fileobj=stream) if layout.get("gzip") else stream
    positions, skip = layout.get("positions"), layout.get("skip", [])
    header, width, number, passed = layout.get("header", False), 0, 0, 0
    try:
        text = io.TextIOWrapper(opened, encoding="utf-8-sig", newline="")
        # A longer line comes in parts, each a row of the wrong length or with a value that is too long.
        lines = iter(functools.partial(text.readline, _LONGEST_LINE), "")
        for number, row in enumerate(csv.reader(lines, escapechar=escape, strict=True), 1):
            if not row:
                continue
            if header:
                header, width = False, len(row)
                continue
            while passed < len(skip) and skip[passed][1] < number:
                passed += 1
            if passed < len(skip) and skip[passed][0] <= number:
                continue
            if positions:
                if len(row) != width:
                    raise Refused(f"{name}, row {number}: {len(row)} values, but {width} columns: {_shown(row)}")
                row = [row[at] for at in positions]
            yield number, row
    except UnicodeDecodeError as error:
        raise Refused(f"{name}, row {number + 1}: it is not UTF-8 ({error.reason}); save it as CSV (UTF-8)") from None
    except csv.Error as error:
        quotes = "unexpected end" in str(error) or '"' in str(error)
        what = "a quoted value does not end as it should" if quotes else "it is not CSV"
        raise Refused(f"{name}, row {number + 1}: {what} ({error})") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Refused(f"{name} is a broken gzip file ({error}); compress and upload it again") from None


def checked(name: str, stream: IO[bytes], layout: Layout, expected: Expected) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file as `rows` has them. Raises Refused at the first one that no service can import: with another
    number of values, without a key, or with a value of a checked column that is not of its type."""
    columns = list(expected.columns)
    keys = [(columns.index(key), key) for key in expected.keys]
    tests = [(columns.index(each), each, _test(expected, each)) for each in expected.checked]
    for number, row in rows(name, stream, layout, expected.escape):
        if len(row) != len(columns):
            raise Refused(f"{name}, row {number}: {_number(row, columns)}")
        for at, column in keys:
            if not row[at]:
                raise Refused(f"{name}, row {number}, {column}: '' is not a value: each row needs one")
        for at, column, wrong in tests:
            if allowed := wrong(row[at]):
                header = f" (a header names {', '.join(columns)})" if number == 1 else ""
                raise Refused(f"{name}, row {number}, {column}: {row[at][:200]!r} is not {allowed}{header}")
        yield number, row


def _test(expected: Expected, column: str) -> Callable[[str], str]:
    """What is allowed in the column, if a value is not; "" if it is."""
    kind, needed = expected.columns[column], column in expected.keys
    if kind == "timestamp":
        return functools.lru_cache(65_536)(functools.partial(_no_time, expected.timestamp_format))
    if kind in _NUMBERS:
        return functools.partial(_no_number, kind, needed)
    raise ValueError(f"{column}: values of type {kind} are not checked")


def _no_time(written: str, value: str) -> str:
    """Times without their zeros, such as 2025-1-2, are refused: text of one form alone sorts by time."""
    try:
        right = datetime.strptime(value, _TIMES[written]).strftime(_TIMES[written]) == value
    except ValueError:
        right = False
    return "" if right else f"a timestamp of the form {written}"


def _no_number(kind: str, needed: bool, value: str) -> str:
    if not value and not needed:
        return ""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in value or not value.isascii():
        return f"a finite number ({kind}{'' if needed else '; a missing value is left empty'})"
    return "an integer" if kind in ("integer", "int", "long") and number % 1 else ""


Keys = Callable[[], Iterator[tuple[int, tuple[str, ...]]]]  # the numbers and the keys of a file's rows


class Superseded:
    """The rows whose keys a newer file has too, by file as ranges of row numbers; and how many, by both files."""

    def __init__(self) -> None:
        self.rows: dict[str, list[list[int]]] = {}
        self.counts: Counter[tuple[str, str]] = Counter()  # by older and newer file


def superseded(files: Sequence[tuple[str, Keys]], rows: int, most: int = 1_000_000) -> Superseded:
    """`files` come with the newest first, and hold `rows` rows in all.

    At most about `most` keys are in memory at a time, of some 150 bytes each; for more rows the files are read several
    times.
    """
    found, parts = Superseded(), rows // most + 1
    numbers: dict[str, list[int]] = {name: [] for name, _ in files}
    for part in range(parts):
        seen: dict[int, int] = {}  # the newest file that has a key, by the key's hash
        for at, (name, keys) in enumerate(files):
            for number, key in keys():
                hashed = hash(key)
                if hashed % parts != part:
                    continue
                newest = seen.setdefault(hashed, at)
                if newest != at:
                    numbers[name].append(number)
                    found.counts[name, files[newest][0]] += 1
    found.rows = {name: _ranges(sorted(of)) for name, of in numbers.items() if of}
    return found


def _ranges(numbers: Sequence[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
