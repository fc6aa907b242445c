"""Copies of files, which are imported in their place: of those with a header Forecast gets the rest, and Personalize
gets the files that are new together, in one job.

A state of Step Functions holds 256 KiB, a dataset up to 10,000 files: Plan writes the list of them to S3, the copies
go to the folder beside it.
"""

from __future__ import annotations

from common.clients import client
from common.payload import CopiedFile, Import
from common.store import get_json

_LEAST_FOR_RANGES = 5 * 2**20  # UploadPartCopy copies ranges of larger objects only
_PART = 5 * 2**30


def list_key(folder: str, attempt: str, kind: str) -> str:
    """The key of the list; `attempt` is the id with which the name of the import ends."""
    return f"{folder}staged/run={attempt}/{kind}.json"


def copies_folder(list_key: str) -> str:
    """The folder of the copies of the files in a list."""
    return f"{list_key.removesuffix('.json')}/"


def copies(event: Import) -> dict[str, CopiedFile]:
    """The files to copy by the keys of their copies; of files of one name in two folders both are copied."""
    files: list[CopiedFile] = get_json(event["resultsBucket"], event["copies"]) if event["copies"] else []
    folder = copies_folder(event["copies"])
    return {f"{folder}{at:05d}_{file['key'].rpartition('/')[2]}": file for at, file in enumerate(files)}


def by_uri(event: Import) -> dict[str, str]:
    """The keys of the files by the URIs of their copies."""
    return {f"s3://{event['resultsBucket']}/{copy}": file["key"] for copy, file in copies(event).items()}


def make(event: Import) -> None:
    """Copy all files of the import that are to be copied."""
    for key, file in copies(event).items():
        copy(event["dataBucket"], file, event["resultsBucket"], key)


def copy(source: str, file: CopiedFile, bucket: str, key: str) -> None:
    """Copy a file from `start` on; within S3, unless it is small. Fails if the file has changed since Plan."""
    s3, start = client("s3"), file["start"]
    size = s3.head_object(Bucket=source, Key=file["key"])["ContentLength"]
    if size <= _LEAST_FOR_RANGES:
        found = s3.get_object(Bucket=source, Key=file["key"], Range=f"bytes={start}-", IfMatch=file["etag"])
        s3.put_object(Bucket=bucket, Key=key, Body=found["Body"].read(), ContentType="text/csv")
        return
    upload = {"Bucket": bucket, "Key": key}
    upload["UploadId"] = s3.create_multipart_upload(**upload, ContentType="text/csv")["UploadId"]
    parts = []
    for number, first in enumerate(range(start, size, _PART), 1):
        copied = s3.upload_part_copy(
            **upload,
            PartNumber=number,
            CopySource={"Bucket": source, "Key": file["key"]},
            CopySourceIfMatch=file["etag"],
            CopySourceRange=f"bytes={first}-{min(first + _PART, size) - 1}",
        )
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
