"""Which files there are, and which were imported already.

Each import job is tagged with a checksum of its files when it ends, if they stayed the same meanwhile. So the service
itself, and no state beside it, says what its datasets hold. An import that failed left its dataset as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NotRequired, TypedDict

from common import metrics
from common.names import RUN_ID_LENGTH
from common.payload import ConfirmRequest, NothingNew, PlannedRun, QuarantineRequest, Reimport
from common.resources import arn_member, name_member, summaries, tag, tags
from common.store import CsvFolder, S3File, csv_files, get_json, listed
from common.tables import Layout, is_folder

_NAMED = 5  # files that a note names
TAG = "files"
REIMPORTS = 3  # of a run, of files that were written while they were imported
QUARANTINE = "quarantine/"  # of the data bucket; under it the folders are as above it
_MEMBERS = {  # of an import in the services' lists: created, ended, status
    "forecast": ("CreationTime", "LastModificationTime", "Status"),
    "personalize": ("creationDateTime", "lastUpdatedDateTime", "status"),
}
_LEFT_NOTHING = ("FAILED", "STOPPED", "DELETE")


def checksum(value: Any) -> str:
    """Of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Uploads:
    """What is in a dataset's folder of the data bucket, such as "forecasting/shop/": one listing of it."""

    bucket: str
    folder: str
    files: Sequence[S3File]

    @classmethod
    def listed(cls, bucket: str, folder: str) -> Uploads:
        return cls(bucket, folder, listed(bucket, folder))

    def under(self, kind: str) -> list[S3File]:
        """All objects in the folder of a kind of dataset, but for those that only stand for a folder."""
        return [file for file in self.files if file.key.startswith(f"{self.folder}{kind}/") and not is_folder(file.key)]

    def of(self, kind: str) -> list[S3File]:
        """The CSV files of a kind of dataset."""
        return [file for file in self.under(kind) if file.is_csv]

    def without(self, keys: Collection[str]) -> Uploads:
        return replace(self, files=[file for file in self.files if file.key not in keys])

    def elsewhere(self, kinds: Collection[str]) -> list[str]:
        """A note on files that are in no folder of these kinds, and so are never read."""
        known = tuple(f"{self.folder}{kind}/" for kind in kinds)
        keys = [file.key for file in self.files if not is_folder(file.key) and not file.key.startswith(known)]
        if not keys:
            return []
        named = ", ".join(key.removeprefix(self.folder) for key in keys[:_NAMED])
        folders = ", ".join(f"{kind}/" for kind in kinds)
        return [
            f"{len(keys):,} files under s3://{self.bucket}/{self.folder} are not in {folders} and not read: {named}"
        ]

    def etags(self, kinds: Iterable[str]) -> dict[str, dict[str, str]]:
        """By kind that has CSV files, their ETags by key."""
        found = {kind: {file.key: file.etag for file in self.of(kind)} for kind in kinds}
        return {kind: files for kind, files in found.items() if files}

    def checksums(self, kinds: Iterable[str]) -> dict[str, str]:
        """By kind that has CSV files, the checksum of their keys and ETags."""
        return {kind: checksum(files) for kind, files in self.etags(kinds).items()}

    def report_age(self, dataset: str) -> None:
        """How old the newest upload is: the stale-data alarm's metric."""
        if self.files:
            newest = max(file.modified for file in self.files)
            hours = (datetime.now(UTC) - newest).total_seconds() / 3600
            metrics.put({"HoursSinceUpload": hours}, dataset=dataset, pipeline=self.folder.partition("/")[0])


def data_key(folder: str, run: str) -> str:
    """Of the results bucket: where Plan keeps by kind of dataset the `files` that a run works on, ETags by key."""
    return f"{folder}runs/{run}/data.json"


class Data(TypedDict):
    """The files of a kind of dataset that a run works on, as data.json keeps them."""

    files: dict[str, str]  # ETags by key
    layouts: NotRequired[dict[str, Layout]]  # by key, of files that are not read as they are
    columns: NotRequired[Any]  # of the dataset, by name
    notes: NotRequired[list[str]]  # on what is not read, and why


def data_of(event: PlannedRun, folder: str) -> dict[str, Data]:
    """By kind, the files that a run works on."""
    key = data_key(folder, event["run"])
    data: dict[str, Data] | None = get_json(event["resultsBucket"], key)
    if data is None:
        raise ValueError(f"s3://{event['resultsBucket']}/{key} is missing, which Plan writes: start with {{}} again")
    return data


def planned(event: PlannedRun, folder: str, kind: str) -> CsvFolder:
    """The files of a kind as the run's plan saw them: what was uploaded since is the next run's."""
    data = data_of(event, folder).get(kind, {"files": {}})
    return CsvFolder(event["dataBucket"], data["files"], data.get("layouts", {}), list(data.get("columns", ())))


