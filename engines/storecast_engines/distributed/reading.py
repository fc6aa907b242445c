"""The files of a request as rows of Spark: read and checked in parallel, a task for each file.

All kinds of rows share one table, so that a single shuffle brings together all that belongs to a series:

kind               target, related, metadata, weights; bad and note of what is remarked on a file
place              a hash of the series' keys, which says to which chunk it belongs
k0 ...             the keys; what is remarked
timestamp          the aligned time step
v0 ..., m0 ...     numbers and texts
count, seen, file  of a target's row, which sums up all rows of a time step in its file: their number, the time of
                   the first, and the file's number
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as spark_types

from storecast_engines.distributed.documents import Request
from storecast_engines.distributed.storage import Storage
from storecast_engines.files import FileError, Layout, time_series
from storecast_engines.forecasting import frequency
from storecast_engines.forecasting.panel import TARGET_DEFAULTS

BAD, NOTE = "bad", "note"  # kinds of rows that are about a file, in k0
WEIGHTS = "weights"  # of a predictor, for a series
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
class Reader:
    """Reads files of a request; it is sent to the executors."""

    request: Request
    columns: Columns
    storage: Storage

    def __call__(self, batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Rows of the files (kind, number, uri); a bad file becomes one row that says what is wrong."""
        for batch in batches:
            for kind, number, uri in batch[["kind", "number", "uri"]].itertuples(index=False, name=None):
                try:
                    frame = self._read(kind, uri)
                except FileError as error:
                    about = {name: getattr(error, name) for name in ("row", "column", "value", "allowed")}
                    bad = json.dumps({"kind": kind, "file": uri, "message": str(error), **about}, default=str)
                    yield self.columns.rows(BAD, k0=[bad])
                    continue
                if kind == "target" and self.request.counted:
                    note = time_series.below_zero(uri, frame, self.request.value)
                    if note:
                        yield self.columns.rows(NOTE, k0=[note])
                made = getattr(self, f"_{kind}")(frame, number)
                for start in range(0, len(made), BATCH):
                    yield made[start : start + BATCH]

    def _read(self, kind: str, uri: str) -> pd.DataFrame:
        if kind == WEIGHTS:
            return pd.read_parquet(io.BytesIO(self.storage.read(uri)))
        source = self.request.sources[kind]
        kinds = source.columns
        keys = [name for name, of in kinds.items() if of == "string" and (kind != "metadata" or name == self._item)]
        layout = Layout(kinds, source.timestamp_format, keys, self.request.value if self.request.counted else None)
        try:
            body = self.storage.read(uri)
        except FileNotFoundError:
            raise FileError(f"{uri} is not there any more", file=uri) from None
        reader = time_series.read_parquet if uri.endswith(".parquet") else time_series.read_csv
        return reader(uri, body, layout)

    @property
    def _item(self) -> str:
        return self.request.item

    def _target(self, frame: pd.DataFrame, number: int) -> pd.DataFrame:
        """One row for each series and time step of the file."""
        request, key_names = self.request, self.columns.key_names
        rows = frame.dropna(subset=[request.value]).sort_values("timestamp", kind="stable")
        keys = rows[request.keys].astype(str).set_axis(key_names, axis=1)
        rows = keys.assign(seen=rows["timestamp"], timestamp=self._aligned(rows), v0=rows[request.value])
        grouped = rows.groupby([*key_names, "timestamp"], sort=False)
        cells = grouped.agg(v0=("v0", COMBINE[aggregation(request)]), count=("v0", "size"), seen=("seen", "first"))
        cells = cells.reset_index()
        made = {name: cells[name] for name in cells}
        return self.columns.rows("target", **made, place=place_of(cells[key_names]), file=float(number))

    def _related(self, frame: pd.DataFrame, number: int) -> pd.DataFrame:
        """Never aggregated. A row without all keys counts for several series: its place is found later."""
        request = self.request
        given = {f"k{at}": frame[name].astype(str) for at, name in enumerate(request.keys) if name in frame}
        for at, name in enumerate(related_names(request)):
            given[f"v{at}"] = frame[name]
        if all(name in frame for name in request.keys):
            given["place"] = place_of(frame[request.keys].astype(str))
        return self.columns.rows("related", **given, timestamp=self._aligned(frame), file=float(number))

    def _metadata(self, frame: pd.DataFrame, number: int) -> pd.DataFrame:
        texts = {f"m{at}": frame[name].fillna("").astype(str) for at, name in enumerate(metadata_names(self.request))}
        item = frame[self._item].astype(str)
        made = self.columns.rows("metadata", k0=item, **texts, file=float(number), count=frame.index.astype(float))
        return made if self.request.dimensions else made.assign(place=place_of(made[["k0"]]))

    def _weights(self, frame: pd.DataFrame, number: int) -> pd.DataFrame:
        keys = frame[self.request.keys].set_axis(self.columns.key_names, axis=1)
        numbers = frame.filter(regex=r"^w\d+$").rename(columns=lambda name: f"v{name[1:]}")
        made = {**{name: keys[name] for name in keys}, **{name: numbers[name] for name in numbers}}
        return self.columns.rows(WEIGHTS, **made, place=place_of(keys), file=float(number))

    def _aligned(self, frame: pd.DataFrame) -> pd.Series:
        times = pd.DatetimeIndex(frame["timestamp"])
        return pd.Series(frequency.align(times, self.request.frequency, self.request.boundary), index=frame.index)


def aggregation(request: Request) -> str:
    """How the target's values of a time step become one."""
    return {**TARGET_DEFAULTS, **request.filling.get(request.value, {})}["aggregation"]


def read(
    spark: SparkSession, request: Request, columns: Columns, storage: Storage, weights: Sequence[str] = ()
) -> DataFrame:
    """The rows of all files of the request, and of the files of a predictor's weights."""
    named = {kind: source.files for kind, source in request.sources.items()} | {WEIGHTS: list(weights)}
    files = [(kind, number, uri) for kind, uris in named.items() for number, uri in enumerate(uris)]
    listed = spark.createDataFrame(
        spark.sparkContext.parallelize(files, len(files)), "kind string, number int, uri string"
    )
    return listed.mapInPandas(Reader(request, columns, storage), columns.schema)


def combined(rows: pd.DataFrame, columns: Columns, how: str) -> pd.DataFrame:
    """Target rows with one row for each series and time step, whose parts may lie in several files."""
    ordered = rows.sort_values(["seen", "file"], kind="stable")
    grouped = ordered.groupby([*columns.key_names, "timestamp"], sort=False)
    cells = grouped.agg(v0=("v0", COMBINE[how]), count=("count", "sum")).reset_index()
    return cells.assign(v0=cells["v0"] / cells["count"]) if how == "avg" else cells
