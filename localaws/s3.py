"""S3 as a job sees it: through the role that the caller passed, never with more rights than that role has."""

import io
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.errors import JobFailed, invalid

LOCATE, LIST, GET, PUT = "s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject", "s3:PutObject"
OF_BUCKETS = (LOCATE, LIST)  # the other actions are on objects


_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # (docs/aws-sources.md#s3-bucketnamingrules)
_LONGEST_KEY = 1024  # bytes
_MARKERS = ("/_check", "/_success")  # which the services leave beside their own exports


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
    """("bucket", "key or prefix") of an s3:// path. Raises ServiceError for one that can name no object of S3."""
    bucket, _, key = path.removeprefix("s3://").partition("/")
    if not path.startswith("s3://") or not _BUCKET.fullmatch(bucket) or len(key.encode()) > _LONGEST_KEY:
        raise invalid(f"{path[:200]!r} is not a path of S3: s3://bucket/key, by the rules for names of buckets")
    return bucket, key


@dataclass(frozen=True)
class Listed:
    """One object that a job is to read: its S3 URI and its size in bytes."""

    uri: str
    size: int


def listed(
    access: Access, path: str, ending: str = ".csv", *, others: tuple[str, ...] = (), only: tuple[str, ...] = ("",)
) -> list[Listed]:
    """The file at `path`, or all files below it when it is a folder or a bucket, whatever their names end in, but for
    the endings of `others`, which are files of another format, and those of `only`, and for the empty objects that the
    services leave beside their exports. `ending` is the usual one.

    A path whose last part has no dot is a folder; keys that end in / only stand for one. Raises JobFailed naming the
    path, the role and what S3 answered, when nothing is there or the role may not list it.
    """
    s3 = client(access)
    bucket, key = split(path)
    if "." in key.rpartition("/")[2]:
        found = {name: size for name, size in _sizes(s3, access, bucket, key).items() if name == key}
    else:
        there = _sizes(s3, access, bucket, key if key.endswith("/") or not key else key + "/")
        left_out = (*others, "/", *_MARKERS)
        found = {
            name: size for name, size in there.items() if name.endswith(only) and not name.lower().endswith(left_out)
        }
    if not found:
        raise JobFailed(f"No file ending in {ending} was found at {path}, and no other.")
    return [Listed(f"s3://{bucket}/{name}", size) for name, size in found.items()]


def read(
    access: Access, path: str, ending: str = ".csv", *, others: tuple[str, ...] = (), only: tuple[str, ...] = ("",)
) -> list[File]:
    """All that `listed` finds, with its content. Raises JobFailed, also when the role may not read a file."""
    return [File(each.uri, get(access, each.uri)) for each in listed(access, path, ending, others=others, only=only)]


def opened(access: Access, uri: str) -> BinaryIO:
    """The content of an object as a stream. Raises JobFailed when the role may not read it."""
    bucket, key = split(uri)
    return io.BufferedReader(_body(client(access), access, bucket, key), 2**20)


def locate(access: Access, path: str) -> None:
    """Asks for the region of the path's bucket. Raises JobFailed when the role may not."""
    bucket, _ = split(path)
    try:
        client(access).get_bucket_location(Bucket=bucket)
    except ClientError as error:
        raise _denied(access, LOCATE, f"s3://{bucket}", error) from None


def check_folder(access: Access, path: str, reads: bool = True) -> None:
    """Leaves the empty object _CHECK in the folder `path`, as the services do before they write there (recorded), once
    the role may list the bucket; with `reads` the object is read again. Raises JobFailed when the role may not."""
    s3 = client(access)
    bucket, _ = split(path)
    try:
        s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except ClientError as error:
        raise _denied(access, LIST, f"s3://{bucket}", error) from None
    write(access, path, "_CHECK", b"")
    if reads:
        _get(s3, access, bucket, _key_in(path, "_CHECK"))


def write(access: Access, path: str, name: str, body: bytes) -> None:
    """Puts a file into the folder `path`. Raises JobFailed when the role may not."""
    bucket, _ = split(path)
    key = _key_in(path, name)
    try:
        client(access).put_object(Bucket=bucket, Key=key, Body=body)
    except ClientError as error:
        raise _denied(access, PUT, f"s3://{bucket}/{key}", error) from None


def _key_in(folder: str, name: str) -> str:
    _, prefix = split(folder)
    return f"{prefix.rstrip('/')}/{name}".lstrip("/")


def get(access: Access, path: str) -> bytes:
    """The object at a path, without a look at what else there is. Raises JobFailed when the role may not read it."""
    bucket, key = split(path)
    return _get(client(access), access, bucket, key)


def size(access: Access, path: str) -> int:
    """The bytes of an object. Raises JobFailed when the role may not read it, or when it is not there."""
    bucket, key = split(path)
    try:
        return client(access).head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        raise _denied(access, "s3:GetObject", path, error) from None


@lru_cache(maxsize=8)  # a client costs 20 ms of CPU, and an export writes hundreds of objects
def client(access: Access, service: str = "s3") -> Any:
    """A client of the embedded AWS with the role's credentials."""
    return boto3.client(
        service,
        endpoint_url=access.endpoint,
        verify=access.certificate_authority,
        region_name=access.region,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        aws_session_token=access.session_token,
        config=Config(retries={"max_attempts": 3}, s3={"addressing_style": "path"}),
    )


def _sizes(s3: Any, access: Access, bucket: str, prefix: str) -> dict[str, int]:
    """The objects' sizes by their keys."""
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", [])}
    except ClientError as error:
        raise _denied(access, LIST, f"s3://{bucket}/{prefix}", error) from None


def _get(s3: Any, access: Access, bucket: str, key: str) -> bytes:
    return _body(s3, access, bucket, key).read()


def _body(s3: Any, access: Access, bucket: str, key: str) -> Any:
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        raise _denied(access, GET, f"s3://{bucket}/{key}", error) from None


def _denied(access: Access, action: str, uri: str, error: ClientError) -> JobFailed:
    answer = error.response["Error"]
    return JobFailed(
        f"Insufficient privileges for accessing data in Amazon S3: {action} on {uri} with role {access.role} failed: "
        f"{answer['Code']}: {answer['Message']}"
        if answer["Code"] in ("AccessDenied", "AccessDeniedException", "403")
        else f"{action} on {uri} with role {access.role} failed: {answer['Code']}: {answer['Message']}"
    )
