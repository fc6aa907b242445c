"""The files of a request as rows of Spark: read and checked in parallel, a task for each file or part of a large one.

All kinds of rows share one table, so that a single shuffle brings together all that belongs to a series:

kind               target, related, metadata, weights; bad and note of what is remarked on a file
place              a hash of the series' keys, which says to which chunk it belongs
k0 ...             the keys; what is remarked
timestamp          the aligned time step
v0 ..., m0 ...     numbers and texts
count, seen, file  of a target's row, which sums up all rows of a time step in its file: their number, the time of
                   the first, and the file's number, with the part of a large file behind the point
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import accumulate, groupby
from typing import Any

import numpy as np
import pandas as pd
from pyspark.accumulators import Accumulator
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as spark_types

from storecast_engines.distributed.documents import JobFailed, Request
from storecast_engines.distributed.storage import Storage
from storecast_engines.files import FileError, Layout, time_series
from storecast_engines.forecasting import frequency
from storecast_engines.forecasting.panel import TARGET_DEFAULTS

BAD, NOTE = "bad", "note"  # kinds of rows that are about a file, in k0
WEIGHTS = "weights"  # of a predictor, for a series
PART = 64 * 2**20  # bytes of a file that a task reads; frames take some ten times as much
REQUESTS = 16  # at a time, for the sizes of files
BATCH = 100_000  # rows that a task hands on at a time
# How the parts of a time step that lie in several files, or were aggregated in one, are put together.
COMBINE = {"sum": "sum", "avg": "sum", "min": "min", "max": "max", "first": "first"}


@dataclass(frozen=True)
class Columns:
    """The table's columns: how many keys, numbers and texts."""

    keys: int
    values: int
    texts: int

    @classmethod
    def of(cls, request: Request, weights: int) -> Columns:
        """`weights` is the number of a predictor's weights of one series."""
        related, metadata = request.related, request.metadata
        return cls(
            len(request.keys),
            max(1, weights, len(related_names(request)) if related else 0),
            len(metadata_names(request)) if metadata else 0,
        )

    def names(self, letter: str, count: int) -> list[str]:
        return [f"{letter}{at}" for at in range(count)]

    @property
    def key_names(self) -> list[str]:
        return self.names("k", self.keys)

    @property
    def value_names(self) -> list[str]:
        return self.names("v", self.values)

    @property
    def text_names(self) -> list[str]:
        return self.names("m", self.texts)

    @property
    def schema(self) -> spark_types.StructType:
        text, number, moment = spark_types.StringType(), spark_types.DoubleType(), spark_types.TimestampType()
        found = spark_types.StructType().add("kind", text).add("place", spark_types.LongType())
        for name in self.key_names:
            found = found.add(name, text)
        found = found.add("timestamp", moment)
        for name in self.value_names:
            found = found.add(name, number)
        for name in self.text_names:
            found = found.add(name, text)
        return found.add("count", number).add("seen", moment).add("file", number)

    def rows(self, kind: str, **given: Any) -> pd.DataFrame:
        """A frame of the table; columns that are not given are null."""
        frame = pd.DataFrame(given)
        frame["kind"] = kind
        empty = {"place": pd.NA, "timestamp": pd.NaT, "seen": pd.NaT, "count": np.nan, "file": np.nan}
        for name in self.schema.names:
            if name not in frame:
                frame[name] = empty.get(name, np.nan if name.startswith("v") else None)
        frame = frame.astype({"place": "Int64", "timestamp": "datetime64[ns]", "seen": "datetime64[ns]"})
        return frame[self.schema.names]


def related_names(request: Request) -> list[str]:
    """The numbers of the related series."""
    assert request.related is not None
    return [name for name in request.related.columns if name not in {*request.keys, "timestamp"}]


def metadata_names(request: Request) -> list[str]:
    assert request.metadata is not None
    return [name for name in request.metadata.columns if name != request.item]


def place_of(keys: pd.DataFrame) -> np.ndarray:
    """(n,) a number of 63 bits for the keys of each row, the same wherever and whenever it is computed."""
    joined = keys.iloc[:, 0].astype(str)
    for name in keys.columns[1:]:
        joined = joined + "\x1f" + keys[name].astype(str)
    hashed = pd.util.hash_array(joined.to_numpy(dtype=object), categorize=True)
    return (hashed >> np.uint64(1)).astype(np.int64)


