"""Plan: what this run imports and will ask of Amazon Personalize, from the config and the files there; nothing at all
if the last run worked on the same."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from common import deliveries
from common.clients import client
from common.names import personalize_name, run_id
from common.payload import NothingNew
from common.step import step
from common.store import get_json, put_json
from recommending.order import Job, order
from recommending.schema import avro_schema, columns

_MOST_FILES = 100  # new ones of a kind at once: each is an import of its own, and the state machine's payload is small

# By kind of dataset: its `files`, ETag by key, and its `columns`.
Data = Mapping[str, Mapping[str, Any]]


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | NothingNew:
    """The run's order, or `nothingNew`, why there is none.

    Raises ValueError with a header that is no dataset's, or with too many files.
    """
    bucket, results, folder = event["dataBucket"], event["resultsBucket"], f"recommending/{event['dataset']}/"
    uploads = deliveries.Uploads.listed(bucket, folder)
    uploads.report_age(event["dataset"])
    if waiting := deliveries.waiting(uploads, event["config"]["datasets"], "interactions"):
        return waiting
    there = uploads.etags(event["config"]["datasets"])
    newest = get_json(results, f"{folder}newest.json")
    before: Data = (newest and get_json(results, f"{folder}runs/{newest['run']}/data.json")) or {}
    data = _data(event, folder, there, before)
    files = {kind: deliveries.checksum(of) for kind, of in data.items()}
    inputs = {"files": files, "config": deliveries.checksum(event["config"])}
    imports = _imports(event, folder, data, before, files, (newest or {}).get("run", ""))
    trained = newest.get("inputs", {}).get("files") if newest else None
    # What serves is trained again where the data is not what it was trained on last. A run that failed may have trained
    # it on other data, which it had imported.
    named = functools.partial(personalize_name, event["dataset"])
    data_changed = (
        event["force"]
        or trained != files
        or any(job.changed for job in imports)
        or bool(deliveries.imported_since(client("personalize"), data, named, newest["run"]))
    )
    if not data_changed and newest["inputs"] == inputs:
        return deliveries.nothing_new(uploads, data, newest["run"])
    run = run_id(event["execution"], event["started"], newest and newest["run"])
    put_json(results, f"{folder}runs/{run}/data.json", data)
    whole = order(event, {kind: avro_schema(kind, of["columns"]) for kind, of in data.items()}, imports, run)
    done = (newest or {}).get("batch", {})
    return {
        **whole,
        "batch": [{**job, "done": done[job["name"]]} if job["name"] in done else job for job in whole["batch"]],
        "inputs": inputs,
        "dataChanged": data_changed,
    }


def _data(event: dict[str, Any], folder: str, there: Mapping[str, dict[str, str]], before: Data) -> Data:
    """What the datasets will hold: what is there, and where imports add to them, what was there before too."""
    found: dict[str, dict[str, Any]] = {}
    for kind, files in there.items():
        known = before.get(kind, {}).get("columns", {})
        found[kind] = {"files": files, "columns": columns(event, kind, f"{folder}{kind}/", known)}
        if _adds(event, kind, before, found[kind]["columns"]):
            found[kind]["files"] = {**before[kind]["files"], **files}
    return found


def _adds(event: dict[str, Any], kind: str, before: Data, columns_: Mapping[str, Any]) -> bool:
    """Whether the kind's files are added one by one: only to data of the same columns that was imported in full."""
    incremental = event["config"]["import_mode"] == "INCREMENTAL" and not event["force"]
    return incremental and before.get(kind, {}).get("columns") == columns_


def _imports(
    event: dict[str, Any], folder: str, data: Data, before: Data, holds: Mapping[str, str], newest: str
) -> list[Job]:
    """A full import of each kind that is not as its dataset holds it, or one of each file that is new to it: that
    neither the `newest` run knew nor a run after it, which failed, added."""
    named = functools.partial(personalize_name, event["dataset"])
    whole = [kind for kind, of in data.items() if not _adds(event, kind, before, of["columns"])]
    anew = event["force"] and not event["attempt"]
    imported = {} if anew or not whole else deliveries.imported(client("personalize"), whole, named)
    jobs = [
        Job(
            kind,
            f"{folder}{kind}/",
            changed=imported.get(kind) != holds[kind],
            imported_checksum=holds[kind],
            planned_checksum=deliveries.checksum(data[kind]["files"]),
        )
        for kind in whole
    ]
    for kind, of in data.items():
        if kind not in whole:
            new = {
                key: deliveries.checksum([key, etag])
                for key, etag in of["files"].items()
                if before[kind]["files"].get(key) != etag
            }
            there = deliveries.added_since(client("personalize"), kind, named, newest) if new else set()
            new = {key: tag for key, tag in new.items() if tag not in there}
            if len(new) > _MOST_FILES:
                raise ValueError(
                    f"{len(new)} new files under s3://{event['dataBucket']}/{folder}{kind}/: at most {_MOST_FILES} are "
                    'added one by one; put them together, or start with {"force": true} to import all files in full'
                )
            jobs += [
                Job(kind, key, imported_checksum=tag, number=number) for number, (key, tag) in enumerate(new.items())
            ]
    return jobs
