"""Objects of S3 as the client reads them: JSON, listings, and CSV files, which are kept on this machine.

A CSV file goes by its ETag, so that a copy never ages. What is large is read line by line, and only the lines that
name what is looked for are parsed.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from common.tables import is_data, rows
from storecast.client.aws import Aws, at_once, gone, utc

_KEPT_DAYS = 7


@dataclass(frozen=True)
class Object:
    """An object of S3, as it is listed."""

    bucket: str
    key: str
    etag: str
    size: int
    modified: datetime

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parts(uri: str) -> tuple[str, str]:
    """Bucket and key of s3://bucket/key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def listed(aws: Aws, bucket: str, prefix: str) -> list[Object]:
    pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [
        Object(bucket, each["Key"], each["ETag"], each["Size"], utc(each["LastModified"]))
        for page in pages
        for each in page.get("Contents", ())
    ]


def folders(aws: Aws, bucket: str, prefix: str) -> list[str]:
    """The names of the folders right under the prefix."""
    pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    return [each["Prefix"].removeprefix(prefix)[:-1] for page in pages for each in page.get("CommonPrefixes", ())]


def text(aws: Aws, bucket: str, key: str) -> str | None:
    """What the object holds; None where there is none."""
    from botocore.exceptions import ClientError

    try:
        body: bytes = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if gone(error):
            return None
        raise
    return body.decode()


def json_of(aws: Aws, bucket: str, key: str) -> Any:
    """What the JSON object holds; None where there is none."""
    found = text(aws, bucket, key)
    return None if found is None else json.loads(found)


def local(aws: Aws, bucket: str, key: str, etag: str) -> Path | None:
    """The object as it was when it had the ETag, on this machine; None where neither it nor its version is there."""
    name = hashlib.sha256(f"{aws.endpoint} {bucket} {key} {etag}".encode()).hexdigest()
    path = cache() / name
    if path.exists():
        os.utime(path)
        return path
    unfinished = path.with_name(f"{name}.{os.getpid()}.{time.monotonic_ns()}")
    if not _download(aws, bucket, key, etag, unfinished):
        return None
    unfinished.replace(path)
    return path


@functools.cache
def cache() -> Path:
    """The folder of copies, for its user alone; those that nobody has read for days go."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "storecast"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in folder.iterdir():
        if path.is_file() and path.stat().st_mtime < time.time() - _KEPT_DAYS * 86_400:
            path.unlink(missing_ok=True)
    return folder


def _download(aws: Aws, bucket: str, key: str, etag: str, path: Path) -> bool:
    from botocore.exceptions import ClientError

    s3 = aws.client("s3")
    which: dict[str, str] = {"IfMatch": etag}
    try:
        body = s3.get_object(Bucket=bucket, Key=key, **which)["Body"]
    except ClientError as error:
        if not gone(error) and error.response["Error"]["Code"] not in ("PreconditionFailed", "412"):
            raise
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
        versions = (each for page in pages for each in page.get("Versions", ()))
        version = next((each for each in versions if each["Key"] == key and each["ETag"] == etag), None)
        if version is None:
            return False
        body = s3.get_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])["Body"]
    with path.open("wb") as file:
        for chunk in body.iter_chunks(1 << 20):
            file.write(chunk)
    return True


def records(aws: Aws, bucket: str, prefix: str, containing: str = "") -> Iterator[dict[str, str]]:
    """The records of all CSV files under the prefix, each with its header row; where `containing` is given, at least
    those with this text in any case."""
    files = [each for each in listed(aws, bucket, prefix) if is_data(each.key) and each.size]
    for path in at_once(lambda each: local(aws, each.bucket, each.key, each.etag), files):
        if path is not None:
            yield from _records(path, containing)


def _records(path: Path, containing: str) -> Iterator[dict[str, str]]:
    with path.open("rb") as file:
        header = next(csv.reader([file.readline().decode("utf-8-sig")]), [])
        for row in csv.reader(_lines(file, containing)):
            if row:
                yield dict(zip(header, row, strict=False))


def _lines(file: io.BufferedReader, containing: str) -> Iterator[str]:
    """The lines with the text, all of them where a quoted value might span lines."""
    start = file.tell()
    wanted = containing.lower().encode()
    quoted = bool(wanted) and any(b'"' in chunk for chunk in iter(lambda: file.read(1 << 20), b""))
    file.seek(start)
    if quoted or not wanted:
        yield from io.TextIOWrapper(file, encoding="utf-8", newline="")
        return
    ascii_only = wanted.isascii()
    for line in file:
        if wanted in (line.lower() if ascii_only else line.decode().lower().encode()):
            yield line.decode()


def delivered(
    aws: Aws, bucket: str, planned: Mapping[str, Any], columns: Sequence[str], containing: str = ""
) -> Iterator[dict[str, str]]:
    """The records of delivered files as a run read them; `planned` is what data.json has of their kind, `columns` those
    of a file without a header. Where `containing` is given, at least the records with this text in any case."""
    layouts = planned.get("layouts", {})
    items = list(planned["files"].items())
    paths = at_once(lambda each: local(aws, bucket, *each), items)
    for (key, _), path in zip(items, paths, strict=True):
        if path is None:
            continue
        layout = layouts.get(key)
        with path.open("rb") as file:
            if layout and (layout.get("gzip") or layout.get("skip")):
                for _, row in rows(f"s3://{bucket}/{key}", file, layout):
                    yield dict(zip(columns, row, strict=False))
                continue
            yield from _plain(file, layout, columns, containing)


def _plain(file: io.BufferedReader, layout: Any, columns: Sequence[str], containing: str) -> Iterator[dict[str, str]]:
    """Of a file without rows to skip: its own header wins over the columns, as it may have more of them."""
    first = next(csv.reader([file.readline().decode("utf-8-sig")]), [])
    known = {each.lower(): each for each in columns}
    is_header = bool(layout and layout.get("header")) or {each.strip().lower() for each in first} >= set(known)
    names = [known.get(each.strip().lower(), each.strip()) for each in first] if is_header else list(columns)
    if not is_header:
        file.seek(0)
    for row in csv.reader(_lines(file, containing)):
        if row:
            yield dict(zip(names, row, strict=False))


def counted(values: Iterable[Object]) -> tuple[int, int]:
    """How many data files, and their bytes."""
    files = [each for each in values if is_data(each.key)]
    return len(files), sum(each.size for each in files)
