"""Plan: what this run will ask of Amazon Forecast, all names and requests, from the config and the files there; nothing
at all if the last run worked on the same."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from common import deliveries
from common.clients import client
from common.names import forecast_name, run_id
from common.step import step
from common.store import get_json
from forecasting import headers

_NOT_TRAINED_WITH = ("keep", "promotion")  # keys of the config that change nothing in what a run makes
_TYPES = {"target": "TARGET_TIME_SERIES", "related": "RELATED_TIME_SERIES", "metadata": "ITEM_METADATA"}


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The run's order, or `nothingNew`, why there is none."""
    folder = f"forecasting/{event['dataset']}/"
    deliveries.tell_age(event["dataBucket"], folder, event["dataset"])
    files = deliveries.checksums(event["dataBucket"], folder, event["config"]["datasets"])
    if "target" not in files:
        return deliveries.waiting(event["dataBucket"], folder, "target")
    newest = get_json(event["resultsBucket"], f"{folder}newest.json")
    config = {key: value for key, value in event["config"].items() if key not in _NOT_TRAINED_WITH}
    covers = {"files": files, "config": deliveries.checksum(config)}
    named = functools.partial(forecast_name, event["dataset"])
    imported = {} if event["force"] else deliveries.imported(client("forecast"), files, named)
    if imported == files and newest and newest.get("covers") == covers:
        return deliveries.nothing_new(event["dataBucket"], folder, files, newest["run"])
    run = run_id(event["execution"], event["started"])
    columns, with_headers = headers.resolve(event, list(files))
    event = {**event, "config": {**event["config"], "datasets": {**event["config"]["datasets"], **columns}}}
    return {**order(event, files, imported, run, with_headers), "covers": covers, "serving": _served(newest)}


