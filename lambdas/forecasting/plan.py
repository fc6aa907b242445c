"""Plan: what this run will ask of Amazon Forecast, or of our own job, from the config and the files there; nothing at
all if the last run worked on the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from common import deliveries, intake
from common.clients import client
from common.copies import copies_folder, list_key
from common.deliveries import Data
from common.gate import Gate, layouts
from common.gate import copied as gate_copies
from common.intake import Checked
from common.names import forecast_name, numbered, run_id
from common.payload import AwsJson, Inputs, NothingNew
from common.step import LambdaContext, step
from common.store import get_json, put_json
from forecasting import predictors, schema
from forecasting.config import Change, ResolvedConfig
from forecasting.jobs import plan_jobs
from forecasting.payload import (
    About,
    Creation,
    Dataset,
    Export,
    Forecast,
    Import,
    JobPlan,
    Plan,
    PlanBasics,
    PlannedRequests,
    PlanRequest,
    ResolvedRequest,
    Scenario,
    Serving,
    WhatIf,
)
from forecasting.plausible import Plausible
from forecasting.summary import Summary

# Keys of the config that change nothing in what a run makes.
_NOT_TRAINED_WITH = ("keep", "most_forecasts", "promotion", "drift", "summed_over", "implausible_times")
_SUMMED = "+sum"  # ends the checksum of files whose rows add up where several files have them
_TYPES = {"target": "TARGET_TIME_SERIES", "related": "RELATED_TIME_SERIES", "metadata": "ITEM_METADATA"}


@step
def handler(event: PlanRequest, context: LambdaContext) -> Plan | JobPlan | NothingNew:
    """The run's plan, or why there is nothing to do; and which files were refused."""
    folder, kinds, results = _folder(event), event["config"]["datasets"], event["resultsBucket"]
    uploads = deliveries.Uploads.listed(event["dataBucket"], folder)
    uploads.report_age(event["dataset"])
    newest: Summary | None = get_json(results, f"{folder}newest.json")
    before: dict[str, Data] = (newest and get_json(results, deliveries.data_key(folder, newest["run"]))) or {}
    run = run_id(event["execution"], event["started"], newest["run"] if newest else None)
    gate = Gate(event, folder, run, {kind: data["files"] for kind, data in before.items()})
    uploads = gate.by_name(uploads, kinds)
    ours = event["config"].get("engine") == "storecast"
    imported = functools.cache(lambda: _covered(newest) if ours else _imported(event))
    state = _State(event, newest, uploads, imported)
    if state.ends:
        return gate.answer(state.ends)
    uploads, checked = _checked(event, gate, uploads, list(state.files))
    checked = {kind: of for kind, of in checked.items() if of.layouts}
    state = _State(event, newest, uploads, imported, checked)
    if state.ends:
        return gate.answer(state.ends)
    data = _data(uploads, checked)
    data["target"]["notes"] += uploads.elsewhere(kinds)
    copied = {kind: gate_copies(checked[kind], of["files"], uploads.bucket) for kind, of in data.items()}
    copied = {kind: files for kind, files in copied.items() if checked[kind].plain < set(_uris(uploads, data[kind]))}
    columns = {kind: dict(of.expected.columns) for kind, of in checked.items() if of.expected}
    resolved: ResolvedConfig = {**event["config"], "datasets": columns}
    request: ResolvedRequest = {**event, "config": resolved}
    serving = _serving(newest) if newest else None
    put_json(results, deliveries.data_key(folder, run), data)
    if ours:
        rewritten = {kind: [each for each in files if "layout" in each] for kind, files in copied.items()}
        read = _with_rows(uploads, data, checked)
        jobs = plan_jobs(request, run, read, rewritten, serving)
        return gate.answer({**_about(request, run), **jobs, "inputs": state.inputs, "serving": serving})
    requests = run_plan(request, state.files, state.imported, run, copied=copied)
    for job in requests["imports"]:
        if job["copies"]:
            put_json(results, job["copies"], copied[job["kind"]])
    return gate.answer({**requests, "inputs": state.inputs, "serving": serving})


