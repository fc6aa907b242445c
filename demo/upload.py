"""The dataset's files into the data bucket, as a customer would bring them; unchanged ones stay where they are."""

import hashlib
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError


def upload(folder: Path, bucket: str) -> list[str]:
    """Uploads what is new or changed under forecasting/ and recommending/ of `folder`; returns the keys uploaded."""
    s3 = boto3.client("s3")
    files = [path for kind in ("forecasting", "recommending") for path in sorted((folder / kind).rglob("*.csv"))]
    keys = []
    for path in files:
        key = path.relative_to(folder).as_posix()
        body = path.read_bytes()
        checksum = hashlib.sha256(body).hexdigest()
        if _checksum(s3, bucket, key) != checksum:
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/csv", Metadata={"sha256": checksum})
            keys.append(key)
    return keys


def _checksum(s3: Any, bucket: str, key: str) -> str | None:
    try:
        return s3.head_object(Bucket=bucket, Key=key)["Metadata"].get("sha256")
    except ClientError:
        return None
