"""S3: which files there are, CSVs row by row, results as text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from common.clients import client
from common.step import ServiceUnavailable
from common.tables import Layout, is_data, rows

logger = Logger(serialize_stacktrace=False)
# What GetObject says of an object that is another one by now, or gone; of one that is gone, S3 denies access to a
# caller that may not list the bucket without a prefix.
_CHANGED = ("PreconditionFailed", "NoSuchKey", "AccessDenied")


class S3File(NamedTuple):
    """An object of S3."""

    key: str
    etag: str
    modified: datetime
    size: int

    @property
    def is_csv(self) -> bool:
        return is_data(self.key) and self.size > 0


def listed(bucket: str, prefix: str) -> list[S3File]:
    """All objects under the prefix, in the order of their keys."""
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sorted(
        S3File(entry["Key"], entry["ETag"], entry["LastModified"], entry["Size"])
        for page in pages
        for entry in page.get("Contents", ())
    )


def csv_files(bucket: str, prefix: str) -> list[S3File]:
    """The CSV files under the prefix that aren't empty, in the order of their keys."""
    return [file for file in listed(bucket, prefix) if file.is_csv]


class Place(NamedTuple):
    """A row of a file."""

    bucket: str
    key: str
    row: int  # from 1, a header included

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}, row {self.row}"


def _checked(place: Place, values: list[str], columns: Sequence[str]) -> list[str]:
    if len(values) != len(columns):
        raise ValueError(
            f"{place}: {len(values)} values, not {len(columns)} ({', '.join(columns)}): {','.join(values)[:200]!r}; "
            "upload a corrected file"
        )
    return values


@dataclass(frozen=True)
class CsvFolder:
    """CSV files as they were when they were listed, whatever was uploaded since; each reading holds no file in memory.

    A file that was replaced or deleted since is read from the bucket's versions, and left out when its version is gone.
    Reading raises ValueError naming file and row where it is not CSV in UTF-8.
    """

    bucket: str
    etags: Mapping[str, str]  # by key
    layouts: Mapping[str, Layout] = field(default_factory=dict)  # by key, of files that are not read as they are
    names: Sequence[str] = ()  # of columns, which a header may write in another case

    @classmethod
    def listed(cls, bucket: str, prefix: str) -> CsvFolder:
        return cls(bucket, {file.key: file.etag for file in csv_files(bucket, prefix)})

    def placed_rows(self) -> Iterator[tuple[Place, list[str]]]:
        """The rows of all files and where they are: headers and all, but of a file with a layout the rows of data."""
        for key in self.etags:
            row = 0
            if layout := self.layouts.get(key):
                body = opened(self.bucket, key, self.etags[key]) or io.BytesIO()
                for row, values in rows(f"s3://{self.bucket}/{key}", body, layout):
                    yield Place(self.bucket, key, row), values
                continue
            try:
                for row, values in enumerate(csv.reader(self._text(key)), 1):
                    yield Place(self.bucket, key, row), values
            except (UnicodeDecodeError, csv.Error) as error:
                raise ValueError(
                    f"{Place(self.bucket, key, row + 1)}: {error}; allowed is CSV in UTF-8; upload a corrected file"
                ) from error

    def rows(self) -> Iterator[list[str]]:
        """The rows of all files, headers and all."""
        return (values for _, values in self.placed_rows())

    def rows_of(self, columns: Sequence[str]) -> Iterator[tuple[Place, list[str]]]:
        """The rows that are not empty, headers and all, and where they are. Raises ValueError for one that has not a
        value for each column."""
        return ((place, _checked(place, values, columns)) for place, values in self.placed_rows() if values)

    def placed_records(self) -> Iterator[tuple[Place, dict[str, str]]]:
        """The records of all files, each file with its own header row, and where they are; empty rows are left out.

        Raises ValueError for a row that is longer or shorter than the header.
        """
        header: list[str] = []
        of = ""  # the file whose header that is
        spelled = {name.lower(): name for name in self.names}
        for place, values in self.placed_rows():
            if not values:
                continue
            if place.key != of:
                of, header = place.key, [spelled.get(value.strip().lower(), value) for value in values]
            else:
                yield place, dict(zip(header, _checked(place, values, header), strict=True))

    def records(self) -> Iterator[dict[str, str]]:
        """The records of all files, each file with its own header row."""
        return (record for _, record in self.placed_records())

    def _text(self, key: str) -> Iterator[str]:
        body = opened(self.bucket, key, self.etags[key])
        return iter(()) if body is None else io.TextIOWrapper(body, encoding="utf-8-sig", newline="")


def opened(bucket: str, key: str, etag: str) -> io.BufferedReader | None:
    """A file as it was when it had this ETag; None where neither it nor its version is there any more."""
    s3 = client("s3")
    try:
        return io.BufferedReader(s3.get_object(Bucket=bucket, Key=key, IfMatch=etag)["Body"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _CHANGED:
            raise
    versions = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    for version in (each for page in versions for each in page.get("Versions", ())):
        if version["Key"] == key and version["ETag"] == etag:
            found = s3.get_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
            return io.BufferedReader(found["Body"])
    logger.warning("a file was left out: its version is gone", extra={"uri": f"s3://{bucket}/{key}"})
    return None


def versions(bucket: str, prefix: str, etags: Mapping[str, str]) -> dict[str, str]:
    """By key, the id of the newest version that has the ETag; keys whose versions are gone are left out."""
    found: dict[str, str] = {}
    pages = client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    for version in (each for page in pages for each in page.get("Versions", ())):  # newest first, key by key
        if etags.get(version["Key"]) == version["ETag"]:
            found.setdefault(version["Key"], version["VersionId"])
    return found


@dataclass(frozen=True)
class StoredFile:
    """A file of S3 to be checked, as it was listed."""

    bucket: str
    file: S3File

    @property
    def name(self) -> str:
        return f"s3://{self.bucket}/{self.file.key}"

    @property
    def size(self) -> int:
        return self.file.size

    @property
    def modified(self) -> datetime:
        return self.file.modified

    def start(self, most: int) -> bytes:
        with self.stream() as body:
            return body.read(most)

    def stream(self) -> io.BufferedReader:
        """Raises ServiceUnavailable, upon which the step is tried again, where it is gone by now."""
        body = opened(self.bucket, self.file.key, self.file.etag)
        if body is None:
            raise ServiceUnavailable(f"{self.name} was replaced or deleted while it was checked")
        return body


def records(bucket: str, prefix: str) -> Iterator[dict[str, str]]:
    """The records of all CSV files under the prefix, each file with its own header row."""
    return CsvFolder.listed(bucket, prefix).records()


def get_json(bucket: str, key: str) -> Any:
    """What the object holds, or None if there is none."""
    s3 = client("s3")
    try:
        return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except s3.exceptions.NoSuchKey:
        return None


def get_text(bucket: str, key: str) -> str:
    """What the object holds, "" if there is none."""
    s3 = client("s3")
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except s3.exceptions.NoSuchKey:
        return ""


def put_text(bucket: str, key: str, text: str) -> None:
    kinds = {"html": "text/html", "txt": "text/plain", "csv": "text/csv"}
    kind = kinds.get(key.rpartition(".")[2], "application/json")
    client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType=f"{kind}; charset=utf-8")


def put_json(bucket: str, key: str, value: Any) -> None:
    put_text(bucket, key, json.dumps(value, indent=1, ensure_ascii=False))
