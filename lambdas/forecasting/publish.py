"""Publish: newest pointer, report, summary, and this run's partitions of the Athena tables (CreatePartition)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from common import results
from common.clients import client
from common.failures import in_words
from common.step import LambdaContext, step
from common.store import CsvFolder
from forecasting import accuracy, history, scores
from forecasting.columns import in_order
from forecasting.explainability import impact
from forecasting.payload import Accuracy, ChartItem, Forecasted, MadeForecast, Published, PublishedForecast, Summary
from forecasting.report import render
from forecasting.what_if import what_ifs

_ITEMS = 50  # series in the report, the worst forecast ones
_SEASONS_BACK = 4  # horizons of past in the chart


@step
def handler(event: Forecasted, context: LambdaContext) -> Published:
    """`summary`; in S3 the run's report.html and summary.json, and the newest pointers and the scores."""
    bucket, folder, run = event["resultsBucket"], f"forecasting/{event['dataset']}/", event["run"]
    exports = {made["name"]: CsvFolder.listed(bucket, made["folder"]) for made in event["forecasts"]}
    accuracy_, chart = _backtested(event, exports.values())
    summary = _summary(event, accuracy_, f"s3://{bucket}/{folder}runs/{run}/report.html")
    page = render(event, chart, summary, scores.kept(event))
    results.save(bucket, folder, run, summary, page)
    for made in event["forecasts"]:
        _add_partition(event, made, exports[made["name"]])
    results.point_to(bucket, folder, summary, page)
    return {"summary": summary}


def _summary(event: Forecasted, accuracy_: Accuracy, report: str) -> Summary:
    bucket = event["resultsBucket"]
    forecasts: dict[str, PublishedForecast] = {
        made["name"]: {
            "forecastArn": made["forecastArn"],
            "types": made["types"],
            "table": made["name"],
            "exports": f"s3://{bucket}/{made['folder']}",
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
        "whatIf": what_ifs(event),
        "impact": impact(event),
    }
    if "score" in event:
        summary["score"] = event["score"]
    return summary


def _backtested(event: Forecasted, exports: Iterable[CsvFolder]) -> tuple[Accuracy, list[ChartItem]]:
    """Accuracy with its yardstick, bias, counts, and the chart's series."""
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
    ahead = [history.quantiles(export.records(), event, steps, set(head), "date") for export in exports]
    behind = history.quantiles(backtests.records(), event, steps, set(head), "timestamp")
    board = event["accuracy"]
    if not any("naive" in row["algorithm"].lower() for row in board):
        yardstick = accuracy.seasonal_naive(tested, sources, past, config["quantiles"], frequency)
        board = [*board, yardstick] if yardstick else board
    chart: list[ChartItem] = [
        {
            "key": " / ".join(key),
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
        "items": len(past.first),
        "horizon": config["horizon"],
        "history": {
            "from": steps.text(past.start),
            "to": steps.text(past.end),
            "steps": past.end - past.start + 1,
        },
    }
    return found, chart


def _wanted(head: set[history.Key], since: int, everywhere: set[int]) -> history.Wanted:
    """The values of the `head` series from `since` on, those of all series at the steps `everywhere`."""
    return lambda key, step: step in everywhere or (key in head and step >= since)


def _columns(
    *exported: dict[history.Key, dict[str, dict[str, float]]], key: history.Key
) -> dict[str, list[tuple[str, float]]]:
    """Of one series, each column's values in the order of their moments."""
    return {column: sorted(values.items()) for each in exported for column, values in each.get(key, {}).items()}


def _add_partition(event: Forecasted, made: MadeForecast, export: CsvFolder) -> None:
    """The run's exported files as a partition of the Athena table of their name."""
    glue, database, table = client("glue"), event["database"], made["name"]
    storage = glue.get_table(DatabaseName=database, Name=table)["Table"]["StorageDescriptor"]
    copies = f"forecasting/{event['dataset']}/tables/{table}/run={event['run']}/"
    folder = in_order(export, made["folder"], [each["Name"] for each in storage["Columns"]], copies)
    location = f"s3://{event['resultsBucket']}/{folder}"
    partition = {"Values": [event["run"]], "StorageDescriptor": {**storage, "Location": location}}
    with contextlib.suppress(glue.exceptions.AlreadyExistsException):  # an earlier attempt of this run
        glue.create_partition(DatabaseName=database, TableName=table, PartitionInput=partition)
