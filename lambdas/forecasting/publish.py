"""Publish: newest pointer, report, summary, and this run's partitions of the Athena tables (CreatePartition)."""

from __future__ import annotations

import contextlib
from typing import Any

from common.clients import client
from common.failures import in_words
from common.step import step
from common.store import put_json, put_text, records
from forecasting import accuracy, history, insights, scores
from forecasting.report import render

_ITEMS = 50  # series in the report, the worst forecast ones
_SEASONS_BACK = 4  # horizons of past in the chart


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`summary`; in S3 the run's report.html and summary.json, and the newest pointers and the scores."""
    bucket, folder = event["resultsBucket"], f"forecasting/{event['dataset']}/"
    run = f"{folder}runs/{event['run']}/"
    summary = {
        **{key: event[key] for key in ("dataset", "run", "execution", "inputs", "training", "promotion", "database")},
        **({"score": event["score"]} if "score" in event else {}),
        "predictorArn": event["servingArn"],
        "report": f"s3://{bucket}/{run}report.html",
        "backtests": f"s3://{bucket}/{event['backtests']['folder']}",
        "forecasts": {
            made["name"]: {
                "forecastArn": made["forecastArn"],
                "types": made["types"],
                "table": made["name"],
                "exports": f"s3://{bucket}/{made['folder']}",
            }
            for made in event["forecasts"]
        },
        **_look_back(event),
        "failed": [
            {"algorithm": each["algorithm"], "step": each["step"], "message": in_words(each["message"])}
            for each in event["failed"]
        ],
        "whatIf": insights.what_ifs(event),
        "impact": insights.impact(event),
    }
    page = render(event, summary.pop("chart"), summary, scores.kept(event))
    put_text(bucket, f"{run}report.html", page)
    put_json(bucket, f"{run}summary.json", summary)
    for made in event["forecasts"]:
        _add_partition(event["database"], made["name"], event["run"], f"s3://{bucket}/{made['folder']}")
    put_text(bucket, f"{folder}report.html", page)
    put_json(bucket, f"{folder}newest.json", summary)
    return {"summary": summary}


def _look_back(event: dict[str, Any]) -> dict[str, Any]:
    """Accuracy with its yardstick, bias, counts, and the chart's series."""
    config, bucket = event["config"], event["resultsBucket"]
    target = history.Target.of(event)
    past = history.overview(target)
    tested = accuracy.collect(history.backtests(bucket, event["backtests"]["folder"]), event)
    moments = accuracy.naive_moments(tested, past.axis, config["frequency"])
    head = accuracy.worst_first(tested, past.volume)[:_ITEMS]
    since = min([past.axis[-min(len(past.axis), max(28, _SEASONS_BACK * config["horizon"]))], *tested.actual])
    history.recall(
        target,
        past,
        head=set(head),
        since=since,
        everywhere={source for mapping in moments.values() for source in mapping.values()},
    )
    ahead = [
        history.quantiles(records(bucket, made["folder"]), event, set(head), "date") for made in event["forecasts"]
    ]
    behind = history.quantiles(history.backtests(bucket, event["backtests"]["folder"]), event, set(head), "timestamp")
    board = event["accuracy"]
    if not any("naive" in row["algorithm"].lower() for row in board):
        yardstick = accuracy.seasonal_naive(tested, moments, past, config["quantiles"])
        board = [*board, yardstick] if yardstick else board
    chart = []
    for key in head:
        chart.append(
            {
                "key": " / ".join(key),
                "volume": past.volume[key],
                "error": accuracy.wape(tested, key),
                "bias": accuracy.bias(tested, key),
                "past": [[when, value] for when, value in sorted(past.values.get(key, {}).items()) if when >= since],
                "ahead": _columns(*ahead, key=key),
                "behind": _columns(behind, key=key),
            }
        )
    return {
        "accuracy": board,
        "bias": accuracy.bias(tested),
        "items": len(past.volume),
        "horizon": config["horizon"],
        "history": {"from": past.axis[0], "to": past.axis[-1], "steps": len(past.axis)},
        "chart": chart,
    }


def _columns(*exported: dict[Any, dict[str, dict[str, float]]], key: Any) -> dict[str, list[tuple[str, float]]]:
    """Of one series, each column's values in the order of their moments."""
    return {column: sorted(values.items()) for each in exported for column, values in each.get(key, {}).items()}


def _add_partition(database: str, table: str, run: str, location: str) -> None:
    glue = client("glue")
    storage = glue.get_table(DatabaseName=database, Name=table)["Table"]["StorageDescriptor"]
    partition = {"Values": [run], "StorageDescriptor": {**storage, "Location": location}}
    with contextlib.suppress(glue.exceptions.AlreadyExistsException):  # an earlier attempt of this run
        glue.create_partition(DatabaseName=database, TableName=table, PartitionInput=partition)