def _served(newest: dict[str, Any] | None) -> dict[str, Any] | None:
    """Of newest.json, what must not be pruned, and what its predictor was trained with."""
    return newest and {key: newest.get(key) for key in ("run", "predictorArn", "forecasts", "covers")}


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
    results = f"forecasting/{dataset}/"
    tags = [{"Key": "project", "Value": "storecast"}, {"Key": "dataset", "Value": dataset}]

    def destination(folder: str) -> dict[str, Any]:
        return {"S3Config": {"Path": f"s3://{event['resultsBucket']}/{folder}", "RoleArn": event["roleArn"]}}

    backtests = f"{results}backtests/run={run}/"
    return {
        **{
            key: event[key]
            for key in ("dataset", "config", "domain", "execution", "dataBucket", "resultsBucket", "database")
        },
        "run": run,
        "group": {"DatasetGroupName": forecast_name(dataset), "Domain": config["domain"], "Tags": tags},
        "datasets": [{"kind": kind, "request": {**_dataset(config, dataset, kind), "Tags": tags}} for kind in kinds],
        "imports": [
            {
                "kind": kind,
                "changed": imported.get(kind) != files[kind],
                "dataBucket": event["dataBucket"],
                "resultsBucket": event["resultsBucket"],
                "withHeaders": with_headers.get(kind, []),
                "request": {
                    **_import(event, kind, run, staged=kind in with_headers),
                    "Tags": [*tags, {"Key": deliveries.TAG, "Value": files[kind]}],
                },
            }
            for kind in kinds
        ],
        "predictors": [
            {
                "algorithm": algorithm,
                "kind": "auto_predictor" if algorithm == "AutoPredictor" else "predictor",
                "request": {
                    "PredictorName": forecast_name(
                        dataset, algorithm.removesuffix("Predictor").lower().replace("-", "_"), run
                    ),
                    **(
                        _auto_predictor(config, kinds)
                        if algorithm == "AutoPredictor"
                        else _single(config, algorithm, kinds)
                    ),
                    "Tags": tags,
                },
            }
            for algorithm in config["algorithms"]
        ],
        "backtests": {
            "folder": backtests,
            "kind": "predictor_backtest_export_job",
            "request": {
                "PredictorBacktestExportJobName": forecast_name(dataset, run),
                "Destination": destination(backtests),
                "Format": "CSV",
                "Tags": tags,
            },
        },
        "forecasts": [
            _forecast(event, name, types, run, destination, tags) for name, types in config["forecasts"].items()
        ],
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


def _import(event: dict[str, Any], kind: str, run: str, *, staged: bool) -> dict[str, Any]:
    path = f"s3://{event['dataBucket']}/forecasting/{event['dataset']}/{kind}/"
    if staged:
        path = f"s3://{event['resultsBucket']}/forecasting/{event['dataset']}/staged/run={run}/{kind}/"
    times = {} if kind == "metadata" else {"TimestampFormat": event["config"]["timestamp_format"]}
    return {
        "DatasetImportJobName": forecast_name(event["dataset"], kind, run),
        "Format": "CSV",
        "ImportMode": "FULL",
        "DataSource": {"S3Config": {"Path": path, "RoleArn": event["roleArn"]}},
        **times,
    }


def _auto_predictor(config: dict[str, Any], kinds: list[str]) -> dict[str, Any]:
    filling = [{"AttributeName": name, "Transformations": rules} for name, rules in _filling(config, kinds)]
    country = config.get("holidays")
    boundary = config["time_alignment_boundary"]
    return {
        **_common(config),
        "ForecastFrequency": config["frequency"],
        **_dimensions(config),
        **({"TimeAlignmentBoundary": boundary} if boundary else {}),
        "DataConfig": {
            **({"AttributeConfigs": filling} if filling else {}),
            **(
                {"AdditionalDatasets": [{"Name": "holiday", "Configuration": {"CountryCode": [country]}}]}
                if country
                else {}
            ),
        },
    }


def _single(config: dict[str, Any], algorithm: str, kinds: list[str]) -> dict[str, Any]:
    """A predictor of one algorithm (API_CreatePredictor.md), which takes the same settings in other places."""
    filling = [
        {
            "AttributeName": name,
            "FeaturizationPipeline": [
                {"FeaturizationMethodName": "filling", "FeaturizationMethodParameters": rules},
            ],
        }
        for name, rules in _filling(config, kinds)
    ]
    country = config.get("holidays")
    return {
        **_common(config),
        "AlgorithmArn": f"arn:aws:forecast:::algorithm/{algorithm}",
        "EvaluationParameters": {"NumberOfBacktestWindows": config["backtest_windows"]},
        "InputDataConfig": {"SupplementaryFeatures": [{"Name": "holiday", "Value": country}]} if country else {},
        "FeaturizationConfig": {
            "ForecastFrequency": config["frequency"],
            **_dimensions(config),
            **({"Featurizations": filling} if filling else {}),
        },
    }


def _common(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "ForecastHorizon": config["horizon"],
        "ForecastTypes": config["quantiles"],
        "OptimizationMetric": config["optimization_metric"],
    }


def _dimensions(config: dict[str, Any]) -> dict[str, Any]:
    return {"ForecastDimensions": config["dimensions"]} if config["dimensions"] else {}


def _filling(config: dict[str, Any], kinds: list[str]) -> list[tuple[str, dict[str, str]]]:
    """The rules of the attributes that there are files of."""
    present = {name for kind in kinds for name in config["datasets"][kind]}
    return [(name, rules) for name, rules in config["filling"].items() if name in present]


def _forecast(
    event: dict[str, Any], name: str, types: list[str], run: str, destination: Any, tags: list[dict[str, str]]
) -> dict[str, Any]:
    unique = forecast_name(event["dataset"], name, run)
    folder = f"forecasting/{event['dataset']}/exports/{name}/run={run}/"
    return {
        "name": name,
        "types": types,
        "folder": folder,
        "request": {"ForecastName": unique, "ForecastTypes": types, "Tags": tags},
        "export": {
            "kind": "forecast_export_job",
            "request": {
                "ForecastExportJobName": unique,
                "Destination": destination(folder),
                "Format": "CSV",
                "Tags": tags,
            },
        },
    }