def _imported(event: PlanRequest) -> dict[str, str]:
    """By kind, the checksum of the files that Forecast's datasets hold."""
    named = functools.partial(forecast_name, event["dataset"])
    return deliveries.imported(client("forecast"), event["config"]["datasets"], named)


def _covered(newest: Summary | None) -> dict[str, str]:
    """By kind, the checksum of the files that the run in use read: our own job imports nothing beforehand."""
    return newest["inputs"]["files"] if newest else {}


def _with_rows(
    uploads: deliveries.Uploads, data: Mapping[str, Data], checked: Mapping[str, Checked]
) -> dict[str, Data]:
    """The files that have rows, of which no newer file replaces all."""

    def left(kind: str, key: str) -> bool:
        name = f"s3://{uploads.bucket}/{key}"
        return name in checked[kind].layouts and checked[kind].left(name) > 0

    return {
        kind: {**of, "files": {key: etag for key, etag in of["files"].items() if left(kind, key)}}
        for kind, of in data.items()
    }


def _checked(
    event: PlanRequest, gate: Gate, uploads: deliveries.Uploads, kinds: Sequence[str]
) -> tuple[deliveries.Uploads, dict[str, Checked]]:
    """What the check of the files found, and the uploads without those that are refused."""

    def check(kind: str, watch: intake.Watch) -> Checked:
        newest_counts = event["config"].get("overlap") != "sum"
        expecting = schema.expecting(event, kind)
        return intake.check(gate.files(uploads, kind), expecting, newest_counts=newest_counts, watch=watch)

    while True:  # until no file is refused, so that of one that is, nothing counts
        plausible = Plausible(event["config"], event["domain"], datetime.fromisoformat(event["started"][:19]))
        checked = {kind: check(kind, plausible.watch(kind)) for kind in sorted(kinds, key=list(_TYPES).index)}
        odd, known = plausible.odd(checked), {kind: gate.known(uploads, kind) for kind in kinds}
        notes = {kind: [why for name, why in of.items() if name in known[kind]] for kind, of in odd.items()}  # stays
        new = {kind: {name: why for name, why in of.items() if name not in known[kind]} for kind, of in odd.items()}
        refused = {kind: {**of.refused, **new[kind]} for kind, of in checked.items()}
        if not any(refused.values()):
            break
        uploads = gate.refuse(uploads, refused)
    for kind, of_kind in notes.items():
        checked[kind].notes += of_kind
    return uploads, checked


class _State:
    """What a run works on, and how it ends early if there is nothing to do."""

    def __init__(
        self,
        event: PlanRequest,
        newest: Summary | None,
        uploads: deliveries.Uploads,
        imported: Callable[[], dict[str, str]],
        checked: Mapping[str, Checked] | None = None,
    ) -> None:
        kinds = event["config"]["datasets"]
        how = _SUMMED if event["config"].get("overlap") == "sum" else ""  # the same files are another dataset then
        self.files = {kind: of + how for kind, of in uploads.checksums(kinds if checked is None else checked).items()}
        self.imported: dict[str, str] = {}
        config = {key: value for key, value in event["config"].items() if key not in _NOT_TRAINED_WITH}
        if config.get("engine") == "amazon-forecast":
            del config["engine"]  # the only engine of earlier versions, whose checksums are kept
        self.inputs: Inputs = {"files": self.files, "config": deliveries.checksum(config)}
        self.ends: NothingNew | None = deliveries.waiting(uploads, kinds, "target")
        if self.ends is None and "target" not in self.files:
            where = f"s3://{uploads.bucket}/{uploads.folder}target/"
            self.ends = {"nothingNew": f"waits: no file under {where} has a row yet", "waitsFor": "target"}
        if self.ends:
            return
        if not event["force"] or event["attempt"]:
            self.imported = {kind: of for kind, of in imported().items() if kind in self.files}
        unchanged = self.imported == self.files and newest and newest.get("inputs") == self.inputs
        if unchanged and newest and not event["force"]:
            self.ends = deliveries.nothing_new(uploads, self.files, newest["run"])


