"""S3: which files there are, CSVs row by row, results as text."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterable, Iterator
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


def rows(bucket: str, prefix: str) -> Iterator[list[str]]:
    """The rows of all CSV files under the prefix, headers and all, without holding a file in memory."""
    for key, *_ in csv_files(bucket, prefix):
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"]
        yield from csv.reader(codecs.getreader("utf-8-sig")(body))


def records(bucket: str, prefix: str) -> Iterator[dict[str, str]]:
    """The records of all CSV files under the prefix, each file with its own header row."""
    return records_of(bucket, csv_files(bucket, prefix))


def records_of(bucket: str, files: Iterable[S3File]) -> Iterator[dict[str, str]]:
    """The records of these CSV files."""
    for file in files:
        body = client("s3").get_object(Bucket=bucket, Key=file.key)["Body"]
        yield from csv.DictReader(codecs.getreader("utf-8-sig")(body))


def get_json(bucket: str, key: str) -> Any:
    """What the object holds, or None if there is none."""
    s3 = client("s3")
    try:
        return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except s3.exceptions.NoSuchKey:
        return None


def put_text(bucket: str, key: str, text: str) -> None:
    kinds = {"html": "text/html", "txt": "text/plain"}
    kind = kinds.get(key.rpartition(".")[2], "application/json")
    client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType=f"{kind}; charset=utf-8")


def put_json(bucket: str, key: str, value: Any) -> None:
    put_text(bucket, key, json.dumps(value, indent=1, ensure_ascii=False))
