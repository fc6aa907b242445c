"""S3: which files there are, CSVs row by row, results as text."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from common.clients import client


def csv_keys(bucket: str, prefix: str) -> list[str]:
    """The keys of CSV files under the prefix, in order."""
    return [key for key, _ in csv_files(bucket, prefix)]


def csv_files(bucket: str, prefix: str) -> list[tuple[str, str]]:
    """Key and ETag of CSV files under the prefix, in the order of their keys."""
    return [(key, etag) for key, etag, _ in csv_objects(bucket, prefix)]


def csv_objects(bucket: str, prefix: str) -> list[tuple[str, str, datetime]]:
    """The same, and when each was put there."""
    return sorted(
        (entry["Key"], entry["ETag"], entry["LastModified"])
        for entry in _listed(bucket, prefix)
        if entry["Key"].lower().endswith(".csv") and entry["Size"]
    )


def newest_upload(bucket: str, prefix: str) -> datetime | None:
    """When the newest object under the prefix was put there."""
    return max((entry["LastModified"] for entry in _listed(bucket, prefix)), default=None)


def _listed(bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return (entry for page in pages for entry in page.get("Contents", ()))


def rows(bucket: str, prefix: str) -> Iterator[list[str]]:
    """The rows of all CSV files under the prefix, headers and all, without holding a file in memory."""
    for key in csv_keys(bucket, prefix):
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"]
        yield from csv.reader(codecs.getreader("utf-8-sig")(body))


def records(bucket: str, prefix: str) -> Iterator[dict[str, str]]:
    """The records of all CSV files under the prefix, each file with its own header row."""
    for key in csv_keys(bucket, prefix):
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"]
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