def notes(event: PlannedRun, folder: str) -> list[str]:
    """What Plan has to say of the files of a run."""
    return [note for data in data_of(event, folder).values() for note in data.get("notes", ())]


@dataclass(frozen=True)
class Import:
    """An import job; `ended` is when it ended, or when the service last changed it."""

    name: str
    arn: str
    status: str
    created: datetime
    ended: datetime


def imports(service: Any, kinds: Iterable[str], named: Callable[[str, str], str]) -> dict[str, list[Import]]:
    """By kind of dataset its imports, in the order in which they ended.

    Their names follow the clock, which may be set back, and an import of a run that was stopped may end after the next
    run's.

    `named(kind, run)` is the name of the kind's import in a run.
    """
    created, ended, status = _MEMBERS[service.meta.service_model.service_name]
    arn, name = (of(service, "dataset_import_job") for of in (arn_member, name_member))
    found = [
        Import(name=job[name], arn=job[arn], status=job[status], created=job[created], ended=job[ended])
        for job in summaries(service, "dataset_import_job")
    ]
    found.sort(key=lambda job: job.ended)
    return {kind: [job for job in found if job.name == named(kind, job.name[-RUN_ID_LENGTH:])] for kind in kinds}


def imported(service: Any, kinds: Iterable[str], named: Callable[[str, str], str]) -> dict[str, str]:
    """By kind, the checksum of the files that its dataset holds, if that is known.

    It is not while an import is in progress, of a run that was stopped.
    """
    found = {}
    for kind, jobs in imports(service, kinds, named).items():
        counting = [job for job in jobs if not any(word in job.status for word in _LEFT_NOTHING)]
        if counting and all(job.status == "ACTIVE" for job in counting):
            found[kind] = tags(service, counting[-1].arn).get(TAG, "unknown")
    return found


def imported_since(service: Any, kinds: Iterable[str], named: Callable[[str, str], str], run: str) -> list[Import]:
    """The imports of runs after `run`: these were not published, but the datasets have their data."""
    jobs = [job for of_kind in imports(service, kinds, named).values() for job in of_kind]
    return [job for job in jobs if job.name[-RUN_ID_LENGTH:][:15] > run[:15] and job.status == "ACTIVE"]


def own_import(
    service: Any, event: ConfirmRequest | QuarantineRequest, named: Callable[[str, str], str]
) -> tuple[Import, list[Import]]:
    """The import that `event` is about, and all of its kind, in the order in which they ended."""
    jobs = imports(service, [event["kind"]], named)[event["kind"]]
    return next(job for job in jobs if job.arn == event["importJobArn"]), jobs


def confirm(service: Any, event: ConfirmRequest, named: Callable[[str, str], str]) -> Reimport:
    """Tag the import that has just ended, or ask for a `reimport` if its files have changed since Plan saw them."""
    if event["plannedChecksum"]:
        files = csv_files(event["dataBucket"], event["folder"])
        job, _ = own_import(service, event, named)
        same = checksum({file.key: file.etag for file in files}) == event["plannedChecksum"]
        if not same or any(file.modified > job.created for file in files):
            # Where files keep coming, the next run sees to it.
            return {"reimport": True} if event["attempt"] < REIMPORTS else {}
    tag(service, event["importJobArn"], TAG, event["importedChecksum"])
    return {}


def nothing_new(uploads: Uploads, kinds: Iterable[str], run: str) -> NothingNew:
    """Plan's answer that ends a run early."""
    files = f"the files of {', '.join(kinds)} under s3://{uploads.bucket}/{uploads.folder}"
    force = 'start with {"force": true} to import and train all the same'
    return {"nothingNew": f"nothing new: {files} are unchanged since run {run}, and so is the config; {force}"}


def waiting(uploads: Uploads, kinds: Iterable[str], needed: str) -> NothingNew | None:
    """Plan's answer to a delivery that lacks files of the kind `needed`, which nothing can do without, or of a kind
    whose last file is in quarantine, which nobody decided to do without; None if it lacks none.

    `kinds` are those of the config.
    """
    for kind in (kind for kind in kinds if not uploads.of(kind)):
        place = f"{uploads.folder}{kind}/"
        if refused := csv_files(uploads.bucket, f"{QUARANTINE}{place}"):
            why = f"the last {kind} file is in quarantine, s3://{uploads.bucket}/{refused[-1].key}"
            without = "" if kind == needed else f"; to do without {kind}, delete that one and start with {{}}"
        elif kind == needed:
            why, without = f"there is no {kind} file yet", ""
        else:
            continue
        starts = f"a CSV under s3://{uploads.bucket}/{place} starts the next run"
        return {"nothingNew": f"waits: {why}; {starts}{without}", "waitsFor": kind}
    return None
