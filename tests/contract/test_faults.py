"""The fault switch on the traffic: clients see the service's own kind of error; what went through stays done."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.faults import Fault, read, write
from localaws.settings import Settings
from tests.contract.clients import client, refused
from tests.contract.forecast_setup import create_dataset, import_ended, import_from
from tests.contract.helpers import ended, role, statement, unique
from tests.contract.test_step_functions import DESCRIBE, run

ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture
def inject(embedded_aws: Settings):
    """Adds a rule; afterwards the rules are as they were."""
    before = read(embedded_aws.faults)
    yield lambda *given, **more: write(embedded_aws.faults, [*read(embedded_aws.faults), Fault(*given, **more)])
    write(embedded_aws.faults, before)


def test_a_json_service_throttles_as_often_as_the_rule_says(forecast, inject) -> None:
    name = unique("throttled")
    inject(
        "forecast:CreateDatasetGroup", containing=name, error="ThrottlingException", message="Rate exceeded", times=2
    )
    create = {"DatasetGroupName": name, "Domain": "CUSTOM"}
    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottlingException.*Rate exceeded"):
            boto3.client("forecast", config=ONCE).create_dataset_group(**create)
    assert forecast.create_dataset_group(**create)["DatasetGroupArn"].endswith(name)


def test_boto3_retries_a_5xx(inject) -> None:
    name = unique("flaky")
    inject("personalize:CreateDatasetGroup", containing=name, error="InternalServerError", status=500, times=2)
    patient = boto3.client("personalize")
    arn = patient.create_dataset_group(name=name)["datasetGroupArn"]
    assert arn.endswith(name)
    ended(patient.describe_dataset_group, "datasetGroup", datasetGroupArn=arn)
    patient.delete_dataset_group(datasetGroupArn=arn)


def test_s3_and_sns_answer_in_their_own_protocols(bucket: str, inject) -> None:
    key, topic = unique("key"), unique("topic")
    inject("s3:PutObject", containing=key, error="SlowDown", status=503)
    refused("SlowDown", client("s3").put_object, Bucket=bucket, Key=key, Body=b"x")
    inject("sns:CreateTopic", containing=topic, error="Throttling")
    refused("Throttling", client("sns").create_topic, Name=topic)


def test_an_answer_that_is_lost_leaves_the_resource(forecast, inject) -> None:
    name = unique("lost")
    inject("forecast:CreateDatasetGroup", containing=name, error="ServiceUnavailable", status=503, after=True, times=1)
    create = {"DatasetGroupName": name, "Domain": "CUSTOM"}
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        boto3.client("forecast", config=ONCE).create_dataset_group(**create)
    refused("ResourceAlreadyExistsException", forecast.create_dataset_group, **create)


def test_step_functions_meets_faults_under_the_sdks_name_of_the_error(forecast, inject) -> None:
    name = unique("met")
    group = forecast.create_dataset_group(DatasetGroupName=name, Domain="CUSTOM")["DatasetGroupArn"]
    inject("forecast:DescribeDatasetGroup", containing=name, error="ThrottlingException", times=1)
    able = role("states", statement("forecast:DescribeDatasetGroup", on=group))
    assert run(DESCRIBE, {"DatasetGroupArn": group}, able)["error"] == "Forecast.ThrottlingException"
    assert run(DESCRIBE, {"DatasetGroupArn": group}, able)["status"] == "SUCCEEDED"


def test_a_job_fails_with_the_reason_given(forecast, bucket: str, forecast_role: str, inject) -> None:
    dataset = create_dataset(forecast, "target")
    inject("job:forecast:DatasetImportJob", containing=dataset.rpartition("/")[2], error="X", message="a bad day")
    job = import_from(forecast, dataset, f"s3://{bucket}/forecasting/sample/target/", forecast_role)
    found = import_ended(forecast, job)
    assert (found["Status"], found["Message"]) == ("CREATE_FAILED", "a bad day")
