"""What the header and the first rows of a CSV file say: of which kind of dataset it is, and what its columns are."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storecast.client.aws import Problem

SAMPLE = 20_000  # rows that are looked at
KINDS = ("target", "related", "metadata", "interactions", "items", "users")
FORMATS = {"yyyy-MM-dd": "%Y-%m-%d", "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S"}
# How columns are often called, by what they are.
ITEM = ("item_id", "item", "sku", "product_id", "product", "article", "article_id", "instance_type", "metric_name")
TIME = ("timestamp", "date", "day", "week", "month", "time", "datetime", "ds", "order_date")
VALUE = ("demand", "target_value", "quantity", "qty", "units", "sales", "sold", "units_sold", "value", "y", "volume")
USER = ("user_id", "user", "customer_id", "customer", "visitor_id", "household_id")
_DAY = 86_400


@dataclass(frozen=True)
class Sample:
    """The first rows of a file. `columns` are the header's names, or made up by place where there is none."""

    path: Path
    columns: tuple[str, ...]
    has_header: bool
    rows: tuple[tuple[str, ...], ...]

    def values(self, column: str) -> list[str]:
        at = self.columns.index(column)
        return [row[at] for row in self.rows if len(row) > at and row[at]]

    def find(self, names: Sequence[str]) -> str | None:
        """The first of these names that is a column, as the file writes it."""
        spelled = {column.lower(): column for column in reversed(self.columns)}
        return next((spelled[name] for name in names if name in spelled), None)

    def numbers(self) -> list[str]:
        return [column for column in self.columns if is_number(self.values(column))]


