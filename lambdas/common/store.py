"""S3: which files there are, CSVs row by row, results as text."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from common.clients import client


class S3File(NamedTuple):
    """An object of S3."""

    key: str
    etag: str
    modified: datetime
    size: int

    @property
    def is_csv(self) -> bool:
        return self.key.lower().endswith(".csv") and self.size > 0


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


@dataclass(frozen=True)
class CsvFolder:
    """The CSV files of a folder, listed once; each reading holds no file in memory."""

    bucket: str
    files: Sequence[S3File]

    @classmethod
    def listed(cls, bucket: str, prefix: str) -> CsvFolder:
        return cls(bucket, csv_files(bucket, prefix))

    def rows(self) -> Iterator[list[str]]:
        """The rows of all files, headers and all."""
        for file in self.files:
            yield from csv.reader(self._text(file))

    def records(self) -> Iterator[dict[str, str]]:
        """The records of all files, each file with its own header row."""
        for file in self.files:
            yield from csv.DictReader(self._text(file))

    def _text(self, file: S3File) -> Iterator[str]:
        body = client("s3").get_object(Bucket=self.bucket, Key=file.key)["Body"]
        return codecs.getreader("utf-8-sig")(body)


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
