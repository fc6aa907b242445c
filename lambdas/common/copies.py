"""Copies of files, which are imported in their place: of those that no service reads as they are (columns in another
order or case, gzip, rows that a newer file replaces), and of files that Personalize adds to a dataset in one job.

A state of Step Functions holds 256 KiB, a dataset up to 10,000 files: Plan writes the list of them to S3, the copies
go to the folder beside it.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence

from boto3.s3.transfer import TransferConfig

from common.clients import client
from common.payload import CopiedFile, Copies, QuarantineRequest
from common.step import ServiceUnavailable
from common.store import get_json, opened
from common.tables import has_letter, rows

_PART = 8 * 2**20  # characters: more than the least of a part of a multipart upload


def list_key(folder: str, attempt: str, kind: str) -> str:
    """The key of the list; `attempt` is the id with which the name of the import ends."""
    return f"{folder}staged/run={attempt}/{kind}.json"


def copies_folder(list_key: str) -> str:
    """The folder of the copies of the files in a list."""
    return f"{list_key.removesuffix('.json')}/"


def copies(event: Copies) -> dict[str, CopiedFile]:
    """The files to copy by the keys of their copies; of files of one name in two folders both are copied."""
    files: list[CopiedFile] = get_json(event["resultsBucket"], event["copies"]) if event["copies"] else []
    return by_key(event["copies"], files)


def by_key(list_key: str, files: Sequence[CopiedFile]) -> dict[str, CopiedFile]:
    """The files of a list by the keys of their copies."""
    folder = copies_folder(list_key)
    return {f"{folder}{at:05d}_{_csv(file['key'].rpartition('/')[2])}": file for at, file in enumerate(files)}


def _csv(name: str) -> str:
    """The name of a copy, which is never compressed and has a letter before its ending."""
    name = name[:-3] if name.lower().endswith(".gz") else name
    return name if has_letter(name[: -len(".csv")]) else f"file_{name}"


def by_uri(event: Copies) -> dict[str, str]:
    """The keys of the files by the URIs of their copies."""
    return {f"s3://{event['resultsBucket']}/{copy}": file["key"] for copy, file in copies(event).items()}


def about_deliveries(event: QuarantineRequest) -> QuarantineRequest:
    """The event with the service's message about copies turned into one about the files that were delivered: their
    names, and the rows as people count them there."""
    message = event["wait"].get("message", "")
    for copy, file in copies(event).items():
        uri = f"s3://{event['resultsBucket']}/{copy}"
        named = f"s3://{event['dataBucket']}/{file['key']}"
        for row in set(re.findall(rf"{re.escape(uri)}, row (\d+)", message)):
            there = _delivered_row(event["dataBucket"], file, int(row))
            message = re.sub(rf"{re.escape(uri)}, row {row}\b", f"{named}, row {there}" if there else named, message)
        message = message.replace(uri, named)
    return {**event, "wait": {**event["wait"], "message": message}} if message else event


def _delivered_row(source: str, file: CopiedFile, row: int) -> int | None:
    """The number of a copy's row in the file that it is of; None where that is gone."""
    if "layout" not in file:
        return row
    body = opened(source, file["key"], file["etag"])
    numbers = (number for number, _ in rows(file["key"], body, file["layout"], file.get("escape"))) if body else ()
    return next(itertools.islice(numbers, row - 1 - ("header" in file), None), None)


def make(event: Copies) -> None:
    """Copy all files of the import that are to be copied."""
    for key, file in copies(event).items():
        copy(event["dataBucket"], file, event["resultsBucket"], key)


def copy(source: str, file: CopiedFile, bucket: str, key: str) -> None:
    """Copy a file within S3, or rewrite it as its layout says. Fails if it has changed since Plan."""
    if "layout" in file:
        write(bucket, key, _written(source, file))
        return
    unchanged = {"CopySourceIfMatch": file["etag"]}
    one_by_one = TransferConfig(use_threads=False)
    client("s3").copy({"Bucket": source, "Key": file["key"]}, bucket, key, ExtraArgs=unchanged, Config=one_by_one)


def _written(source: str, file: CopiedFile) -> Iterator[bytes]:
    """The rows of a file as CSV, in parts of some megabytes."""
    body, escape = opened(source, file["key"], file["etag"]), file.get("escape")
    if body is None:
        raise ServiceUnavailable(f"s3://{source}/{file['key']} was replaced or deleted since it was planned")
    text = io.StringIO(newline="")
    writer = csv.writer(text, escapechar=escape, doublequote=escape is None, lineterminator="\n")
    if header := file.get("header"):
        writer.writerow(header)
    for _, row in rows(f"s3://{source}/{file['key']}", body, file["layout"], escape):
        writer.writerow(row)
        if text.tell() > _PART:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def write(bucket: str, key: str, parts: Iterator[bytes]) -> None:
    """An object of these parts; with several, all but the last are of at least 5 MiB."""
    s3, first = client("s3"), next(parts)
    second = next(parts, None)
    if second is None:
        s3.put_object(Bucket=bucket, Key=key, Body=first, ContentType="text/csv")
        return
    upload = {"Bucket": bucket, "Key": key}
    upload["UploadId"] = s3.create_multipart_upload(**upload, ContentType="text/csv")["UploadId"]
    made = []
    for number, part in enumerate(itertools.chain([first, second], parts), 1):
        answer = s3.upload_part(**upload, PartNumber=number, Body=part)
        made.append({"PartNumber": number, "ETag": answer["ETag"]})
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": made})
