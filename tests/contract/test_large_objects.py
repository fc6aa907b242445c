"""Large objects pass through the disk: the server's memory does not grow by them, whichever way they come and go."""

import hashlib
import json
import os
import sys
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.settings import Settings
from tests.contract.helpers import unique

MEBIBYTE = 2**20
SIZE = 96 * MEBIBYTE


def anonymous_memory(aws: Settings) -> int:
    """Bytes of the server's memory that are not pages of files."""
    pid = json.loads((aws.state / "process.json").read_text())["pid"]
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) * 1024


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "file"
    piece = os.urandom(MEBIBYTE)
    with path.open("wb") as file:
        for number in range(SIZE // MEBIBYTE):
            file.write(number.to_bytes(4, "big") + piece[4:])
    return path


def md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("algorithm", "versioned"), [("CRC32", False), (None, True)])
def test_an_upload_and_a_download_keep_little_in_memory(
    embedded_aws: Settings, large: Path, tmp_path: Path, algorithm: str | None, versioned: bool
) -> None:
    checksums = "when_supported" if algorithm else "when_required"
    s3 = boto3.client("s3", config=Config(request_checksum_calculation=checksums))
    bucket = unique("large").replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    before = anonymous_memory(embedded_aws)
    with large.open("rb") as body:
        named = {"ChecksumAlgorithm": algorithm} if algorithm else {}
        put = s3.put_object(Bucket=bucket, Key="file", Body=body, Metadata={"a": "b"}, **named)
    assert put["ETag"] == f'"{md5(large)}"'
    assert anonymous_memory(embedded_aws) - before < SIZE // 2
    found = s3.get_object(Bucket=bucket, Key="file")
    assert (found["ContentLength"], found["Metadata"]) == (SIZE, {"a": "b"})
    with (tmp_path / "got").open("wb") as file:
        for piece in found["Body"].iter_chunks(MEBIBYTE):
            file.write(piece)
    assert md5(tmp_path / "got") == md5(large)
    part = s3.get_object(Bucket=bucket, Key="file", Range=f"bytes={5 * MEBIBYTE}-{5 * MEBIBYTE + 3}")
    assert part["Body"].read() == (5).to_bytes(4, "big")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/file")
    assert s3.head_object(Bucket=bucket, Key="copy")["ETag"] == put["ETag"]
    for key in ("file", "copy"):
        s3.delete_object(Bucket=bucket, Key=key)


def test_a_wrong_checksum_of_a_large_object_is_refused_and_nothing_is_left(embedded_aws: Settings) -> None:
    s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
    bucket = unique("large").replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket=bucket, Key="file", Body=b"x" * 2 * MEBIBYTE, ChecksumSHA256="A" * 43 + "=")
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket=bucket, Key="file", Body=b"x" * 2 * MEBIBYTE, ContentMD5="A" * 22 + "==")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert list((embedded_aws.state / "incoming").iterdir()) == []


def test_a_multipart_upload_has_its_parts_in_order(embedded_aws: Settings, large: Path, tmp_path: Path) -> None:
    s3, bucket = boto3.client("s3"), unique("large").replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    s3.upload_file(str(large), bucket, "file")
    s3.download_file(bucket, "file", str(tmp_path / "got"))
    assert md5(tmp_path / "got") == md5(large)
    s3.delete_object(Bucket=bucket, Key="file")
