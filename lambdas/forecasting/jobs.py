"""What a run asks of the forecasting job on Glue (engine: storecast): its documents in S3, and what it will leave.

A Request names each file, and its versions beside it pin what Plan saw: what is uploaded since is the next run's.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from common.copies import by_key, list_key
from common.deliveries import Data
from common.payload import AwsJson, CopiedFile, Copies
from common.store import put_json, versions
from forecasting.config import ResolvedConfig
from forecasting.payload import JobFiles, PlannedJob, PlannedJobs, ResolvedRequest, Serving

COUNTING = (
    "RETAIL",
    "INVENTORY_PLANNING",
    "EC2_CAPACITY",
    "WORK_FORCE",
    "WEB_TRAFFIC",
)  # domains of things that are counted
AUTO = "AutoPredictor"
OURS = "s3://"  # begins what names a predictor of this engine: the URI of its folder


def plan_jobs(
    event: ResolvedRequest,
    run: str,
    data: Mapping[str, Data],
    copied: Mapping[str, list[CopiedFile]],
    serving: Serving | None,
) -> PlannedJobs:
    """The job's documents are written. `copied` are the files of each kind that are read as rewritten copies."""
    results, folder = event["resultsBucket"], f"forecasting/{event['dataset']}/"
    planned: list[Copies] = []
    files: dict[str, list[str]] = {}
    for kind, of in data.items():
        rewritten = {each["key"] for each in copied.get(kind, ())}
        files[kind] = [f"s3://{event['dataBucket']}/{key}" for key in of["files"] if key not in rewritten]
        if rewritten:
            key = list_key(folder, run, kind)
            put_json(results, key, copied[kind])
            planned.append({"dataBucket": event["dataBucket"], "resultsBucket": results, "copies": key})
            files[kind] += [f"s3://{results}/{each}" for each in by_key(key, copied[kind])]
    staged = f"{folder}staged/run={run}/"
    put_json(results, f"{staged}versions.json", _versions(event["dataBucket"], folder, data))
    request = _request(event, run, files)
    jobs: PlannedJobs = {
        "copies": planned,
        "train": _planned(event, run, "train", request),
        "scenarios": bool(request["scenarios"]),
        "explained": request["explain"],
    }
    if serving and serving["predictorArn"].startswith(OURS):
        jobs["forecast"] = _planned(event, run, "forecast", request, serving["predictorArn"])
    return jobs


def _planned(event: ResolvedRequest, run: str, what: str, request: AwsJson, predictor: str | None = None) -> PlannedJob:
    """Write the document of a training, or of a forecast by a predictor."""
    results, staged = event["resultsBucket"], f"forecasting/{event['dataset']}/staged/run={run}/"
    output = f"s3://{results}/{_folder(event, run, what)}"
    by = {"predictor": f"{predictor}/predictor"} if predictor else {}
    put_json(results, f"{staged}{what}.json", {**request, **by, "output": output.removesuffix("/")})
    return {
        "request": f"s3://{results}/{staged}{what}.json",
        "versions": f"s3://{results}/{staged}versions.json",
        "predictorArn": predictor or output.removesuffix("/"),
        "made": _made(event, run, what),
    }


def _folder(event: ResolvedRequest, run: str, what: str) -> str:
    return f"forecasting/{event['dataset']}/jobs/run={run}/{what}/"


def _made(event: ResolvedRequest, run: str, what: str) -> JobFiles:
    folder = _folder(event, run, what)
    return {
        "jobResult": f"{folder}result.json",
        "forecasts": [
            {
                "name": name,
                "types": types,
                "folder": f"{folder}forecast/",
                "forecastArn": f"s3://{event['resultsBucket']}/{folder}forecast",
            }
            for name, types in event["config"]["forecasts"].items()
        ],
        "explainability": {"folder": f"{folder}explainability/"},
        "whatIf": {
            "folder": f"{folder}what-if/",
            "scenarios": [{"name": name, "label": name} for name in event["config"].get("what_if", {})],
        },
    }


def _request(event: ResolvedRequest, run: str, files: Mapping[str, list[str]]) -> AwsJson:
    """A Request but for its `output` and `predictor` (storecast_engines.distributed.documents)."""
    config, domain = event["config"], event["domain"]
    explains = "related" in files or "metadata" in files or "holidays" in config
    present = {name for kind in files for name in config["datasets"][kind]}
    return {
        "name": f"storecast_{event['dataset'].replace('-', '_')}_{run}",
        "item": domain["item"],
        "value": domain["target"],
        "frequency": config["frequency"],
        "horizon": config["horizon"],
        "types": types(config),
        "dimensions": config["dimensions"],
        "algorithms": None if AUTO in config["algorithms"] else config["algorithms"],
        "metric": config["optimization_metric"],
        "windows": config["backtest_windows"],
        "country": config.get("holidays"),
        "filling": {name: rules for name, rules in config["filling"].items() if name in present},
        "boundary": config["time_alignment_boundary"],
        "counted": config["domain"] in COUNTING,
        "scenarios": config.get("what_if", {}) if "related" in files else {},
        "explain": bool(config.get("explainability")) and explains,
        **{
            kind: {
                "files": of_kind,
                "columns": config["datasets"][kind],
                "timestamp_format": config["timestamp_format"],
            }
            for kind, of_kind in files.items()
        },
    }


def types(config: ResolvedConfig) -> list[str]:
    """All forecast types that are asked for, each once: one job forecasts them all, and each table takes its own."""
    named = itertools.chain(config["quantiles"], *config["forecasts"].values())
    return sorted({each if each == "mean" else f"{float(each):g}" for each in named})


def _versions(bucket: str, folder: str, data: Mapping[str, Data]) -> dict[str, str]:
    """The version of each file, as Plan saw it, by its URI."""
    etags = {key: etag for of in data.values() for key, etag in of["files"].items()}
    return {f"s3://{bucket}/{key}": version for key, version in versions(bucket, folder, etags).items()}
