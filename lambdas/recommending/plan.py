"""Plan: what this run imports and asks of Amazon Personalize, from the config and the files there; nothing at all if
the last run worked on the same."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from common import deliveries, intake
from common.clients import client
from common.copies import list_key
from common.gate import Gate, copied
from common.intake import Checked
from common.names import RUN_ID_LENGTH, personalize_name, run_id
from common.payload import CopiedFile, Inputs, NothingNew
from common.step import LambdaContext, step
from common.store import CsvFolder, get_json, put_json
from common.tables import Layout
from recommending.config import Columns
from recommending.payload import Plan, PlanRequest, Summary
from recommending.run_plan import PlannedImport, run_plan
from recommending.schema import ESCAPE, avro_schema, columns, expecting

_MOST_FILES = 1_000  # new ones of a kind at once: one step copies them all
_LEAST_INTERACTIONS = 1_000  # of an import, whatever its mode (docs/aws-sources.md#personalize-data-prep-formatting)


class Held(TypedDict):
    """What a dataset holds, or will hold after the run."""

    files: dict[str, str]  # ETags by key
    columns: Columns


@dataclass
class Delivered:
    """The files of a kind that are read, as the check found them: their columns, and how many rows each has by key."""

    etags: dict[str, str]
    columns: Columns
    counts: dict[str, int]
    copies: dict[str, CopiedFile]  # by key, where the service cannot read all files as they are
    layouts: dict[str, Layout]
    notes: list[str]


@step
def handler(event: PlanRequest, context: LambdaContext) -> Plan | NothingNew:
    """The run's plan, or why there is none; and which files were refused.

    Raises ValueError for too many files.
    """
    results, folder, kinds = event["resultsBucket"], _folder(event), event["config"]["datasets"]
    uploads = deliveries.Uploads.listed(event["dataBucket"], folder)
    uploads.report_age(event["dataset"])
    newest: Summary | None = get_json(results, f"{folder}newest.json")
    before: dict[str, Any] = (newest and get_json(results, deliveries.data_key(folder, newest["run"]))) or {}
    run = run_id(event["execution"], event["started"], newest["run"] if newest else None)
    gate = Gate(event, folder, run, {kind: of["files"] for kind, of in before.items()})
    uploads = gate.by_name(uploads, kinds)
    if waiting := deliveries.waiting(uploads, kinds, "interactions"):
        return gate.answer(waiting)
    service = _Service(event)
    if newest and (nothing := _unchanged(event, uploads, before, newest, service)):
        return gate.answer(nothing)
    checked = {
        kind: intake.check(gate.files(uploads, kind), expecting(event["config"], kind), newest_counts=False)
        for kind in uploads.etags(kinds)
    }
    uploads = gate.refuse(uploads, {kind: of.refused for kind, of in checked.items()})
    if waiting := deliveries.waiting(uploads, kinds, "interactions"):
        return gate.answer(waiting)
    delivered = {
        kind: _delivered(event, uploads, kind, of, before[kind]["columns"] if kind in before else {})
        for kind, of in checked.items()
        if of.layouts
    }
    if "interactions" not in delivered:
        where = f"s3://{uploads.bucket}/{folder}interactions/"
        return gate.answer({"nothingNew": f"waits: no file under {where} has a row yet", "waitsFor": "interactions"})
    held, added, few = _held(event, uploads, delivered, before, newest["run"] if newest else "", service)
    if "interactions" not in held:
        return gate.answer({"nothingNew": few, "waitsFor": "interactions"})
    inputs = _inputs(event, held)
    imports = _imports(event, held, added, delivered, inputs["files"], service)
    data_changed = _data_changed(event, imports, inputs["files"], newest, service)
    if newest and not data_changed and newest["inputs"] == inputs:
        return gate.answer({"nothingNew": few} if few else deliveries.nothing_new(uploads, held, newest["run"]))
    put_json(results, deliveries.data_key(folder, run), _data(uploads, held, delivered, before, kinds))
    schemas = {kind: avro_schema(kind, of["columns"]) for kind, of in held.items()}
    plan = run_plan(event, schemas, imports, run=run, inputs=inputs, data_changed=data_changed)
    for planned, asked in zip(plan["imports"], imports, strict=True):
        if planned["copies"]:
            put_json(results, planned["copies"], asked.added or asked.copied)
    previous = newest.get("batch", {}) if newest else {}
    for job in plan["batch"]:
        if job["name"] in previous:
            job["previous"] = previous[job["name"]]
    return gate.answer(plan)


class _Service:
    """What Personalize says of imports; it is asked once."""

    def __init__(self, event: PlanRequest) -> None:
        self._named = functools.partial(personalize_name, event["dataset"])
        self._imported = functools.cache(lambda kinds: deliveries.imported(client("personalize"), kinds, self._named))
        self._since = functools.cache(
            lambda kinds, run: deliveries.imported_since(client("personalize"), kinds, self._named, run)
        )

    def imported(self, kinds: Iterable[str]) -> dict[str, str]:
        return self._imported(tuple(kinds))

    def since(self, kinds: Iterable[str], run: str) -> list[deliveries.Import]:
        return self._since(tuple(kinds), run)


def _inputs(event: PlanRequest, held: Mapping[str, Held]) -> Inputs:
    return {
        "files": {kind: deliveries.checksum(of) for kind, of in held.items()},
        "config": deliveries.checksum(event["config"]),
    }


def _unchanged(
    event: PlanRequest, uploads: deliveries.Uploads, before: Mapping[str, Any], newest: Summary, service: _Service
) -> NothingNew | None:
    """The answer to files that are all as the last run had them: nothing needs to be read."""
    etags, config = uploads.etags(event["config"]["datasets"]), event["config"]
    if event["force"] or etags.keys() != before.keys():
        return None
    if config["import_mode"] == "FULL" and any(before[kind]["files"] != files for kind, files in etags.items()):
        return None
    if any(before[kind]["files"].get(key) != etag for kind, of in etags.items() for key, etag in of.items()):
        return None
    held: dict[str, Held] = {
        kind: {"files": of["files"], "columns": config["datasets"][kind] or of["columns"]}
        for kind, of in before.items()
    }
    inputs = _inputs(event, held)
    if newest.get("inputs") != inputs:
        return None
    full = [kind for kind, of in held.items() if not _adds(event, kind, before, of["columns"])]
    imports = _full_imports(event, full, held, {}, inputs["files"], service)
    if _data_changed(event, imports, inputs["files"], newest, service):
        return None
    return deliveries.nothing_new(uploads, held, newest["run"])


def _delivered(
    event: PlanRequest, uploads: deliveries.Uploads, kind: str, checked: Checked, known: Columns
) -> Delivered:
    """Files with one header that has all columns are read as they are; otherwise copies, with one header for all."""
    bucket, etags = uploads.bucket, uploads.etags([kind])[kind]
    names = list(checked.expected.columns) if checked.expected else []
    zipped: dict[str, Layout] = {
        name.removeprefix(f"s3://{bucket}/"): {"gzip": True}
        for name, layout in checked.layouts.items()
        if layout.get("gzip")
    }
    first = next(iter(checked.layouts)).removeprefix(f"s3://{bucket}/")
    sample = CsvFolder(bucket, {first: etags[first]}, zipped, names)
    headers = [checked.headers[name] for name in checked.layouts]
    folder = f"{uploads.folder}{kind}/"
    direct = (
        len(checked.layouts) == len(etags)
        and all(header == headers[0] for header in headers)
        and set(names) <= set(headers[0])
        and checked.layouts.keys() <= checked.clean
        and not any("/" in key.removeprefix(folder) for key in etags)  # the service reads no folders in folders
    )
    if direct:
        checked.plain |= checked.layouts.keys()
    copies = copied(checked, etags, bucket, names, ESCAPE)
    return Delivered(
        etags,
        columns(event["config"], kind, f"s3://{bucket}/{folder}", sample, known),
        {name.removeprefix(f"s3://{bucket}/"): count for name, count in checked.counts.items()},
        {} if direct else {file["key"]: file for file in copies},
        zipped,
        checked.notes,
    )


def _data(
    uploads: deliveries.Uploads,
    held: Mapping[str, Held],
    delivered: Mapping[str, Delivered],
    before: Mapping[str, Any],
    kinds: Collection[str],
) -> dict[str, deliveries.Data]:
    """What data.json of the run keeps. Files that were added before stay in a dataset, and so do their layouts."""
    data: dict[str, deliveries.Data] = {
        kind: {
            "files": of["files"],
            "columns": of["columns"],
            "layouts": {**before.get(kind, {}).get("layouts", {}), **delivered[kind].layouts},
            "notes": delivered[kind].notes,
        }
        for kind, of in held.items()
    }
    data["interactions"]["notes"] += uploads.elsewhere(kinds)
    return data


def _held(
    event: PlanRequest,
    uploads: deliveries.Uploads,
    delivered: Mapping[str, Delivered],
    before: Mapping[str, Any],
    newest: str,
    service: _Service,
) -> tuple[dict[str, Held], dict[str, list[CopiedFile]], str]:
    """What the datasets will hold; by kind the files that are added to what they hold, all others are imported in full;
    and what is said of interactions that are too few to be imported, if some are: then they are left out.

    `newest` is the run whose data is that of `before`.
    """
    held: dict[str, Held] = {}
    added: dict[str, list[CopiedFile]] = {}
    few = ""
    for kind, found in delivered.items():
        files = found.etags
        held[kind] = {"files": files, "columns": found.columns}
        enough = kind != "interactions" or sum(found.counts.values()) >= _LEAST_INTERACTIONS
        where = f"s3://{uploads.bucket}/{uploads.folder}{kind}/"
        if not _adds(event, kind, before, found.columns):
            if not enough:
                del held[kind]
                rows = sum(found.counts.values())
                few = (
                    f"waits: the files under {where} hold {rows:,} interactions, and an import takes "
                    f"{_LEAST_INTERACTIONS:,} at least: {_LEAST_INTERACTIONS - rows:,} more start the next run"
                )
            continue
        was = before[kind]["files"]
        new = _new(event, kind, found, was, newest, service)
        rows = sum(found.counts.get(file["key"], 0) for file in new)
        short = kind == "interactions" and bool(new) and rows < _LEAST_INTERACTIONS
        if short and was.keys() <= files.keys() and enough:
            continue  # all that was imported is still there
        if short:
            few = (
                f"waits: the new files under {where} hold {rows} interactions, and an import takes "
                f"{_LEAST_INTERACTIONS} at least; upload more, or start with "
                '{"force": true} to import in full the files that are there'
            )
            waiting = {file["key"] for file in new}
            new, files = [], {key: etag for key, etag in files.items() if key not in waiting}
        held[kind] = {"files": {**was, **files}, "columns": found.columns}
        added[kind] = new
    return held, added, few


def _adds(event: PlanRequest, kind: str, before: Mapping[str, Any], columns_: Columns) -> bool:
    """Whether the kind's files are added one by one: only to data of the same columns that was imported in full."""
    incremental = event["config"]["import_mode"] == "INCREMENTAL" and not event["force"]
    return incremental and kind in before and before[kind]["columns"] == columns_


