"""The job's table on Spark: what was read, with related series and metadata at the places of their series."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark import StorageLevel
from pyspark.accumulators import Accumulator
from pyspark.sql import DataFrame, GroupedData, Row, SparkSession
from pyspark.sql import functions as sql

from storecast_engines.distributed.documents import JobFailed, Request
from storecast_engines.distributed.local import Data
from storecast_engines.distributed.reading import BAD, NOTE, WEIGHTS, Columns, Reader, aggregation, pieces_of, read
from storecast_engines.distributed.storage import Storage
from storecast_engines.forecasting import frequency

LAST_PLACE = 2**63 - 1
ROWS_OF_A_CELL = 2  # of the target, on average over all series and time steps, that tasks take as they were read


@dataclass(frozen=True)
class Tables:
    """The rows of the job, and what is known of them."""

    rows: DataFrame
    cold: DataFrame | None  # place, keys and texts of the series without history, where these are not in the sample
    data: Data
    steps: int
    counts: dict[str, int]  # rows by kind
    warm: int
    colds: int
    threshold: int  # the places up to it are the sample's
    quarantined: list[dict[str, Any]]
    notes: list[str]


def read_tables(
    spark: SparkSession,
    request: Request,
    storage: Storage,
    columns: Columns,
    weights: Sequence[str],
    report: Callable[[str], None],
    progress: Callable[[int, str], AbstractContextManager[Accumulator[int]]],
) -> Tables:
    """Reads all files once; they stay on the executors' disks. Raises JobFailed where nothing is left of a kind."""
    pieces = pieces_of(spark, request, storage, weights)
    files = len({(each.kind, each.uri) for each in pieces})
    report(f"reading {files:,} files" + (f" in {len(pieces):,} parts" if len(pieces) > files else ""))
    with progress(len(pieces), "files" if len(pieces) == files else "parts of files") as done:
        found = read(spark, pieces, Reader(request, columns, storage, done)).persist(StorageLevel.DISK_ONLY)
        about_files = found.filter(sql.col("kind").isin(BAD, NOTE)).select("kind", "k0", "file").collect()
    quarantined = _first_of_each_file([row for row in about_files if row["kind"] == BAD])
    in_parts = {piece.uri for piece in pieces if piece.row > 1}
    for number, bad in quarantined:
        if bad["file"] in in_parts:  # good parts of a bad file do not count either
            found = found.filter(~((sql.col("kind") == bad["kind"]) & (sql.floor("file") == int(number))))
    last = [sql.count("*").alias("rows"), sql.min("timestamp").alias("first"), sql.max("timestamp").alias("last")]
    facts = {row["kind"]: row for row in found.groupBy("kind").agg(*last).collect()}
    for _, bad in quarantined:
        report(f"left out: {bad['message']}")
    for kind in request.sources:
        if kind not in facts:
            of_kind = [bad["message"] for _, bad in quarantined if bad["kind"] == kind]
            why = f"all its files were refused: {of_kind[0]}" if of_kind else "its files hold no value"
            raise JobFailed(f"there is no {kind} to forecast from: {why}")
    span = pd.Timestamp(facts["target"]["first"]), pd.Timestamp(facts["target"]["last"])
    forward = request.related is not None and pd.Timestamp(facts["related"]["last"]) > span[1]
    steps = len(pd.date_range(*span, freq=frequency.offset(request.frequency)))
    series = found.filter("kind = 'target'").select("place", *columns.key_names).distinct()
    cold = _cold(found, series, request, columns)
    warm, colds = series.count(), 0 if cold is None else cold.count()
    threshold = LAST_PLACE
    if warm + colds > request.sample:
        first = series.select("place").orderBy("place").limit(request.sample)
        threshold = first.agg(sql.max("place")).collect()[0][0]
    elif cold is not None:
        series, cold = series.unionByName(cold.select(*series.columns)), None
    counts = {kind: int(facts[kind]["rows"]) for kind in request.sources}
    if counts["target"] > ROWS_OF_A_CELL * warm * steps:
        found = _with_a_row_for_each_cell(found, columns, aggregation(request))
    report(f"read {counts}: {warm:,} series of {steps:,} steps, {colds:,} without history")
    rows, data = _placed(found, series, request, columns), Data(request, columns, span, forward)
    notes = sorted(row["k0"] for row in about_files if row["kind"] == NOTE)
    refused = [bad for _, bad in quarantined]
    return Tables(rows, cold, data, steps, counts, warm, colds, threshold, refused, notes)


