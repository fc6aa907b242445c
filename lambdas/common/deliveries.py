"""Which files were imported already: each import job is tagged with a checksum of its files, so the service itself,
and no state beside it, says what its datasets hold. An import that failed left its dataset as it was.

It is tagged at its end, if its files stayed the same while it was at work: then that is what it read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common import metrics
from common.names import RUN_ID_LENGTH
from common.resources import summaries, tag, tags
from common.store import csv_files, csv_keys, csv_objects, newest_upload

TAG = "files"
LOOKS = 3  # of a run, again, at files that were written while they were imported
QUARANTINE = "quarantine/"  # of the data bucket; under it the folders are as above it
_LEFT_NOTHING = ("FAILED", "STOPPED", "DELETE")


def checksums(bucket: str, folder: str, kinds: Iterable[str]) -> dict[str, str]:
    """By dataset kind that has CSV files under `folder`, the checksum of their keys and ETags."""
    return {kind: checksum(files) for kind, files in delivered(bucket, folder, kinds).items()}


def delivered(bucket: str, folder: str, kinds: Iterable[str]) -> dict[str, dict[str, str]]:
    """By dataset kind that has CSV files under `folder`, their ETags by key."""
    found = {kind: dict(csv_files(bucket, f"{folder}{kind}/")) for kind in kinds}
    return {kind: files for kind, files in found.items() if files}


def checksum(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def tell_age(bucket: str, folder: str, dataset: str) -> None:
    """How old the newest upload under `folder`, "forecasting/<dataset>/", is: the stale-data alarm's metric."""
    if newest := newest_upload(bucket, folder):
        hours = (datetime.now(UTC) - newest).total_seconds() / 3600
        metrics.put({"HoursSinceUpload": hours}, dataset=dataset, pipeline=folder.partition("/")[0])


@dataclass(frozen=True)
class Import:
    """An import job; `ended` is when it ended, or the last look at one that is at work."""

    name: str
    arn: str
    status: str
    created: datetime
    ended: datetime


def imports(service: Any, kinds: Iterable[str], named: Callable[[str, str], str]) -> dict[str, list[Import]]:
    """By kind of dataset its imports, in the order in which they ended: not that of their names, which is the clock's,
    nor of their creation, as one of a run that was stopped may end after that of the run after it.

    `named(kind, run)` is the name of the kind's import in a run.
    """
    found = []
    for summary in summaries(service, "dataset_import_job"):
        lowered = {key.lower(): value for key, value in summary.items()}
        name = lowered.get("jobname") or lowered["datasetimportjobname"]
        created = lowered.get("creationdatetime") or lowered["creationtime"]
        ended = lowered.get("lastupdateddatetime") or lowered["lastmodificationtime"]
        found.append(Import(name, lowered["datasetimportjobarn"], lowered["status"], created, ended))
    found.sort(key=lambda job: job.ended)
    return {kind: [job for job in found if job.name == named(kind, job.name[-RUN_ID_LENGTH:])] for kind in kinds}


def imported(service: Any, kinds: Iterable[str], named: Callable[[str, str], str]) -> dict[str, str]:
    """By kind, the checksum of the files that its dataset holds, as far as that is known.

    An import still at work, of a run that was stopped, makes it uncertain what the dataset holds.
    """
    found = {}
    for kind, jobs in imports(service, kinds, named).items():
        counting = [job for job in jobs if not any(word in job.status for word in _LEFT_NOTHING)]
        if counting and all(job.status == "ACTIVE" for job in counting):
            found[kind] = tags(service, counting[-1].arn).get(TAG, "unknown")
    return found


def imported_since(service: Any, kinds: Iterable[str], named: Callable[[str, str], str], run: str) -> list[Import]:
    """The imports of runs after `run`: they were not published, and yet the datasets have them."""
    jobs = [job for of_kind in imports(service, kinds, named).values() for job in of_kind]
    return [job for job in jobs if job.name[-RUN_ID_LENGTH:][:15] > run[:15] and job.status == "ACTIVE"]


def added_since(service: Any, kind: str, named: Callable[[str, str], str], run: str) -> set[str]:
    """The tags of such imports."""
    return {tags(service, job.arn).get(TAG, "") for job in imported_since(service, [kind], named, run)}


def own_import(service: Any, event: dict[str, Any], named: Callable[[str, str], str]) -> tuple[Import, list[Import]]:
    """The import that `event` is about, and all of its kind, in the order in which they ended."""
    jobs = imports(service, [event["kind"]], named)[event["kind"]]
    return next(job for job in jobs if job.arn == event["importJobArn"]), jobs


def confirm(service: Any, event: dict[str, Any], named: Callable[[str, str], str]) -> dict[str, Any]:
    """Tag the import that has just ended, or ask for a `reimport` if its files have changed since Plan saw them."""
    if event["plannedChecksum"]:
        files = csv_objects(event["dataBucket"], event["folder"])
        job, _ = own_import(service, event, named)
        same = checksum({key: etag for key, etag, _ in files}) == event["plannedChecksum"]
        if not same or any(put > job.created for _, _, put in files):
            # Where files keep coming, the next run sees to it.
            return {"reimport": True} if event["attempt"] < LOOKS else {}
    tag(service, event["importJobArn"], TAG, event["importedChecksum"])
    return {}


def nothing_new(bucket: str, folder: str, kinds: Iterable[str], run: str) -> dict[str, str]:
    """Plan's answer that ends a run early, in words for whoever started it."""
    return {
        "nothingNew": f"nothing new: the files of {', '.join(kinds)} under s3://{bucket}/{folder} are unchanged since "
        f'run {run}, and so is the config; start with {{"force": true}} to import and train all the same'
    }


def waiting(
    bucket: str, folder: str, kinds: Iterable[str], found: Container[str], needed: str
) -> dict[str, str] | None:
    """Plan's answer to a delivery that lacks files of the kind `needed`, which nothing can do without, or of a kind
    whose last file is in quarantine, which nobody decided to do without; None where it lacks none.

    `kinds` are those of the config, `found` those that there are files of.
    """
    for kind in (kind for kind in kinds if kind not in found):
        place = f"s3://{bucket}/{folder}{kind}/"
        if refused := csv_keys(bucket, f"{QUARANTINE}{folder}{kind}/"):
            why = f"the last {kind} file is in quarantine, s3://{bucket}/{refused[-1]}"
            without = "" if kind == needed else f"; to do without {kind}, delete that one and start with {{}}"
        elif kind == needed:
            why, without = f"there is no {kind} file yet", ""
        else:
            continue
        return {"nothingNew": f"waits: {why}; a CSV under {place} starts the next run{without}", "waitsFor": kind}
    return None