def sample(path: Path) -> Sample:
    """Raises Problem for a file that is no CSV with commas."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            text = io.TextIOWrapper(gzip.GzipFile(fileobj=file) if packed else file, encoding="utf-8-sig", newline="")
            read = [tuple(row) for row in itertools.islice(csv.reader(text), SAMPLE) if row]
    except (UnicodeDecodeError, csv.Error, OSError, EOFError) as error:
        raise Problem(f"{path}: {error}", "save it as CSV in UTF-8") from None
    if not read:
        raise Problem(f"{path} has no rows", "name a file with data")
    if len(read[0]) == 1 and any(each in read[0][0] for each in ";\t|"):
        raise Problem(f"{path}, row 1: {read[0][0][:80]!r} has one value", "separate values by commas")
    has_header = _is_header(read)
    first = read[0] if has_header else tuple(f"column_{at}" for at in range(1, len(read[0]) + 1))
    rows = tuple(read[1:] if has_header else read)
    if not rows:
        raise Problem(f"{path} has a header and no row", "name a file with data")
    return Sample(path, tuple(cell.strip() for cell in first), has_header, rows)


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """A header has names above numbers and times, or known ones; a row of texts over texts says nothing by itself."""
    if any(_looks_like_data(cell) for cell in rows[0]):
        return False
    known = {cell.strip().lower() for cell in rows[0]} & {*ITEM, *TIME, *VALUE, *USER}
    return bool(known) or any(_looks_like_data(cell) for row in rows[1:2] for cell in row)


def _looks_like_data(cell: str) -> bool:
    return is_number([cell]) or bool(re.match(r"\d{4}-\d\d-\d\d", cell)) if cell else True


def is_number(values: Sequence[str]) -> bool:
    try:
        return bool(values) and all(math.isfinite(float(value)) for value in values)
    except ValueError:
        return False


def is_time(values: Sequence[str]) -> bool:
    return bool(values) and all(re.match(r"\d{4}-\d\d?-\d\d?|\d\d?[./]\d\d?[./]\d{2,4}", each) for each in values[:100])


def kind_of(found: Sample, given: str | None) -> str:
    """As it is given, or as a folder around the file or its name says, or else by its columns. Raises Problem."""
    if given:
        return given
    folders = [part for part in reversed(found.path.parts[:-1]) if part in KINDS]
    named = [kind for kind in KINDS if found.path.name.lower().startswith(kind)]
    if folders or named:
        return (folders + named)[0]
    user, item = found.find(USER), found.find(ITEM)
    time = time_of(found)
    if user and item:
        return "interactions"
    if user:
        return "users"
    if time and (not found.has_header or found.find(VALUE)):
        return "target"
    if time and item:
        return "related"
    if item:
        return "items" if item.isupper() or found.find(("price", "category_l1", "genres")) else "metadata"
    raise Problem(
        f"{found.path}: its columns {', '.join(found.columns)} don't say of which kind of dataset it is",
        f"say --kind, one of {', '.join(KINDS)}, or put it into a folder of that name",
    )


def by_kind(paths: Sequence[Path], kinds: Sequence[str], given: str | None) -> dict[str, list[Path]]:
    """Files by their kinds, as a run's check sorts them; of a file that is named and lies in no folder of a kind, its
    columns decide. Raises Problem for a kind that the dataset has not."""
    from infra import files

    found: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        of = given
        if of is None and path.is_file() and not files.kinds_named(path, kinds):
            of = kind_of(sample(path), None)
        if of is not None and of not in kinds:
            raise Problem(f"{path}: {of}, which the dataset has not", f"it has {', '.join(kinds)}: say --kind")
        for kind, several in files.by_kind([path], kinds, of).items():
            found[kind] += several
    return found


def time_of(found: Sample) -> str | None:
    """The column of the time: by its name, or by what it holds."""
    named = found.find(TIME)
    return named or next((column for column in found.columns if is_time(found.values(column))), None)


def timestamp_format(values: Sequence[str]) -> str | None:
    """Of the two that a pipeline takes; None if it is another one."""
    for name, written in FORMATS.items():
        try:
            if all(datetime.strptime(value, written).strftime(written) == value for value in values):
                return name
        except ValueError:
            continue
    return None


def frequency(times: Iterable[datetime]) -> str:
    """The time between steps: the largest that all of them are apart by."""
    ordered = sorted(set(times))
    gaps = [int((later - earlier).total_seconds()) for earlier, later in itertools.pairwise(ordered)]
    if not gaps:
        return "D"
    apart = math.gcd(*gaps)
    if apart % _DAY == 0:
        return _of_days(ordered, apart // _DAY)
    if apart % 3600 == 0:
        hours = apart // 3600
        return "H" if hours == 1 else f"{hours}H" if hours < 24 else "H"
    minutes = apart // 60
    return f"{minutes}min" if 1 <= minutes < 60 and apart % 60 == 0 else "1min"


def _of_days(ordered: Sequence[datetime], days: int) -> str:
    firsts = {each.day for each in ordered}
    months = sorted({each.year * 12 + each.month for each in ordered})
    if len(firsts) == 1 and len(months) == len(ordered) > 1:
        apart = math.gcd(*(later - earlier for earlier, later in itertools.pairwise(months)))
        return "Y" if apart % 12 == 0 else "M" if apart == 1 else f"{apart}M"
    if days % 7 == 0:
        weeks = days // 7
        return "W" if weeks == 1 or weeks > 4 else f"{weeks}W"
    return "D" if days == 1 or days > 6 else f"{days}D"


def longest(found: Sample, item: str, time: str) -> int:
    """How many time steps the longest series of the sample has."""
    moments = defaultdict(set)
    at, when = found.columns.index(item), found.columns.index(time)
    for row in found.rows:
        if len(row) > max(at, when):
            moments[row[at]].add(row[when])
    return max(map(len, moments.values()), default=0)


def has_gaps(found: Sample, item: str, time: str) -> bool:
    """Whether a series lacks a time step that others have in the middle of it."""
    at, when = found.columns.index(item), found.columns.index(time)
    every = sorted(set(found.values(time)))
    place = {moment: number for number, moment in enumerate(every)}
    of_item: dict[str, list[int]] = defaultdict(list)
    for row in found.rows:
        if len(row) > max(at, when) and row[when] in place:
            of_item[row[at]].append(place[row[when]])
    return any(max(each) - min(each) + 1 > len(set(each)) for each in of_item.values())
