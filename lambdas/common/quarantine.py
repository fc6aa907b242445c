"""Quarantine: a file that an import refused goes out of the way, the reason beside it; the run goes on with the rest.

It moves from `<pipeline>/<dataset>/<kind>/` of the data bucket to `quarantine/<pipeline>/<dataset>/<kind>/<run>/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from common import deliveries
from common.clients import client
from common.payload import NothingMoved, PlanRequest, Quarantined, QuarantineRequest, Reimport
from common.store import S3File, csv_files, get_json, get_text, put_json, put_text
from common.tables import is_data

MOST = 5  # attempts of a run to import: if one more fails, the config is wrong rather than a file
LONGEST = 1_000  # characters of a message, which may quote a file: the state of a run holds 256 KiB
_NOT_THE_FILE = re.compile(
    "privileges|permissions|access ?denied|not authorized|internal (service )?error|stopped before|rate exceeded",
    re.IGNORECASE,
)
_REASON, _SUSPECTS = ".reason.txt", 5


def take_out(
    service: Any, event: QuarantineRequest, named: Callable[[str, str], str], copies: Mapping[str, str]
) -> Reimport | NothingMoved:
    """After an import that failed: `reimport` if the run can continue, and what was `refused`; otherwise why no file
    was moved, behind the service's message in `wait`.

    The file is the one that the service's message names: no other is to blame, as a message may be about the dataset,
    such as about too few interactions. One that was imported before is not to blame, nor is one that was replaced or
    deleted during the import: then the run just imports again. `copies` are the keys of files by the URIs of copies
    that were imported in their place.
    """
    message = event["wait"].get("message", "")
    if "FAILED" not in event["wait"]["status"] or event["attempt"] >= MOST or _NOT_THE_FILE.search(message):
        return {}
    failed, jobs = deliveries.own_import(service, event, named)
    since = max((job.created for job in jobs if job.status == "ACTIVE"), default=None)

    bucket, folder = event["dataBucket"], event["folder"]
    files = {file.key: file for file in csv_files(bucket, folder)}
    read = set(copies.values()) or files.keys()
    there = {key: file for key, file in files.items() if key in read}
    added = event["request"].get("importMode") == "INCREMENTAL"  # Plan says that they are new
    new = [
        key for key, file in there.items() if added or since is None or file.modified >= since.replace(microsecond=0)
    ]
    blamed, rest = _named(message, {f"s3://{bucket}/{key}": key for key in there} | dict(copies))
    gone = re.search(rf"s3://{re.escape(bucket)}/{re.escape(folder)}\S+?\.csv", rest, re.IGNORECASE)
    # A file that is there and named was not moved, whatever was moved for the import before this one.
    if blamed.isdisjoint(there) and (before := _moved_before(event, files)):
        return {"reimport": True, "refused": {**before, "last": not files}}
    if gone or any(key not in there or there[key].modified > failed.created for key in blamed):
        return {"reimport": True}
    if len(blamed) != 1:
        files_ = f"{len(blamed)} files" if blamed else "no file"
        suspects = ", ".join(key.removeprefix(folder) for key in new[:_SUSPECTS]) or "none"
        return _unclear(event, f"it names {files_}; new since the last good import: {suspects}")
    [key] = blamed
    if key not in new:
        return _unclear(event, f"{key.removeprefix(folder)} was imported before")
    refused = _move(_of_import(event), there[key])
    return {"reimport": True, "refused": {**refused, "last": len(files) == 1}}


def _named(message: str, uris: Mapping[str, str]) -> tuple[set[str], str]:
    """The keys of the files whose URIs the message names, and the message without them. A URI may begin another one."""
    found = set()
    for uri in sorted(uris, key=len, reverse=True):
        if uri in message:
            found.add(uris[uri])
            message = message.replace(uri, "")
    return found, message


def _unclear(event: QuarantineRequest, why: str) -> NothingMoved:
    message = event["wait"].get("message", "the service returned no reason")
    return {"wait": {**event["wait"], "message": f"{message} (no file was moved: {why})"}}


def set_aside(
    event: PlanRequest, folder: str, run: str, found: Sequence[tuple[str, S3File, str]], *, last: Collection[str]
) -> list[Quarantined]:
    """What Plan refused in this attempt: kind, file, why. Each file moves, but not in a dry run; `last` are kinds whose
    data files are all among them.

    The list is written first: a step that is cut off finds it, and says again what it moved before.
    """
    journal = f"{folder}runs/{run}/refused-{event['attempt']}.json"
    before: list[Quarantined] = get_json(event["resultsBucket"], journal) or []
    abouts = [
        _About(kind, run, event["execution"], event["dataBucket"], f"{folder}{kind}/", why[:LONGEST])
        for kind, _, why in found
    ]
    refused = [about.refused(file.key) for about, (_, file, _) in zip(abouts, found, strict=True)]
    again = {each["file"] for each in refused}
    refused += [each for each in before if each["file"] not in again]
    for each in refused:
        if each["kind"] in last and is_data(each["file"]):
            each["last"] = True
    if refused != before and not event.get("dryRun"):
        put_json(event["resultsBucket"], journal, refused)
    for about, (_, file, _) in zip(abouts, found, strict=True):
        if not event.get("dryRun"):
            _move(about, file)
    return refused


@dataclass(frozen=True)
class _About:
    """Why files of a folder of the data bucket are refused, and in which run."""

    kind: str
    run: str
    execution: str
    bucket: str
    folder: str
    message: str
    import_job: str = ""

    @property
    def place(self) -> str:
        return f"{deliveries.QUARANTINE}{self.folder}{self.run}/"

    def refused(self, key: str) -> Quarantined:
        moved: Quarantined = {
            "kind": self.kind,
            "file": f"s3://{self.bucket}/{key}",
            "movedTo": f"s3://{self.bucket}/{self.place}{key.removeprefix(self.folder)}",
            "message": self.message,
        }
        return {**moved, "importJobArn": self.import_job} if self.import_job else moved


def _of_import(event: QuarantineRequest) -> _About:
    message = event["wait"].get("message", "the service returned no reason")
    place = event["dataBucket"], event["folder"]
    return _About(event["kind"], event["run"], event["execution"], *place, message, event["importJobArn"])


def _move(about: _About, file: S3File) -> Quarantined:
    """The file's copy and the reason come first: a step that is cut off leaves two files rather than none."""
    s3, bucket, refused = client("s3"), about.bucket, about.refused(file.key)
    place = refused["movedTo"].removeprefix(f"s3://{bucket}/")
    source, unchanged = {"Bucket": bucket, "Key": file.key}, {"CopySourceIfMatch": file.etag}
    try:
        s3.copy(source, bucket, place, ExtraArgs=unchanged, Config=TransferConfig(use_threads=False))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "412", "404", "NoSuchKey"):  # replaced or deleted
            return refused
        raise
    job = f"import: {about.import_job}\n" if about.import_job else ""
    put_text(
        bucket,
        f"{place}{_REASON}",
        f"what:   {refused['message']}\n"
        f"file:   {refused['file']}\n"
        f"moved:  {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, to {refused['movedTo']}\n"
        f"{job}run:    {about.run} ({about.execution})\n"
        f"next:   upload the corrected file to where it was, which starts the next run; if the config was wrong and "
        f"not the file, fix the config and copy the file back; then delete it here.\n",
    )
    try:
        s3.delete_object(Bucket=bucket, Key=file.key, IfMatch=file.etag)
    except ClientError as error:
        # Replaced a moment ago: its upload starts a run. Or gone: an attempt before this one deleted it, whose answer
        # was lost.
        if error.response["Error"]["Code"] not in ("PreconditionFailed", "NoSuchKey"):
            raise
    return refused


def _moved_before(event: QuarantineRequest, files: Container[str]) -> Quarantined | None:
    """What an earlier attempt of this step moved, if it was cut off before it could say so."""
    about = _of_import(event)
    for moved in csv_files(about.bucket, about.place):
        key = f"{about.folder}{moved.key.removeprefix(about.place)}"
        if key not in files and about.import_job in get_text(about.bucket, f"{moved.key}{_REASON}"):
            return about.refused(key)
    return None
