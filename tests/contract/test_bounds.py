"""What is too large is refused before it is held in memory; what has a strange name stays where it belongs."""

import io
import ssl
import struct
import zipfile
from collections.abc import Iterator
from http.client import HTTPSConnection

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.emulator.bounds import MOST, MOST_OF_OTHERS
from localaws.settings import Settings
from tests.contract.clients import refused
from tests.contract.helpers import role, unique

FORECAST = {"x-amz-target": "AmazonForecast.ListDatasets", "content-type": "application/x-amz-json-1.1"}


@pytest.fixture
def connection(embedded_aws: Settings) -> Iterator[HTTPSConnection]:
    trusted = ssl.create_default_context(cafile=str(embedded_aws.certificate_authority))
    opened = HTTPSConnection("127.0.0.1", embedded_aws.port, context=trusted, timeout=30)
    yield opened
    opened.close()


def test_a_body_over_the_bound_is_refused(embedded_aws: Settings) -> None:
    forecast, told = boto3.client("forecast"), f"larger than the {MOST_OF_OTHERS:,} bytes that forecast takes"
    with pytest.raises(ClientError, match=f"RequestEntityTooLargeException.*{told}"):
        forecast.create_dataset_group(DatasetGroupName="a" * MOST_OF_OTHERS, Domain="RETAIL")
    assert "DatasetGroups" in forecast.list_dataset_groups()


def test_an_object_over_five_gigabytes_is_refused_by_its_announcement(connection: HTTPSConnection) -> None:
    connection.putrequest("PUT", "/any-bucket/large")
    for name, value in (("content-length", MOST["s3"] + 1), ("expect", "100-continue")):
        connection.putheader(name, str(value))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 400 and b"<Code>EntityTooLarge</Code>" in answer.read()


def test_a_body_without_a_length_is_counted_as_it_comes(connection: HTTPSConnection) -> None:
    parts = (b" " * 2**20 for _ in range(MOST_OF_OTHERS // 2**20 + 1))
    connection.request("POST", "/", body=parts, headers=FORECAST, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413 and b"RequestEntityTooLarge" in answer.read()


def test_a_zip_that_unpacks_to_too_much_is_no_lambda_function(embedded_aws: Settings) -> None:
    """A small file that declares 300 MB; what unpacks it reads no more than is declared."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "def handler(event, context): pass\n")
    body = packed.getvalue()
    at = body.index(b"PK\x01\x02") + 24  # the uncompressed size in the central directory
    body = body[:at] + struct.pack("<I", 300 * 2**20) + body[at + 4 :]
    create = boto3.client("lambda").create_function
    refused("InvalidParameterValueException", create, "262144000", FunctionName=unique("bomb"), Runtime="python3.11",
            Role=role("lambda"), Handler="f.handler", Code={"ZipFile": body})  # fmt: skip


@pytest.mark.parametrize("key", ["../../../escaped", "/absolute", "a/../../../../escaped", "..", "a\0b", "x" * 1024])
def test_a_strange_key_is_an_object_like_any_other_and_stays_in_the_store(embedded_aws: Settings, key: str) -> None:
    s3, bucket = boto3.client("s3"), unique("strange").replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    before = _outside(embedded_aws)
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"
    assert _outside(embedded_aws) == before


def test_a_key_longer_than_any_of_s3_is_refused(embedded_aws: Settings) -> None:
    s3, bucket = boto3.client("s3"), unique("strange").replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="ü" * 512, Body=b"x")
    with pytest.raises(ClientError, match="KeyTooLongError"):
        s3.put_object(Bucket=bucket, Key="ü" * 512 + "x", Body=b"x")


def _outside(settings: Settings) -> set[str]:
    """Names in the state folder, and beside it, outside the folders where the emulator keeps objects."""
    return {path.name for folder in (settings.state, settings.state.parent) for path in folder.iterdir()}