def _data_changed(
    event: PlanRequest,
    imports: list[PlannedImport],
    files: Mapping[str, str],
    newest: Summary | None,
    service: _Service,
) -> bool:
    """Whether what serves is trained again: the data is not what it was trained on last, or it is forced.

    A run that failed may have trained it on other data, which it had imported.
    """
    if event["force"] or newest is None or any(job.changed for job in imports):
        return True
    trained = newest["inputs"]["files"] if "inputs" in newest else None  # a summary of an earlier version has none
    return trained != files or bool(service.since(files, newest["run"]))


def _imports(
    event: PlanRequest,
    held: Mapping[str, Held],
    added: Mapping[str, list[CopiedFile]],
    delivered: Mapping[str, Delivered],
    files: Mapping[str, str],
    service: _Service,
) -> list[PlannedImport]:
    """A full import of each kind that is not as its dataset holds it, or one of the files that are new to it.

    `files` are the checksums of what the datasets will hold.
    """
    return [
        *_full_imports(event, [kind for kind in held if kind not in added], held, delivered, files, service),
        *(
            PlannedImport(kind, imported_checksum=deliveries.checksum(new), added=new)
            for kind, new in added.items()
            if new
        ),
    ]


def _full_imports(
    event: PlanRequest,
    kinds: list[str],
    held: Mapping[str, Held],
    delivered: Mapping[str, Delivered],
    files: Mapping[str, str],
    service: _Service,
) -> list[PlannedImport]:
    forced = event["force"] and not event["attempt"]
    imported = {} if forced or not kinds else service.imported(kinds)
    return [
        PlannedImport(
            kind,
            changed=imported.get(kind) != files[kind],
            imported_checksum=files[kind],
            planned_checksum=deliveries.checksum(held[kind]["files"]),
            copied=list(delivered[kind].copies.values()) if kind in delivered else [],
        )
        for kind in kinds
    ]


def _new(
    event: PlanRequest, kind: str, found: Delivered, before: Mapping[str, str], newest: str, service: _Service
) -> list[CopiedFile]:
    """The files that neither the `newest` run knew nor a run after it, which failed, added."""
    new = {key: etag for key, etag in found.etags.items() if before.get(key) != etag and found.counts.get(key)}
    if not new:
        return []
    for job in service.since([kind], newest):
        copied: list[CopiedFile] = (
            get_json(event["resultsBucket"], list_key(_folder(event), job.name[-RUN_ID_LENGTH:], kind)) or []
        )
        new = {key: etag for key, etag in new.items() if (key, etag) not in {(c["key"], c["etag"]) for c in copied}}
    if len(new) > _MOST_FILES:
        raise ValueError(
            f"{len(new)} new files under s3://{event['dataBucket']}/{_folder(event)}{kind}/: at most {_MOST_FILES} are "
            'added at once; put them together, or start with {"force": true} to import all files in full'
        )
    return [found.copies.get(key, {"key": key, "etag": etag}) for key, etag in new.items()]


def _folder(event: PlanRequest) -> str:
    return f"recommending/{event['dataset']}/"