@dataclass(frozen=True)
class Piece:
    """What one task reads: a file, or the bytes from `first` to `last` of a large one, which begin with row `row`."""

    kind: str
    number: float  # of the file among those of its kind; the share of the file before a part comes behind the point
    uri: str
    first: int = 0
    last: int | None = None
    row: int = 1


@dataclass(frozen=True)
class Reader:
    """Reads pieces of the files of a request; it is sent to the executors."""

    request: Request
    columns: Columns
    storage: Storage
    done: Accumulator[int]

    def __call__(self, batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Rows of the pieces; a bad one becomes a row that says what is wrong."""
        for batch in batches:
            for piece in (Piece(**each) for text in batch["piece"] for each in [json.loads(text)]):
                yield from self._rows(piece)
                self.done.add(1)

    def _rows(self, piece: Piece) -> Iterator[pd.DataFrame]:
        try:
            frame = self._read(piece)
        except FileError as error:
            about = {name: getattr(error, name) for name in ("row", "column", "value", "allowed")}
            bad = {"kind": piece.kind, "file": piece.uri, "message": str(error), **about}
            yield self.columns.rows(BAD, k0=[json.dumps(bad, default=str)], file=[piece.number])
            return
        if piece.kind == "target" and self.request.counted:
            note = time_series.below_zero(piece.uri, frame[self.request.value])
            if note:
                yield self.columns.rows(NOTE, k0=[note], file=[piece.number])
        made = getattr(self, f"_{piece.kind}")(frame, piece.number)
        for start in range(0, len(made), BATCH):
            yield made[start : start + BATCH]

    def _read(self, piece: Piece) -> pd.DataFrame:
        kind, uri = piece.kind, piece.uri
        if kind == WEIGHTS:
            return pd.read_parquet(io.BytesIO(self.storage.read(uri)))
        source = self.request.sources[kind]
        kinds = source.columns
        keys = [name for name, of in kinds.items() if of == "string" and (kind != "metadata" or name == self._item)]
        layout = Layout(kinds, source.timestamp_format, keys, self.request.value if self.request.counted else None)
        try:
            body = self.storage.read(uri, piece.first, piece.last)
        except FileNotFoundError:
            raise FileError(f"{uri} is not there any more", file=uri) from None
        if uri.endswith(".parquet"):
            return time_series.read_parquet(uri, body, layout)
        return time_series.read_csv(uri, body, layout, piece.row)

    @property
    def _item(self) -> str:
        return self.request.item

    def _target(self, frame: pd.DataFrame, number: float) -> pd.DataFrame:
        """One row for each series and time step of the file."""
        request, key_names = self.request, self.columns.key_names
        rows = frame.dropna(subset=[request.value]).sort_values("timestamp", kind="stable")
        keys = rows[request.keys].astype(str).set_axis(key_names, axis=1)
        rows = keys.assign(seen=rows["timestamp"], timestamp=self._aligned(rows), v0=rows[request.value])
        grouped = rows.groupby([*key_names, "timestamp"], sort=False)
        cells = grouped.agg(v0=("v0", COMBINE[aggregation(request)]), count=("v0", "size"), seen=("seen", "first"))
        cells = cells.reset_index()
        made = {name: cells[name] for name in cells}
        return self.columns.rows("target", **made, place=place_of(cells[key_names]), file=number)

    def _related(self, frame: pd.DataFrame, number: float) -> pd.DataFrame:
        """Never aggregated. A row without all keys counts for several series: its place is found later."""
        request = self.request
        given = {f"k{at}": frame[name].astype(str) for at, name in enumerate(request.keys) if name in frame}
        for at, name in enumerate(related_names(request)):
            given[f"v{at}"] = frame[name]
        if all(name in frame for name in request.keys):
            given["place"] = place_of(frame[request.keys].astype(str))
        return self.columns.rows("related", **given, timestamp=self._aligned(frame), file=number)

    def _metadata(self, frame: pd.DataFrame, number: float) -> pd.DataFrame:
        texts = {f"m{at}": frame[name].fillna("").astype(str) for at, name in enumerate(metadata_names(self.request))}
        item = frame[self._item].astype(str)
        made = self.columns.rows("metadata", k0=item, **texts, file=number, count=frame.index.astype(float))
        return made if self.request.dimensions else made.assign(place=place_of(made[["k0"]]))

    def _weights(self, frame: pd.DataFrame, number: float) -> pd.DataFrame:
        keys = frame[self.request.keys].set_axis(self.columns.key_names, axis=1)
        numbers = frame.filter(regex=r"^w\d+$").rename(columns=lambda name: f"v{name[1:]}")
        made = {**{name: keys[name] for name in keys}, **{name: numbers[name] for name in numbers}}
        return self.columns.rows(WEIGHTS, **made, place=place_of(keys), file=number)

    def _aligned(self, frame: pd.DataFrame) -> pd.Series:
        times = pd.DatetimeIndex(frame["timestamp"])
        return pd.Series(frequency.align(times, self.request.frequency, self.request.boundary), index=frame.index)


def aggregation(request: Request) -> str:
    """How the target's values of a time step become one."""
    return {**TARGET_DEFAULTS, **request.filling.get(request.value, {})}["aggregation"]


def pieces_of(spark: SparkSession, request: Request, storage: Storage, weights: Sequence[str]) -> list[Piece]:
    """What the tasks read: all files of the request and those of a predictor's weights, large CSV files in parts."""
    named = {kind: source.files for kind, source in request.sources.items()} | {WEIGHTS: list(weights)}
    whole = [Piece(kind, float(number), uri) for kind, uris in named.items() for number, uri in enumerate(uris)]
    with ThreadPoolExecutor(REQUESTS) as pool:
        sizes = list(pool.map(partial(_size, storage), (each.uri for each in whole)))
    ranges = [
        (at, start, min(start + PART, size) - 1)
        for at, size in enumerate(sizes)
        if size > PART and whole[at].kind != WEIGHTS and not whole[at].uri.endswith(".parquet")
        for start in range(0, size, PART)
    ]
    if not ranges:
        return whole
    uris = [each.uri for each in whole]
    looked = spark.sparkContext.parallelize(ranges, len(ranges)).map(partial(_lines, storage, uris)).collect()
    parts = {at: list(of) for at, of in groupby(looked, key=lambda found: found.file)}
    return [piece for at, each in enumerate(whole) for piece in (_split(each, parts[at]) if at in parts else [each])]


@dataclass(frozen=True)
class _Lines:
    """Of a range of a file: how many line breaks it has, where the first one is, and whether it has quotes."""

    file: int
    first: int
    last: int
    breaks: int
    first_break: int
    quotes: bool


def _lines(storage: Storage, uris: Sequence[str], part: tuple[int, int, int]) -> _Lines:
    at, first, last = part
    body = storage.read(uris[at], first, last)
    return _Lines(at, first, last, body.count(b"\n"), first + body.find(b"\n"), b'"' in body)


def _split(piece: Piece, ranges: Sequence[_Lines]) -> list[Piece]:
    """A piece for each range of the file, from its first line that begins there. A file with quotes stays whole, as a
    line break may be part of a value, and so does one with a line longer than a range."""
    if any(each.quotes or not each.breaks for each in ranges):
        return [piece]
    starts = [0, *(each.first_break + 1 for each in ranges[1:])]
    before = [0, *accumulate(each.breaks for each in ranges)]
    rows = [1, *(count + 2 for count in before[1:-1])]
    lasts = [*(start - 1 for start in starts[1:]), ranges[-1].last]
    return [
        replace(piece, number=piece.number + at / len(ranges), first=first, last=last, row=row)
        for at, (first, last, row) in enumerate(zip(starts, lasts, rows))
        if first <= last
    ]


def _size(storage: Storage, uri: str) -> int:
    """0 for a file that cannot be looked at: the task that reads it says why."""
    try:
        return storage.size(uri)
    except (FileNotFoundError, JobFailed):
        return 0


def read(spark: SparkSession, pieces: Sequence[Piece], reader: Reader) -> DataFrame:
    """The rows of all pieces."""
    texts = [(json.dumps(asdict(each)),) for each in pieces]
    listed = spark.createDataFrame(spark.sparkContext.parallelize(texts, len(texts)), "piece string")
    return listed.mapInPandas(reader, reader.columns.schema)


def combined(rows: pd.DataFrame, columns: Columns, how: str) -> pd.DataFrame:
    """Target rows with one row for each series and time step, whose parts may lie in several files."""
    ordered = rows.sort_values(["seen", "file"], kind="stable")
    grouped = ordered.groupby([*columns.key_names, "timestamp"], sort=False)
    cells = grouped.agg(v0=("v0", COMBINE[how]), count=("count", "sum")).reset_index()
    return cells.assign(v0=cells["v0"] / cells["count"]) if how == "avg" else cells