def _data(uploads: deliveries.Uploads, checked: Mapping[str, Checked]) -> dict[str, Data]:
    """By kind, what the run works on."""
    return {
        kind: {
            "files": files,
            "layouts": layouts(checked[kind], uploads.bucket),
            "notes": checked[kind].notes,
        }
        for kind, files in uploads.etags(checked).items()
    }


def _uris(uploads: deliveries.Uploads, data: Data) -> Iterator[str]:
    return (f"s3://{uploads.bucket}/{key}" for key in data["files"])


def _serving(newest: Summary) -> Serving:
    """Of newest.json, what must not be pruned, and what its predictor was trained with."""
    return {
        "run": newest["run"],
        "predictorArn": newest["predictorArn"],
        "forecasts": newest["forecasts"],
        "inputs": newest.get("inputs"),
    }


def run_plan(
    event: ResolvedRequest,
    files: Mapping[str, str],
    imported: Mapping[str, str],
    run: str,
    *,
    copied: Collection[str] = (),
) -> PlannedRequests:
    """Every request of the run, but for the ARNs that only its steps know.

    `files` are the checksums of what is there by kind, `imported` of what the datasets hold; the files of the kinds in
    `copied` are to be copied before they are imported. The config names the columns of all its datasets.
    """
    config, dataset, kinds, tags = event["config"], event["dataset"], list(files), _tags(event)
    encryption = {"EncryptionConfig": {**_key(event), "RoleArn": event["roleArn"]}} if _key(event) else {}
    return {
        **_about(event, run),
        "group": {"DatasetGroupName": forecast_name(dataset), "Domain": config["domain"], "Tags": tags},
        "datasets": [_dataset(event, kind, encryption) for kind in kinds],
        "imports": [
            _import(event, kind, run, files[kind], imported.get(kind), copied=kind in copied) for kind in kinds
        ],
        "predictors": [
            predictors.planned(config, dataset, algorithm, run, kinds, {**encryption, "Tags": tags})
            for algorithm in config["algorithms"]
        ],
        "backtests": _export(event, run, "backtests", "predictor_backtest_export_job", "PredictorArn"),
        "explanation": _explanation(event, run),
        "explainability": _export(event, run, "explainability", "explainability_export", "ExplainabilityArn"),
        "forecasts": [_forecast(event, run, name, types) for name, types in config["forecasts"].items()],
        "whatIf": _what_if(event, run),
    }


def _about(event: ResolvedRequest, run: str) -> About:
    return {
        "dataset": event["dataset"],
        "config": event["config"],
        "domain": event["domain"],
        "execution": event["execution"],
        "dataBucket": event["dataBucket"],
        "resultsBucket": event["resultsBucket"],
        "database": event["database"],
        "run": run,
        "attempt": event["attempt"],
    }


def _dataset(event: ResolvedRequest, kind: str, encryption: AwsJson) -> Dataset:
    config = event["config"]
    columns = config["datasets"][kind]
    frequency = {} if kind == "metadata" else {"DataFrequency": config["frequency"]}
    return {
        "kind": kind,
        "request": {
            "DatasetName": forecast_name(event["dataset"], kind),
            "Domain": config["domain"],
            "DatasetType": _TYPES[kind],
            "Schema": {
                "Attributes": [{"AttributeName": name, "AttributeType": type_} for name, type_ in columns.items()]
            },
            **frequency,
            **encryption,
            "Tags": _tags(event),
        },
    }


