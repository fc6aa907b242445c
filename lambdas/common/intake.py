"""The check of delivered files before anything is imported: which are read and how, which are refused and why.

Every file is judged alone and read in full: one bad file stops no other, and all bad ones are named at once. Memory
does not grow with the rows.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Protocol

from common import tables
from common.tables import HEAD, Expected, Head, Layout, Refused

Rows = Iterator[tuple[int, list[str]]]  # with their numbers in the file, from 1
Expecting = Callable[[str, Head], Expected]  # what a file must hold, by its name and head; raises Refused
Watch = Callable[["File", Rows, Expected], Rows]  # sees the rows that pass by

_NAMED = 10  # pairs of files that notes name


class File(Protocol):
    """A delivered file, in S3 or on a disk; `name` is what messages call it."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def modified(self) -> datetime: ...

    def start(self, most: int) -> bytes:
        """Its first bytes."""

    def stream(self) -> IO[bytes]:
        """All of it, buffered."""


@dataclass
class Checked:
    """What was found, by the names of the files."""

    expected: Expected | None = None  # None: no file was accepted
    layouts: dict[str, Layout] = field(default_factory=dict)  # of the files that are read
    clean: set[str] = field(default_factory=set)  # those that begin with their first row, uncompressed
    plain: set[str] = field(
        default_factory=set
    )  # those of them with a name that Forecast takes, and the columns in their order and case, if named
    refused: dict[str, str] = field(default_factory=dict)  # why
    headers: dict[str, list[str]] = field(default_factory=dict)  # as they are written
    without_rows: list[str] = field(default_factory=list)  # a header and nothing else
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)  # of rows, by file

    def left(self, name: str) -> int:
        """How many rows of the file no newer file replaces."""
        return self.counts[name] - sum(last - first + 1 for first, last in self.layouts[name].get("skip", []))


def number(count: int, what: str) -> str:
    """Such as "1 row" or "2,000 rows"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def by_name(files: Sequence[File]) -> dict[str, str]:
    """The files that are refused for their name or size alone, and why."""
    found = {file.name: tables.refusal_by_name(file.name, file.size) for file in files}
    return {name: why for name, why in found.items() if why}


def check(files: Sequence[File], expecting: Expecting, *, newest_counts: bool, watch: Watch | None = None) -> Checked:
    """What becomes of the files of one kind of dataset, those that were imported before first: where the columns are
    inferred, they are those of the first good one.

    With `newest_counts` rows that are in several files are read from the newest one alone.
    """
    found, spans = Checked(), {}
    for file in files:
        try:
            start = file.start(HEAD)
            head = tables.head(file.name, start, whole=file.size <= HEAD)
            expected = found.expected or expecting(file.name, head)
            layout = tables.layout(file.name, head, expected)
            if layout is None:
                found.without_rows.append(file.name)
                continue
            body = io.BytesIO(start) if file.size <= HEAD else file.stream()
            rows = tables.checked(file.name, body, layout, expected)
            count, span = _read(watch(file, rows, expected) if watch else rows, expected)
        except Refused as refused:
            found.refused[file.name] = str(refused)
            continue
        if not count:
            found.without_rows.append(file.name)
            continue
        found.expected, found.counts[file.name] = expected, count
        found.layouts[file.name], spans[file.name] = layout, span
        if layout.get("header"):
            found.headers[file.name] = head.rows[0]
        if head.plain:
            found.clean.add(file.name)
        if head.plain and tables.is_plain_name(file.name) and not layout.keys() - {"header"}:
            found.plain.add(file.name)
    if newest_counts and found.expected and found.expected.identity:
        _supersede(found, files, spans)
    found.notes += [f"{name} holds a header and no row: nothing is read from it" for name in found.without_rows]
    return found


Span = tuple[str, str] | None  # the first and the last time in a file, as it is written, which sorts


def _read(rows: Rows, expected: Expected) -> tuple[int, Span]:
    """How many rows there are, and from when to when."""
    times = [name for name, kind in expected.columns.items() if kind == "timestamp"]
    at, count = list(expected.columns).index(times[0]) if times else None, 0
    first, last = "~", ""
    for _, row in rows:
        count += 1
        if at is not None:
            first, last = min(first, row[at]), max(last, row[at])
    return count, (first, last) if at is not None and count else None


def _supersede(found: Checked, files: Sequence[File], spans: dict[str, Span]) -> None:
    """Note in the layouts which rows a newer file replaces. Only files whose times overlap are read again."""
    overlapping = _overlapping(spans)
    if not overlapping or found.expected is None:
        return
    expected = found.expected
    at = [list(expected.columns).index(name) for name in expected.identity]

    def keys(file: File) -> tables.Keys:
        def of_rows() -> Iterator[tuple[int, tuple[str, ...]]]:
            for number, row in tables.rows(file.name, file.stream(), found.layouts[file.name], expected.escape):
                yield number, tuple(row[each] for each in at)

        return of_rows

    newest_first = sorted(
        (file for file in files if file.name in overlapping), key=lambda file: (file.modified, file.name), reverse=True
    )
    result = tables.superseded([(file.name, keys(file)) for file in newest_first], sum(found.counts.values()))
    for name, ranges in result.rows.items():
        found.layouts[name]["skip"] = ranges
        found.plain.discard(name)
    noted = [
        f"{number(count, 'row')} of {older} {'is' if count == 1 else 'are'} in {newer} too: the newer file counts; to "
        "add them up, write overlap: sum"
        for (older, newer), count in sorted(result.counts.items())
    ]
    rest = sum(sorted(result.counts.values())) - sum(count for _, count in sorted(result.counts.items())[:_NAMED])
    found.notes += noted[:_NAMED] + ([f"{rest:,} rows of other files are in newer files too"] if rest else [])


def _overlapping(spans: dict[str, Span]) -> set[str]:
    """The files whose times another file's times overlap; all, where rows have no time."""
    times = sorted((span, name) for name, span in spans.items() if span)
    if len(times) < len(spans):
        return set(spans) if len(spans) > 1 else set()
    found: set[str] = set()
    end, latest = "", ""  # of the files so far, the last time and whose it is
    for (first, last), name in times:
        if latest and first <= end:
            found |= {name, latest}
        if last > end:
            end, latest = last, name
    return found
