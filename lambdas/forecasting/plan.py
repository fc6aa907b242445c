"""Plan: what this run will ask of Amazon Forecast, all names and requests, from the config and the files there; nothing
at all if the last run worked on the same."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from common import deliveries
from common.clients import client
from common.names import forecast_name, numbered, run_id
from common.step import step
from common.store import get_json
from forecasting import headers, predictors

_NOT_TRAINED_WITH = ("keep", "promotion", "drift")  # keys of the config that change nothing in what a run makes
_TYPES = {"target": "TARGET_TIME_SERIES", "related": "RELATED_TIME_SERIES", "metadata": "ITEM_METADATA"}


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The run's order, or `nothingNew`, why there is none."""
    folder = _folder(event)
    deliveries.tell_age(event["dataBucket"], folder, event["dataset"])
    files = deliveries.checksums(event["dataBucket"], folder, event["config"]["datasets"])
    if waiting := deliveries.waiting(event["dataBucket"], folder, event["config"]["datasets"], files, "target"):
        return waiting
    newest = get_json(event["resultsBucket"], f"{folder}newest.json")
    config = {key: value for key, value in event["config"].items() if key not in _NOT_TRAINED_WITH}
    inputs = {"files": files, "config": deliveries.checksum(config)}
    named = functools.partial(forecast_name, event["dataset"])
    first = not event["attempt"]
    imported = {} if event["force"] and first else deliveries.imported(client("forecast"), files, named)
    if imported == files and newest and newest.get("inputs") == inputs and not event["force"]:
        return deliveries.nothing_new(event["dataBucket"], folder, files, newest["run"])
    run = run_id(event["execution"], event["started"], newest and newest["run"])
    columns, with_headers = headers.resolve(event, list(files))
    event = {**event, "config": {**event["config"], "datasets": {**event["config"]["datasets"], **columns}}}
    return {**order(event, files, imported, run, with_headers), "inputs": inputs, "serving": _served(newest)}


def _served(newest: dict[str, Any] | None) -> dict[str, Any] | None:
    """Of newest.json, what must not be pruned, and what its predictor was trained with."""
    return newest and {key: newest.get(key) for key in ("run", "predictorArn", "forecasts", "inputs")}