def _import(
    event: ResolvedRequest,
    kind: str,
    run: str,
    checksum: str,
    imported: str | None,
    *,
    copied: bool,
) -> Import:
    """The import of a kind's folder, or of copies of its files if the service cannot read them all as they are."""
    attempt = numbered(run, event["attempt"]) if event["attempt"] else run  # a name is free once
    folder, copies = f"{_folder(event)}{kind}/", list_key(_folder(event), attempt, kind) if copied else ""
    path = f"s3://{event['dataBucket']}/{folder}"
    if copied:
        path = f"s3://{event['resultsBucket']}/{copies_folder(copies)}"
    times = {} if kind == "metadata" else {"TimestampFormat": event["config"]["timestamp_format"]}
    return {
        "kind": kind,
        "dataset": event["dataset"],
        "attempt": event["attempt"],
        "dataBucket": event["dataBucket"],
        "resultsBucket": event["resultsBucket"],
        "run": run,
        "folder": folder,
        "copies": copies,
        "changed": imported != checksum,
        "importedChecksum": checksum,
        "plannedChecksum": "" if copied else checksum.removesuffix(_SUMMED),  # a copy stays as it is
        "request": {
            "DatasetImportJobName": forecast_name(event["dataset"], kind, attempt),
            "Format": "CSV",
            "ImportMode": "FULL",
            "DataSource": {"S3Config": {"Path": path, "RoleArn": event["roleArn"], **_key(event)}},
            **times,
            "Tags": _tags(event),
        },
    }


def _export(event: ResolvedRequest, run: str, folder: str, kind: str, of: str, *name: str) -> Export:
    """An export job into a folder of this run; `of` is the member that names what it exports."""
    path = f"{_folder(event)}{folder}/run={run}/"
    place = {"Path": f"s3://{event['resultsBucket']}/{path}", "RoleArn": event["roleArn"], **_key(event)}
    resource = "".join(word.capitalize() for word in kind.split("_"))
    return {
        "folder": path,
        "kind": kind,
        "of": of,
        "request": {
            f"{resource}Name": forecast_name(event["dataset"], *name, run),
            "Destination": {"S3Config": place},
            "Format": "CSV",
            "Tags": _tags(event),
        },
    }


def _explanation(event: ResolvedRequest, run: str) -> Creation:
    """The explainability of a predictor, over all series and time points
    (docs/aws-sources.md#forecast-API_CreateExplainability)."""
    return {
        "kind": "explainability",
        "of": "ResourceArn",
        "request": {
            "ExplainabilityName": forecast_name(event["dataset"], "explained", run),
            "ExplainabilityConfig": {"TimeSeriesGranularity": "ALL", "TimePointGranularity": "ALL"},
            "Tags": _tags(event),
        },
    }


def _forecast(event: ResolvedRequest, run: str, name: str, types: list[str]) -> Forecast:
    export = _export(event, run, f"exports/{name}", "forecast_export_job", "ForecastArn", name)
    return {
        "name": name,
        "types": types,
        "folder": export["folder"],
        "kind": "forecast",
        "of": "PredictorArn",
        "request": {
            "ForecastName": forecast_name(event["dataset"], name, run),
            "ForecastTypes": types,
            "Tags": _tags(event),
        },
        "export": export,
    }


def _what_if(event: ResolvedRequest, run: str) -> WhatIf:
    name = forecast_name(event["dataset"], "what_if", run)
    return {
        "analysis": {
            "kind": "what_if_analysis",
            "of": "ForecastArn",
            "request": {"WhatIfAnalysisName": name, "Tags": _tags(event)},
        },
        "scenarios": [
            _scenario(event, run, name, changes) for name, changes in event["config"].get("what_if", {}).items()
        ],
        "export": _export(event, run, "what-if", "what_if_forecast_export", "WhatIfForecastArns"),
    }


def _scenario(event: ResolvedRequest, run: str, name: str, changes: Sequence[Change]) -> Scenario:
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
    return {
        "name": name,
        "kind": "what_if_forecast",
        "of": "WhatIfAnalysisArn",
        "request": {
            "WhatIfForecastName": forecast_name(event["dataset"], name, run),
            "TimeSeriesTransformations": transformations,
            "Tags": _tags(event),
        },
    }


def _folder(event: PlanBasics) -> str:
    """Of the dataset, in both buckets."""
    return f"forecasting/{event['dataset']}/"


def _tags(event: ResolvedRequest) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in event["tags"].items()]


def _key(event: ResolvedRequest) -> dict[str, str]:
    """The customer managed key, if the app has one, where Forecast reads or writes files."""
    return {"KMSKeyArn": event["kmsKeyArn"]} if "kmsKeyArn" in event else {}
