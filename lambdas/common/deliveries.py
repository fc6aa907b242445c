"""Which files were imported already: each import job is tagged with a checksum of its files, so the service itself,
and no state beside it, says what its datasets hold. An import that failed left its dataset as it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from common import metrics
from common.names import RUN_ID_LENGTH
from common.resources import summaries, tags
from common.store import csv_files, newest_upload

TAG = "files"
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


def imported(service: Any, kinds: Iterable[str], named: Callable[[str, str], str]) -> dict[str, str]:
    """By kind, the checksum of the files that its dataset holds, as far as that is known.

    `named(kind, run)` is the name of the kind's import in a run. An import still at work, of a run that was stopped,
    makes it uncertain what the dataset holds.
    """
    jobs = []
    for summary in summaries(service, "dataset_import_job"):
        lowered = {key.lower(): value for key, value in summary.items()}
        name = lowered.get("jobname") or lowered["datasetimportjobname"]
        if not any(word in lowered["status"] for word in _LEFT_NOTHING):
            jobs.append((name[-RUN_ID_LENGTH:], name, lowered["status"], lowered["datasetimportjobarn"]))
    found = {}
    for kind in kinds:
        ours = [job for job in jobs if job[1] == named(kind, job[0])]
        _, _, status, arn = max(ours, default=("", "", "", ""))
        if status == "ACTIVE":
            found[kind] = tags(service, arn).get(TAG, "unknown")
    return found


def nothing_new(bucket: str, folder: str, kinds: Iterable[str], run: str) -> dict[str, str]:
    """Plan's answer that ends a run early, in words for whoever started it."""
    return {
        "nothingNew": f"nothing new: the files of {', '.join(kinds)} under s3://{bucket}/{folder} are unchanged since "
        f'run {run}, and so is the config; start with {{"force": true}} to import and train all the same'
    }


def waiting(bucket: str, folder: str, kind: str) -> dict[str, str]:
    """Plan's answer to a delivery whose file of `kind`, which nothing can do without, is still to come."""
    place = f"s3://{bucket}/{folder}{kind}/"
    return {"nothingNew": f"waits: there is no {kind} file yet; a CSV under {place} starts the next run"}
