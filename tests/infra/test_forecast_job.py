"""What the script of the Glue job asks of S3."""

import io

import boto3
import pytest
from botocore.stub import Stubber

from infra.glue.forecast_job import S3Objects
from storecast_engines.distributed import JobFailed

PLACE = {"Bucket": "shop", "Key": "data/a.csv"}
URI = "s3://shop/data/a.csv"


@pytest.fixture
def stubbed() -> tuple[S3Objects, Stubber]:
    storage = S3Objects()
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    storage._client = client
    stub = Stubber(client)
    stub.activate()
    return storage, stub


@pytest.mark.parametrize(
    ("part", "asked"), [((), {}), ((0, 9), {"Range": "bytes=0-9"}), ((10,), {"Range": "bytes=10-"})]
)
def test_a_part_of_an_object_is_asked_for_by_its_range(
    stubbed: tuple[S3Objects, Stubber], part: tuple[int, ...], asked: dict[str, str]
) -> None:
    storage, stub = stubbed
    stub.add_response("get_object", {"Body": io.BytesIO(b"milk")}, PLACE | asked)
    assert storage.read(URI, *part) == b"milk"


def test_the_size_of_an_object_is_asked_without_reading_it(stubbed: tuple[S3Objects, Stubber]) -> None:
    storage, stub = stubbed
    stub.add_response("head_object", {"ContentLength": 7}, PLACE)
    assert storage.size(URI) == 7
    stub.add_client_error("head_object", "404", expected_params=PLACE)
    with pytest.raises(FileNotFoundError):
        storage.size(URI)
    stub.add_client_error("head_object", "403", expected_params=PLACE)
    with pytest.raises(JobFailed, match=f"s3:GetObject on {URI} failed: 403"):
        storage.size(URI)


def test_another_process_opens_its_own_connection(stubbed: tuple[S3Objects, Stubber]) -> None:
    storage, _ = stubbed
    assert storage.__getstate__()["_client"] is None
