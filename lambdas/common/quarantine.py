"""Quarantine: a file that an import refused goes out of the way, the reason beside it; the run goes on with the rest.

It moves from `<pipeline>/<dataset>/<kind>/` of the data bucket to `quarantine/<pipeline>/<dataset>/<kind>/<run>/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from datetime import UTC, datetime
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from common import deliveries
from common.clients import client
from common.payload import NothingMoved, Quarantined, QuarantineRequest, Reimport
from common.store import S3File, csv_files, get_text, put_text

MOST = 5  # attempts of a run to import: if one more fails, the config is wrong rather than a file
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
    refused = _move(event, there[key])
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


def _move(event: QuarantineRequest, file: S3File) -> Quarantined:
    """The file's copy and the reason come first: a step that is cut off leaves two files rather than none."""
    s3, bucket = client("s3"), event["dataBucket"]
    place = f"{_place(event)}{file.key.removeprefix(event['folder'])}"
    refused = _refused(event, file.key, place)
    source, unchanged = {"Bucket": bucket, "Key": file.key}, {"CopySourceIfMatch": file.etag}
    s3.copy(source, bucket, place, ExtraArgs=unchanged, Config=TransferConfig(use_threads=False))
    put_text(
        bucket,
        f"{place}{_REASON}",
        f"what:   {refused['message']}\n"
        f"file:   {refused['file']}\n"
        f"moved:  {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, to {refused['movedTo']}\n"
        f"import: {refused['importJobArn']}\n"
        f"run:    {event['run']} ({event['execution']})\n"
        f"next:   upload the corrected file to where it was, which starts the next run; if the config was wrong and "
        f"not the file, fix the config and copy the file back; then delete it here.\n",
    )
    try:
        s3.delete_object(Bucket=bucket, Key=file.key, IfMatch=file.etag)
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":  # replaced a moment ago: its upload starts a run
            raise
    return refused


def _moved_before(event: QuarantineRequest, files: Container[str]) -> Quarantined | None:
    """What an earlier attempt of this step moved, if it was cut off before it could say so."""
    place = _place(event)
    for moved in csv_files(event["dataBucket"], place):
        key = f"{event['folder']}{moved.key.removeprefix(place)}"
        if key not in files and event["importJobArn"] in get_text(event["dataBucket"], f"{moved.key}{_REASON}"):
            return _refused(event, key, moved.key)
    return None


def _place(event: QuarantineRequest) -> str:
    return f"{deliveries.QUARANTINE}{event['folder']}{event['run']}/"


def _refused(event: QuarantineRequest, key: str, place: str) -> Quarantined:
    return {
        "kind": event["kind"],
        "file": f"s3://{event['dataBucket']}/{key}",
        "movedTo": f"s3://{event['dataBucket']}/{place}",
        "message": event["wait"].get("message", "the service returned no reason"),
        "importJobArn": event["importJobArn"],
    }
