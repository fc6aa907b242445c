"""Publish: newest pointer, report, summary, and this run's partitions of the Athena tables (CreatePartition)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from common import results
from common.clients import client
from common.failures import in_words
from common.payload import AwsJson
from common.step import LambdaContext, logger, step
from common.store import CsvFolder
from forecasting import accuracy, counts, history, job_results, lookup, scores
from forecasting.columns import in_order
from forecasting.explainability import impact
from forecasting.payload import ForecastFiles, Lookup, PublishedForecast, Publishing
from forecasting.report import render
from forecasting.summary import Accuracy, ChartItem, Published, Summary
from forecasting.what_if import what_ifs

_ITEMS = 50  # series in the report, the worst forecast ones
_SEASONS_BACK = 4  # horizons of past in the chart


@step
def handler(event: Publishing, context: LambdaContext) -> Published:
    """`summary`; in S3 the run's report.html and summary.json, and the newest pointers and the scores."""
    bucket, folder, run = event["resultsBucket"], f"forecasting/{event['dataset']}/", event["run"]
    exports = {made["name"]: CsvFolder.listed(bucket, made["folder"]) for made in event["forecasts"]}
    accuracy_, chart, known = _backtested(event, list(exports.values()))
    tables = {made["name"]: _table(event, made, exports[made["name"]], known) for made in event["forecasts"]}
    summary = _summary(event, accuracy_, tables, known, f"s3://{bucket}/{folder}runs/{run}/report.html")
    page = render(event, chart, summary, scores.kept(event))
    results.save(bucket, folder, run, summary, page)
    for name, table in tables.items():
        _add_partition(event, name, table)
    lookups = {name: table.lookup for name, table in tables.items()}
    results.point_to(bucket, folder, {**summary, "lookups": lookups}, page)
    if "jobResult" in event:
        logger.info("pruned", extra={"pruned": job_results.prune(event)})
    return {"summary": summary}


def _summary(
    event: Publishing, accuracy_: Accuracy, tables: Mapping[str, Table], known: history.History, report: str
) -> Summary:
    bucket = event["resultsBucket"]
    forecasts: dict[str, PublishedForecast] = {
        made["name"]: {
            "forecastArn": made["forecastArn"],
            "types": made["types"],
            "table": made["name"],
            "exports": tables[made["name"]].location,
        }
        for made in event["forecasts"]
    }
    summary: Summary = {
        **accuracy_,
        "dataset": event["dataset"],
        "run": event["run"],
        "execution": event["execution"],
        "inputs": event["inputs"],
        "training": event["training"],
        "promotion": event["promotion"],
        "database": event["database"],
        "predictorArn": event["servingArn"],
        "report": report,
        "backtests": f"s3://{bucket}/{event['backtests']['folder']}",
        "forecasts": forecasts,
        "failed": [
            {"algorithm": each["algorithm"], "step": each["step"], "message": in_words(each["message"])}
            for each in event["failed"]
        ],
        "whatIf": what_ifs(event, known),
        "impact": impact(event),
        "notes": counts.notes(event, known),
    }
    if "score" in event:
        summary["score"] = event["score"]
    return summary


def _backtested(event: Publishing, exports: Sequence[CsvFolder]) -> tuple[Accuracy, list[ChartItem], history.History]:
    """Accuracy with its yardstick, bias, counts; the chart's series; the history without its values."""
    config, bucket = event["config"], event["resultsBucket"]
    target, frequency = history.Target.of(event), config["frequency"]
    known = history.read(target, event, lambda key, step: False)
    steps = known.steps
    backtests = history.backtests(bucket, event["backtests"]["folder"])
    tested = accuracy.collect(backtests.records(), event, steps)
    sources = accuracy.naive_sources(tested, known, frequency)
    head = accuracy.worst_first(tested, known)[:_ITEMS]
    back = known.end + 1 - max(28, _SEASONS_BACK * config["horizon"])
    since = max(known.start, min([back, *tested.actual]))
    everywhere = {step for source in sources.values() for step in source.values()} | {first - 1 for first in sources}
    past = known if known.complete else history.read(target, event, _wanted(set(head), since, everywhere))
    read = [history.quantiles(export.records(), event, steps, set(head), "date") for export in exports]
    ahead, forecast = [values for values, _ in read], read[0][1]
    behind, _ = history.quantiles(backtests.records(), event, steps, set(head), "timestamp")
    board = event["accuracy"]
    if not any("naive" in row["algorithm"].lower() for row in board):
        yardstick = accuracy.seasonal_naive(tested, sources, past, config["quantiles"], frequency)
        board = [*board, yardstick] if yardstick else board
    chart: list[ChartItem] = [
        {
            "key": known.label(key),
            "volume": past.volume(key),
            "error": accuracy.wape(tested, key),
            "bias": accuracy.bias(tested, key),
            "past": [
                (steps.text(step), value)
                for step in range(since, past.end + 1)
                if (value := past.value(key, step)) is not None
            ],
            "ahead": _columns(*ahead, key=key),
            "behind": _columns(behind, key=key),
        }
        for key in head
    ]
    found: Accuracy = {
        "accuracy": board,
        "bias": accuracy.bias(tested),
        "items": len(forecast),
        "series": counts.counted(event, known, forecast),
        "horizon": config["horizon"],
        "history": {
            "from": steps.text(past.start),
            "to": steps.text(past.end),
            "steps": past.end - past.start + 1,
        },
    }
    return found, chart, known


def _wanted(head: set[history.Key], since: int, everywhere: set[int]) -> history.Wanted:
    """The values of the `head` series from `since` on, those of all series at the steps `everywhere`."""
    return lambda key, step: step in everywhere or (key in head and step >= since)


def _columns(
    *exported: dict[history.Key, dict[str, dict[str, float]]], key: history.Key
) -> dict[str, list[tuple[str, float]]]:
    """Of one series, each column's values in the order of their moments."""
    return {column: sorted(values.items()) for each in exported for column, values in each.get(key, {}).items()}


class Table(NamedTuple):
    """What a run adds to an Athena table: the URI of its files, how they are read, and where each series is in them."""

    location: str
    storage: AwsJson
    lookup: Lookup


def _table(event: Publishing, made: ForecastFiles, export: CsvFolder, known: history.History) -> Table:
    """The run's exported files, or copies of them where the export has other columns or names of series."""
    table = made["name"]
    found = client("glue").get_table(DatabaseName=event["database"], Name=table)
    storage = found["Table"]["StorageDescriptor"]
    copies = f"forecasting/{event['dataset']}/tables/{table}/run={event['run']}/"
    columns, dimensions = [each["Name"] for each in storage["Columns"]], event["config"]["dimensions"]
    folder = in_order(export, made["folder"], columns, dimensions, known.respelled, copies)
    keys = [f"{folder}{key.removeprefix(made['folder'])}" for key in export.etags]
    to = f"forecasting/{event['dataset']}/runs/{event['run']}/lookup/{table}/"
    index = lookup.write(event["resultsBucket"], keys, columns, dimensions, to)
    return Table(f"s3://{event['resultsBucket']}/{folder}", storage, index)


def _add_partition(event: Publishing, name: str, table: Table) -> None:
    """The files as a partition of the Athena table."""
    glue = client("glue")
    partition = {"Values": [event["run"]], "StorageDescriptor": {**table.storage, "Location": table.location}}
    with contextlib.suppress(glue.exceptions.AlreadyExistsException):  # an earlier attempt of this run
        glue.create_partition(DatabaseName=event["database"], TableName=name, PartitionInput=partition)
