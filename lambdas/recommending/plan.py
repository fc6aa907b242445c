"""Plan: what this run imports and asks of Amazon Personalize, from the config and the files there; nothing at all if
the last run worked on the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TypedDict

from common import deliveries
from common.clients import client
from common.names import personalize_name, run_id
from common.payload import Inputs, NothingNew
from common.step import LambdaContext, step
from common.store import get_json, put_json
from recommending.payload import Columns, Plan, PlanRequest, Summary
from recommending.run_plan import PlannedImport, run_plan
from recommending.schema import avro_schema, columns

_MOST_FILES = 100  # new ones of a kind at once: each is an import of its own, and the state machine's payload is small


class Data(TypedDict):
    """What a dataset holds, as data.json of a run keeps it by dataset kind."""

    files: dict[str, str]  # ETags by key
    columns: Columns


@step
def handler(event: PlanRequest, context: LambdaContext) -> Plan | NothingNew:
    """The run's plan, or why there is none.

    Raises ValueError for a header that is no dataset's, or for too many files.
    """
    results, folder, kinds = event["resultsBucket"], _folder(event), event["config"]["datasets"]
    uploads = deliveries.Uploads.listed(event["dataBucket"], folder)
    uploads.report_age(event["dataset"])
    if waiting := deliveries.waiting(uploads, kinds, "interactions"):
        return waiting
    newest: Summary | None = get_json(results, f"{folder}newest.json")
    before: dict[str, Data] = (newest and get_json(results, f"{folder}runs/{newest['run']}/data.json")) or {}
    data = _data(event, uploads, before)
    inputs: Inputs = {
        "files": {kind: deliveries.checksum(of) for kind, of in data.items()},
        "config": deliveries.checksum(event["config"]),
    }
    imports = _imports(event, data, before, inputs["files"], newest["run"] if newest else "")
    data_changed = _data_changed(event, imports, inputs["files"], newest)
    if newest and not data_changed and newest["inputs"] == inputs:
        return deliveries.nothing_new(uploads, data, newest["run"])
    run = run_id(event["execution"], event["started"], newest["run"] if newest else None)
    put_json(results, f"{folder}runs/{run}/data.json", data)
    schemas = {kind: avro_schema(kind, of["columns"]) for kind, of in data.items()}
    plan = run_plan(event, schemas, imports, run=run, inputs=inputs, data_changed=data_changed)
    previous = newest.get("batch", {}) if newest else {}
    for job in plan["batch"]:
        if job["name"] in previous:
            job["previous"] = previous[job["name"]]
    return plan


def _data(event: PlanRequest, uploads: deliveries.Uploads, before: Mapping[str, Data]) -> dict[str, Data]:
    """What the datasets will hold: what is there, and where imports add to them, what was there before too."""
    found: dict[str, Data] = {}
    for kind, files in uploads.etags(event["config"]["datasets"]).items():
        columns_ = columns(event["config"], kind, uploads, before[kind]["columns"] if kind in before else {})
        added = _adds(event, kind, before, columns_)
        found[kind] = {"files": {**before[kind]["files"], **files} if added else files, "columns": columns_}
    return found


def _adds(event: PlanRequest, kind: str, before: Mapping[str, Data], columns_: Columns) -> bool:
    """Whether the kind's files are added one by one: only to data of the same columns that was imported in full."""
    incremental = event["config"]["import_mode"] == "INCREMENTAL" and not event["force"]
    return incremental and kind in before and before[kind]["columns"] == columns_


def _data_changed(
    event: PlanRequest, imports: list[PlannedImport], files: Mapping[str, str], newest: Summary | None
) -> bool:
    """Whether what serves is trained again: the data is not what it was trained on last, or it is forced.

    A run that failed may have trained it on other data, which it had imported.
    """
    if event["force"] or newest is None or any(job.changed for job in imports):
        return True
    trained = newest["inputs"]["files"] if "inputs" in newest else None  # a summary of an earlier version has none
    return trained != files or bool(
        deliveries.imported_since(client("personalize"), files, _named(event), newest["run"])
    )


def _imports(
    event: PlanRequest, data: Mapping[str, Data], before: Mapping[str, Data], files: Mapping[str, str], newest: str
) -> list[PlannedImport]:
    """A full import of each kind that is not as its dataset holds it, or one of each file that is new to it.

    `files` are the checksums of what the datasets will hold, `newest` is the run whose data is that of `before`.
    """
    full = [kind for kind, of in data.items() if not _adds(event, kind, before, of["columns"])]
    jobs = _full_imports(event, full, data, files)
    for kind, of in data.items():
        if kind not in full:
            jobs += _added_imports(event, kind, of["files"], before[kind]["files"], newest)
    return jobs


def _full_imports(
    event: PlanRequest, kinds: list[str], data: Mapping[str, Data], files: Mapping[str, str]
) -> list[PlannedImport]:
    forced = event["force"] and not event["attempt"]
    imported = {} if forced or not kinds else deliveries.imported(client("personalize"), kinds, _named(event))
    return [
        PlannedImport(
            kind,
            f"{_folder(event)}{kind}/",
            changed=imported.get(kind) != files[kind],
            imported_checksum=files[kind],
            planned_checksum=deliveries.checksum(data[kind]["files"]),
        )
        for kind in kinds
    ]


def _added_imports(
    event: PlanRequest, kind: str, files: Mapping[str, str], before: Mapping[str, str], newest: str
) -> list[PlannedImport]:
    """Of each file that neither the `newest` run knew nor a run after it, which failed, added."""
    new = {key: deliveries.checksum([key, etag]) for key, etag in files.items() if before.get(key) != etag}
    added = deliveries.added_since(client("personalize"), kind, _named(event), newest) if new else set()
    new = {key: tag for key, tag in new.items() if tag not in added}
    if len(new) > _MOST_FILES:
        raise ValueError(
            f"{len(new)} new files under s3://{event['dataBucket']}/{_folder(event)}{kind}/: at most {_MOST_FILES} are "
            'added one by one; put them together, or start with {"force": true} to import all files in full'
        )
    return [
        PlannedImport(kind, key, imported_checksum=tag, number=number) for number, (key, tag) in enumerate(new.items())
    ]


def _folder(event: PlanRequest) -> str:
    return f"recommending/{event['dataset']}/"


def _named(event: PlanRequest) -> Callable[[str, str], str]:
    """The name of the import of a kind in a run."""
    return functools.partial(personalize_name, event["dataset"])
