"""Plan: what this run imports and asks of Amazon Personalize, from the config and the files there; nothing at all if
the last run worked on the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TypedDict

from common import deliveries
from common.clients import client
from common.copies import list_key
from common.names import RUN_ID_LENGTH, personalize_name, run_id
from common.payload import CopiedFile, Inputs, NothingNew
from common.step import LambdaContext, step
from common.store import CsvFolder, get_json, put_json
from recommending.payload import Columns, Plan, PlanRequest, Summary
from recommending.run_plan import PlannedImport, run_plan
from recommending.schema import avro_schema, columns

_MOST_FILES = 1_000  # new ones of a kind at once: one step copies them all
_LEAST_INTERACTIONS = 1_000  # of an import, whatever its mode (Personalize guide, data-prep-formatting.md)


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
    newest_run = newest["run"] if newest else ""
    before: dict[str, Data] = (newest and get_json(results, deliveries.data_key(folder, newest_run))) or {}
    data, added, few = _data(event, uploads, before, newest_run)
    inputs: Inputs = {
        "files": {kind: deliveries.checksum(of) for kind, of in data.items()},
        "config": deliveries.checksum(event["config"]),
    }
    imports = _imports(event, data, added, inputs["files"])
    data_changed = _data_changed(event, imports, inputs["files"], newest)
    if newest and not data_changed and newest["inputs"] == inputs:
        return {"nothingNew": few} if few else deliveries.nothing_new(uploads, data, newest["run"])
    run = run_id(event["execution"], event["started"], newest["run"] if newest else None)
    put_json(results, deliveries.data_key(folder, run), data)
    schemas = {kind: avro_schema(kind, of["columns"]) for kind, of in data.items()}
    plan = run_plan(event, schemas, imports, run=run, inputs=inputs, data_changed=data_changed)
    for planned, asked in zip(plan["imports"], imports, strict=True):
        if asked.added:
            put_json(results, planned["copies"], asked.added)
    previous = newest.get("batch", {}) if newest else {}
    for job in plan["batch"]:
        if job["name"] in previous:
            job["previous"] = previous[job["name"]]
    return plan


def _data(
    event: PlanRequest, uploads: deliveries.Uploads, before: Mapping[str, Data], newest: str
) -> tuple[dict[str, Data], dict[str, list[CopiedFile]], str]:
    """What the datasets will hold; by kind the files that are added to what they hold, all others are imported in full;
    and what is said of new interactions that are too few to be added, if some are.

    `newest` is the run whose data is that of `before`.
    """
    held: dict[str, Data] = {}
    added: dict[str, list[CopiedFile]] = {}
    few = ""
    for kind, files in uploads.etags(event["config"]["datasets"]).items():
        columns_ = columns(event["config"], kind, uploads, before[kind]["columns"] if kind in before else {})
        held[kind] = {"files": files, "columns": columns_}
        if not _adds(event, kind, before, columns_):
            continue
        was = before[kind]["files"]
        new = _new(event, kind, files, was, newest)
        rows = _rows(event, uploads, new) if kind == "interactions" and new else _LEAST_INTERACTIONS
        if rows < _LEAST_INTERACTIONS and was.keys() <= files.keys():
            continue  # all that was imported is still there
        if rows < _LEAST_INTERACTIONS:
            few = (
                f"waits: the new files under s3://{uploads.bucket}/{uploads.folder}{kind}/ hold {rows} interactions, "
                f"and an import takes {_LEAST_INTERACTIONS} at least; upload more, or start with "
                '{"force": true} to import in full the files that are there'
            )
            waiting = {file["key"] for file in new}
            new, files = [], {key: etag for key, etag in files.items() if key not in waiting}
        held[kind] = {"files": {**was, **files}, "columns": columns_}
        added[kind] = new
    return held, added, few


def _rows(event: PlanRequest, uploads: deliveries.Uploads, files: Sequence[CopiedFile]) -> int:
    """How many rows the files have beside their headers; not counted further than an import needs, nor in a file that
    cannot be read, which its import refuses."""
    keys = {file["key"] for file in files}
    folder = CsvFolder(event["dataBucket"], {file.key: file.etag for file in uploads.files if file.key in keys})
    try:
        rows = sum(1 for _ in islice(folder.rows(), _LEAST_INTERACTIONS + len(files)))
    except ValueError:
        return _LEAST_INTERACTIONS
    return max(0, rows - len(files))


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
    event: PlanRequest, data: Mapping[str, Data], added: Mapping[str, list[CopiedFile]], files: Mapping[str, str]
) -> list[PlannedImport]:
    """A full import of each kind that is not as its dataset holds it, or one of the files that are new to it.

    `files` are the checksums of what the datasets will hold.
    """
    return [
        *_full_imports(event, [kind for kind in data if kind not in added], data, files),
        *(
            PlannedImport(kind, imported_checksum=deliveries.checksum(new), added=new)
            for kind, new in added.items()
            if new
        ),
    ]


def _full_imports(
    event: PlanRequest, kinds: list[str], data: Mapping[str, Data], files: Mapping[str, str]
) -> list[PlannedImport]:
    forced = event["force"] and not event["attempt"]
    imported = {} if forced or not kinds else deliveries.imported(client("personalize"), kinds, _named(event))
    return [
        PlannedImport(
            kind,
            changed=imported.get(kind) != files[kind],
            imported_checksum=files[kind],
            planned_checksum=deliveries.checksum(data[kind]["files"]),
        )
        for kind in kinds
    ]


def _new(
    event: PlanRequest, kind: str, files: Mapping[str, str], before: Mapping[str, str], newest: str
) -> list[CopiedFile]:
    """The files that neither the `newest` run knew nor a run after it, which failed, added."""
    new = {key: etag for key, etag in files.items() if before.get(key) != etag}
    if not new:
        return []
    for job in deliveries.imported_since(client("personalize"), [kind], _named(event), newest):
        copied: list[CopiedFile] = (
            get_json(event["resultsBucket"], list_key(_folder(event), job.name[-RUN_ID_LENGTH:], kind)) or []
        )
        new = {key: etag for key, etag in new.items() if (key, etag) not in {(c["key"], c["etag"]) for c in copied}}
    if len(new) > _MOST_FILES:
        raise ValueError(
            f"{len(new)} new files under s3://{event['dataBucket']}/{_folder(event)}{kind}/: at most {_MOST_FILES} are "
            'added at once; put them together, or start with {"force": true} to import all files in full'
        )
    return [{"key": key, "etag": etag, "start": 0} for key, etag in new.items()]


def _folder(event: PlanRequest) -> str:
    return f"recommending/{event['dataset']}/"


def _named(event: PlanRequest) -> Callable[[str, str], str]:
    """The name of the import of a kind in a run."""
    return functools.partial(personalize_name, event["dataset"])
