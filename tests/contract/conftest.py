"""A bucket with the sample dataset, and the roles that Forecast and Personalize work under."""

from pathlib import Path

import boto3
import pytest

from data.sample.prepare import prepare
from localaws.settings import Settings
from tests.contract.clients import client
from tests.contract.forecast_setup import Shop, priced_shop
from tests.contract.helpers import policy, role, statement, unique, whole_bucket


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the sample dataset's files."""
    folder = tmp_path_factory.mktemp("sample")
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def bucket(embedded_aws: Settings, sample: Path) -> str:
    """A bucket with the sample's files under their own names; Personalize may read it."""
    name = _bucket_for_personalize("contract", "s3:GetObject", "s3:ListBucket")
    for file in sample.rglob("*/sample/*/*.csv"):
        boto3.client("s3").put_object(Bucket=name, Key=str(file.relative_to(sample)), Body=file.read_bytes())
    return name


@pytest.fixture(scope="session")
def out(embedded_aws: Settings) -> str:
    """A bucket that Personalize may read and write."""
    return _bucket_for_personalize("out", "s3:GetObject", "s3:PutObject", "s3:ListBucket")


def _bucket_for_personalize(prefix: str, *actions: str) -> str:
    s3, name = boto3.client("s3"), unique(prefix).replace("_", "-")
    s3.create_bucket(Bucket=name)
    service = {"Principal": {"Service": "personalize.amazonaws.com"}}
    s3.put_bucket_policy(Bucket=name, Policy=policy(statement(*actions, on=whole_bucket(name), **service)))
    return name


@pytest.fixture(scope="session")
def forecast_role(bucket: str) -> str:
    """May read and write the bucket, for jobs of this account."""
    actions = ("s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutObject")
    rights = statement(*actions, on=whole_bucket(bucket))
    return role("forecast", rights, source_account="000000000000")


@pytest.fixture(scope="session")
def personalize_role(bucket: str) -> str:
    return role("personalize", statement("s3:GetObject", "s3:ListBucket", on=whole_bucket(bucket)))


@pytest.fixture(scope="session")
def exporter(out: str, bucket: str) -> str:
    """May read and write both buckets."""
    everything = whole_bucket(out) + whole_bucket(bucket)
    return role("personalize", statement("s3:GetObject", "s3:PutObject", "s3:ListBucket", on=everything))


@pytest.fixture(scope="session")
def forecast(embedded_aws: Settings):
    return client("forecast")


@pytest.fixture(scope="module")  # a test that imports later data changes it
def shop(forecast, bucket: str, forecast_role: str) -> Shop:
    return priced_shop(forecast, bucket, forecast_role)


@pytest.fixture(scope="session")
def forecastquery(embedded_aws: Settings):
    return client("forecastquery")


@pytest.fixture(scope="session")
def personalize(embedded_aws: Settings):
    return client("personalize")


@pytest.fixture(scope="session")
def runtime(embedded_aws: Settings):
    return client("personalize-runtime")


@pytest.fixture(scope="session")
def sagemaker(embedded_aws: Settings):
    return client("sagemaker")
