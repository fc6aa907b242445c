"""The index of a published forecast: where in its files the rows of each series are, so that one item's forecast takes
two small reads of S3 whatever the number of series.

`<folder>/00000.json` and so on hold a share of the series each, by a hash of their names:
`{"files": [key, ...], "series": {name: [[file, first byte, last byte], ...]}}`. The rows stay where Athena reads them.
"""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence

from common.clients import client
from common.store import put_text
from forecasting.history import Key, lower
from forecasting.payload import Lookup

_SERIES = 1000  # of a part, about 60 KB
_SEPARATOR = "\x1f"  # between an item and the values of its dimensions


def write(bucket: str, keys: Sequence[str], columns: Sequence[str], dimensions: Sequence[str], folder: str) -> Lookup:
    """Index CSV files whose columns are `columns`, the item first. One row is in memory at a time."""
    places = [columns.index(name) for name in (columns[0], *dimensions)]
    found: dict[str, list[list[int]]] = {}
    for at, key in enumerate(keys):
        for name, first, last in _spans(bucket, key, places):
            spans = found.setdefault(name, [])
            if spans and spans[-1][0] == at and spans[-1][2] + 1 == first:
                spans[-1][2] = last
            else:
                spans.append([at, first, last])
    parts = max(1, -(-len(found) // _SERIES))
    shares: list[dict[str, list[list[int]]]] = [{} for _ in range(parts)]
    for name, spans in found.items():
        shares[_part(name, parts)][name] = spans
    for number, share in enumerate(shares):
        put_text(bucket, f"{folder}{number:05d}.json", json.dumps({"files": keys, "series": share}))
    return {"folder": folder, "parts": parts, "columns": list(columns), "dimensions": list(dimensions)}


def part_of(lookup: Lookup, key: Sequence[str]) -> tuple[str, str]:
    """The object that knows a series, and the series' name in it."""
    name = _SEPARATOR.join(lower(key))
    return f"{lookup['folder']}{_part(name, lookup['parts']):05d}.json", name


def _part(name: str, parts: int) -> int:
    return zlib.crc32(name.encode()) % parts


def _spans(bucket: str, key: str, places: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """The name of each row's series, and the row's first and last byte."""
    lines = _Lines(io.BufferedReader(client("s3").get_object(Bucket=bucket, Key=key)["Body"]))
    rows = csv.reader(lines)
    next(rows, None)
    first = lines.read
    for row in rows:
        if row:
            series: Key = lower(row[place] for place in places)
            yield _SEPARATOR.join(series), first, lines.read - 1
        first = lines.read


class _Lines:
    """The lines of a file as text, and how many bytes of it were read: a quoted value may hold a line break."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body, self.read = body, 0

    def __iter__(self) -> Iterator[str]:
        for line in self._body:
            self.read += len(line)
            yield line.decode()
