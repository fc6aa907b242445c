"""S3 as a job sees it: through the role that the caller passed, never with more rights than that role has."""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.errors import JobFailed


@dataclass(frozen=True)
class Access:
    """The endpoint, its certificate authority, and the credentials of the role that the caller passed."""

    role: str
    endpoint: str
    certificate_authority: str
    region: str
    access_key: str
    secret_key: str
    session_token: str


@dataclass(frozen=True)
class File:
    """One object that a job read: its S3 URI and its bytes."""

    uri: str
    body: bytes


def split(path: str) -> tuple[str, str]:
    """("bucket", "key or prefix") of an s3:// path."""
    bucket, _, key = path.removeprefix("s3://").partition("/")
    return bucket, key


def read(
    access: Access, path: str, ending: str = ".csv", *, others: tuple[str, ...] = (), only: tuple[str, ...] = ("",)
) -> list[File]:
    """The file at `path`, or all files below it when it is a folder or a bucket, whatever their names end in, but for
    the endings of `others`, which are files of another format, and for those of `only`. `ending` is the usual one.

    A path whose last part has no dot is a folder; keys that end in / only stand for one. Raises JobFailed naming the
    path, the role and what S3 answered, when nothing is there or the role may not read it.
    """
    s3 = _client(access)
    bucket, key = split(path)
    keys = [key]
    if "." not in key.rpartition("/")[2]:
        left_out, there = (*others, "/"), _keys(s3, access, bucket, key)
        keys = [each for each in there if each.endswith(only) and not each.lower().endswith(left_out)]
    if not keys:
        raise JobFailed(f"No file ending in {ending} was found at {path}, and no other.")
    return [File(f"s3://{bucket}/{each}", _get(s3, access, bucket, each)) for each in keys]


def write(access: Access, path: str, name: str, body: bytes) -> None:
    """Puts a file into the folder `path`. Raises JobFailed when the role may not."""
    bucket, prefix = split(path)
    key = f"{prefix.rstrip('/')}/{name}".lstrip("/")
    try:
        _client(access).put_object(Bucket=bucket, Key=key, Body=body)
    except ClientError as error:
        raise _denied(access, "s3:PutObject", f"s3://{bucket}/{key}", error) from None


def _client(access: Access) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=access.endpoint,
        verify=access.certificate_authority,
        region_name=access.region,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        aws_session_token=access.session_token,
        config=Config(retries={"max_attempts": 3}, s3={"addressing_style": "path"}),
    )


def _keys(s3: Any, access: Access, bucket: str, prefix: str) -> list[str]:
    prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]
    except ClientError as error:
        raise _denied(access, "s3:ListBucket", f"s3://{bucket}/{prefix}", error) from None


def _get(s3: Any, access: Access, bucket: str, key: str) -> bytes:
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise _denied(access, "s3:GetObject", f"s3://{bucket}/{key}", error) from None


def _denied(access: Access, action: str, uri: str, error: ClientError) -> JobFailed:
    answer = error.response["Error"]
    return JobFailed(
        f"Insufficient privileges for accessing data in Amazon S3: {action} on {uri} with role {access.role} failed: "
        f"{answer['Code']}: {answer['Message']}"
        if answer["Code"] in ("AccessDenied", "AccessDeniedException", "403")
        else f"{action} on {uri} with role {access.role} failed: {answer['Code']}: {answer['Message']}"
    )