def order(
    event: dict[str, Any],
    files: Mapping[str, str],
    imported: Mapping[str, str],
    run: str,
    with_headers: Mapping[str, list[dict[str, Any]]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Every request of the run, but for the ARNs that only its steps will know.

    `files` are the checksums of what is there by kind, `imported` of what the datasets hold; the files of the kinds in
    `with_headers` are to be copied before they are imported.
    """
    config, dataset, kinds = event["config"], event["dataset"], list(files)
    tags = [{"Key": key, "Value": value} for key, value in event["tags"].items()]
    encryption = {"EncryptionConfig": {**_key(event), "RoleArn": event["roleArn"]}} if _key(event) else {}

    def export(folder: str, kind: str, of: str, *name: str) -> dict[str, Any]:
        """An export job into a folder of this run; `of` is the member that names what it exports."""
        path = f"{_folder(event)}{folder}/run={run}/"
        place = {"Path": f"s3://{event['resultsBucket']}/{path}", "RoleArn": event["roleArn"], **_key(event)}
        request = {
            f"{kind}Name": forecast_name(dataset, *name, run),
            "Destination": {"S3Config": place},
            "Format": "CSV",
            "Tags": tags,
        }
        return {"folder": path, "kind": _in_snake_case(kind), "of": of, "request": request}

    return {
        **{
            key: event[key]
            for key in ("dataset", "config", "domain", "execution", "dataBucket", "resultsBucket", "database")
        },
        "run": run,
        "attempt": event["attempt"],
        "group": {"DatasetGroupName": forecast_name(dataset), "Domain": config["domain"], "Tags": tags},
        "datasets": [
            {"kind": kind, "request": {**_dataset(config, dataset, kind), **encryption, "Tags": tags}} for kind in kinds
        ],
        "imports": [
            {
                **_import(event, kind, run, with_headers.get(kind, []), tags),
                "changed": imported.get(kind) != files[kind],
                "importedChecksum": files[kind],
                "plannedChecksum": "" if kind in with_headers else files[kind],  # a copy stays as it is
            }
            for kind in kinds
        ],
        "predictors": [
            predictors.order(config, dataset, algorithm, run, kinds, {**encryption, "Tags": tags})
            for algorithm in config["algorithms"]
        ],
        "backtests": export("backtests", "PredictorBacktestExportJob", "PredictorArn"),
        "explainability": export("explainability", "ExplainabilityExport", "ExplainabilityArn"),
        "forecasts": [
            _forecast(dataset, name, types, run, export, tags) for name, types in config["forecasts"].items()
        ],
        "whatIf": {
            "analysis": {
                "kind": "what_if_analysis",
                "of": "ForecastArn",
                "request": {"WhatIfAnalysisName": forecast_name(dataset, "what_if", run), "Tags": tags},
            },
            "scenarios": [
                _scenario(dataset, name, changes, run, tags) for name, changes in config.get("what_if", {}).items()
            ],
            "export": export("what-if", "WhatIfForecastExport", "WhatIfForecastArns"),
        },
    }


def _dataset(config: dict[str, Any], dataset: str, kind: str) -> dict[str, Any]:
    attributes = [{"AttributeName": name, "AttributeType": kind_} for name, kind_ in config["datasets"][kind].items()]
    frequency = {} if kind == "metadata" else {"DataFrequency": config["frequency"]}
    return {
        "DatasetName": forecast_name(dataset, kind),
        "Domain": config["domain"],
        "DatasetType": _TYPES[kind],
        "Schema": {"Attributes": attributes},
        **frequency,
    }


def _import(
    event: dict[str, Any], kind: str, run: str, with_headers: list[dict[str, Any]], tags: list[dict[str, str]]
) -> dict[str, Any]:
    """The import of a kind's folder, or of a copy of its files where those have headers."""
    attempt = numbered(run, event["attempt"]) if event["attempt"] else run  # a name is free once
    folder = f"{_folder(event)}{kind}/"
    path = f"s3://{event['dataBucket']}/{folder}"
    if with_headers:
        path = f"s3://{event['resultsBucket']}/{_folder(event)}staged/run={attempt}/{kind}/"
    times = {} if kind == "metadata" else {"TimestampFormat": event["config"]["timestamp_format"]}
    return {
        "kind": kind,
        **{key: event[key] for key in ("dataset", "attempt", "dataBucket", "resultsBucket")},
        "run": run,
        "folder": folder,
        "location": folder,
        "withHeaders": with_headers,
        "request": {
            "DatasetImportJobName": forecast_name(event["dataset"], kind, attempt),
            "Format": "CSV",
            "ImportMode": "FULL",
            "DataSource": {"S3Config": {"Path": path, "RoleArn": event["roleArn"], **_key(event)}},
            **times,
            "Tags": tags,
        },
    }


def _forecast(
    dataset: str,
    name: str,
    types: list[str],
    run: str,
    export: Callable[..., dict[str, Any]],
    tags: list[dict[str, str]],
) -> dict[str, Any]:
    job = export(f"exports/{name}", "ForecastExportJob", "ForecastArn", name)
    request = {"ForecastName": forecast_name(dataset, name, run), "ForecastTypes": types, "Tags": tags}
    made = {"kind": "forecast", "of": "PredictorArn", "request": request}
    return {"name": name, "types": types, "folder": job["folder"], **made, "export": job}


def _scenario(
    dataset: str, name: str, changes: list[dict[str, Any]], run: str, tags: list[dict[str, str]]
) -> dict[str, Any]:
    transformations = [
        {
            "Action": {
                "AttributeName": change["attribute"],
                "Operation": change["operation"],
                "Value": change["value"],
            },
            "TimeSeriesConditions": [
                {"AttributeName": attribute, "Condition": "EQUALS", "AttributeValue": value}
                for attribute, value in change.get("where", {}).items()
            ],
        }
        for change in changes
    ]
    request = {
        "WhatIfForecastName": forecast_name(dataset, name, run),
        "TimeSeriesTransformations": transformations,
        "Tags": tags,
    }
    return {"name": name, "kind": "what_if_forecast", "of": "WhatIfAnalysisArn", "request": request}


def _folder(event: dict[str, Any]) -> str:
    """Of the dataset, in both buckets."""
    return f"forecasting/{event['dataset']}/"


def _key(event: dict[str, Any]) -> dict[str, str]:
    """The customer managed key, if the app has one, where Forecast reads or writes files."""
    return {"KMSKeyArn": event["kmsKeyArn"]} if "kmsKeyArn" in event else {}


def _in_snake_case(kind: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