def _first_of_each_file(rows: Sequence[Row]) -> list[tuple[float, dict[str, Any]]]:
    """What is wrong with each bad file, by its number; of a file in parts what is wrong with the first bad one."""
    found: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["file"]):
        bad = json.loads(row["k0"])
        found.setdefault((bad["kind"], bad["file"]), (row["file"], bad))
    return list(found.values())


def _with_a_row_for_each_cell(found: DataFrame, columns: Columns, how: str) -> DataFrame:
    """The table with the target's rows of a series and time step put together (reading.combined), whose parts may lie
    in thousands of files: a task must not get them all."""
    value = {"sum": sql.sum, "avg": sql.sum, "min": sql.min, "max": sql.max}.get(how)
    of_cell = value("v0") if value else sql.min_by("v0", sql.struct("seen", "file"))
    cells = found.filter("kind = 'target'").groupBy("kind", "place", *columns.key_names, "timestamp")
    totals = [sql.sum("count").alias("count"), sql.min("seen").alias("seen"), sql.min("file").alias("file")]
    made = cells.agg(of_cell.alias("v0"), *totals)
    return found.filter("kind != 'target'").unionByName(made, allowMissingColumns=True)


def by_chunk(rows: DataFrame, count: int) -> GroupedData:
    """The rows in `count` chunks, each a task of its own: hashed tasks would get none or several."""
    chunked = rows.withColumn("chunk", sql.pmod(sql.col("place"), sql.lit(count)).cast("int"))
    return chunked.repartitionByRange(count, "chunk").groupBy("chunk")


def _cold(found: DataFrame, series: DataFrame, request: Request, columns: Columns) -> DataFrame | None:
    """The series that only metadata names, and related series where there are any (panel.build_panel)."""
    if request.metadata is None:
        return None
    newest = sql.max_by(sql.struct("place", *columns.text_names), sql.struct("file", "count")).alias("newest")
    items = found.filter("kind = 'metadata'").groupBy("k0").agg(newest).select("k0", "newest.*")
    new = items.join(series.select("k0").distinct(), "k0", "left_anti")
    related = found.filter("kind = 'related'")
    if not request.dimensions:
        return new if request.related is None else new.join(related.select("k0").distinct(), "k0", "left_semi")
    if request.related is None or not set(request.keys) <= set(request.related.columns):
        return None
    return related.select("place", *columns.key_names).distinct().join(new.drop("place"), "k0")


def _placed(found: DataFrame, series: DataFrame, request: Request, columns: Columns) -> DataFrame:
    """All rows with the place of their series: one of several series is copied to each, metadata of none left out."""
    parts = [found.filter(sql.col("kind").isin("target", WEIGHTS))]
    if request.related:
        shared = [each for each, name in zip(columns.key_names, request.keys) if name in request.related.columns]
        related = found.filter("kind = 'related'")
        parts.append(related if len(shared) == columns.keys else _at_series(related, series, shared, columns))
    if request.metadata:
        parts.append(_at_series(found.filter("kind = 'metadata'"), series, ["k0"], columns))
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.unionByName(part)
    return rows


def _at_series(rows: DataFrame, series: DataFrame, shared: Sequence[str], columns: Columns) -> DataFrame:
    others = [name for name in columns.key_names if name not in shared]
    return rows.drop("place", *others).join(series, list(shared)).select(*rows.columns)
