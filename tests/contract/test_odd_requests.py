"""Requests that no SDK sends: each is refused with an error of the client's, and none leaves a trace in the log."""

import json
import socket
import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.emulator.access import account_and_name
from localaws.errors import ServiceError
from localaws.settings import Settings
from tests.contract.helpers import ACCOUNT

ARN = f"arn:aws:forecast:us-east-1:{ACCOUNT}:forecast/f"
DEEP = b'{"a":' * 100_000
NESTED = ('{"Filters":' + '[{"a":' * 400 + "1" + "}]" * 400 + "}").encode()
GROUP = f"arn:aws:forecast:us-east-1:{ACCOUNT}:dataset-group/g"
S3 = {"S3Config": {"Path": "s3://bucket/key", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}}
IMPORT = {"DatasetImportJobName": "j", "DatasetArn": f"arn:aws:forecast:us-east-1:{ACCOUNT}:dataset/d"}

# Service, operation, body.
REQUESTS: list[tuple[str, str, Any]] = [
    *((service, operation, body) for service, operation in (
        ("forecast", "ListForecasts"), ("personalize", "ListSchemas"), ("sagemaker", "ListNotebookInstances"),
        ("dynamodb", "PutItem"), ("stepfunctions", "StartExecution"), ("sqs", "SendMessage"), ("events", "PutEvents"),
        ("logs", "PutLogEvents"), ("glue", "CreateTable"), ("athena", "StartQueryExecution"), ("kms", "Encrypt"),
        ("ssm", "PutParameter"), ("secretsmanager", "CreateSecret"), ("lambda", "CreateFunction"),
        ("scheduler", "CreateSchedule"),
      ) for body in (DEEP, NESTED, b"[1]", b'"x"', b"{", b"\xff\xfe", b"1e400")),
    ("forecastquery", "QueryForecast", {"ForecastArn": ARN, "Filters": {"item_id": None}}),
    ("forecastquery", "QueryForecast", {"ForecastArn": ARN, "Filters": {"item_id": ["a"]}}),
    ("forecast", "CreateDatasetGroup", {"DatasetGroupName": "g", "Domain": "RETAIL", "Tags": [{"Key": None}]}),
    ("forecast", "CreateDatasetGroup", {"DatasetGroupName": "g", "Domain": "RETAIL", "Tags": {"a": "b"}}),
    ("forecast", "DescribeForecast", {"ForecastArn": "arn:\ud800"}),
    *(("forecast", "CreateDatasetImportJob", IMPORT | {"DataSource": {"S3Config": S3["S3Config"] | odd}}) for odd in (
        {"RoleArn": "arn:"}, {"RoleArn": "arn:aws:iam"}, {"RoleArn": "x"}, {"RoleArn": "arn:aws:iam::1:role/r"},
        {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/"}, {"Path": "s3://"}, {"Path": "s3:///key"}, {"Path": "s3://a/../b"},
        {"Path": "s3://Bucket/key"}, {"Path": "s3://b" + "x" * 200 + "/"}, {"Path": "s3://bucket/" + "k" * 3000})),
    ("personalize", "CreateDatasetImportJob", {"jobName": "j", "datasetArn": ARN, "dataSource": {"dataLocation": "s3://"},
                                               "roleArn": "arn:"}),
    ("sagemaker", "CreateNotebookInstanceLifecycleConfig", {
        "NotebookInstanceLifecycleConfigName": "l", "OnStart": [{"Content": "é"}]}),
    ("sagemaker", "CreateNotebookInstanceLifecycleConfig", {
        "NotebookInstanceLifecycleConfigName": "l", "OnStart": [None]}),
    ("sagemaker", "CreateNotebookInstance", {
        "NotebookInstanceName": "n", "InstanceType": "ml.t3.medium", "RoleArn": "arn:aws:iam"}),
    ("dynamodb", "PutItem", {"TableName": "t", "Item": ["x"]}),
    ("dynamodb", "PutItem", {"TableName": {"a": 1}, "Item": {}}),
    ("dynamodb", "Query", {"TableName": "t", "KeyConditionExpression": 7}),
    ("stepfunctions", "StartExecution", {"stateMachineArn": ["x"]}),
    ("stepfunctions", "CreateStateMachine", {"name": "m", "definition": {"a": 1}, "roleArn": "arn:"}),
    ("sqs", "SendMessage", {"QueueUrl": 7, "MessageBody": "x"}),
    ("sqs", "SendMessage", {"QueueUrl": "x", "MessageBody": "x", "MessageAttributes": ["a"]}),
    ("sqs", "ListQueues", {"MaxResults": 1, "NextToken": "of another service"}),
    ("sqs", "ListQueues", {"MaxResults": 1, "NextToken": "\u00b2"}),
    ("events", "PutEvents", {"Entries": "x"}),
    ("events", "PutEvents", {"Entries": [7]}),
    ("events", "PutRule", {"Name": ["x"]}),
    ("logs", "PutLogEvents", {"logGroupName": "g", "logStreamName": "s", "logEvents": [7]}),
    ("logs", "CreateLogGroup", {"logGroupName": {"a": "b"}}),
    ("glue", "CreateTable", {"DatabaseName": "d", "TableInput": "x"}),
    ("glue", "CreateTable", {"DatabaseName": "d", "TableInput": {"Name": "n", "StorageDescriptor": {"Columns": 7}}}),
    ("athena", "StartQueryExecution", {"QueryString": 7}),
    ("athena", "StartQueryExecution", {"QueryString": "select 1", "ResultConfiguration": "x"}),
    ("kms", "Encrypt", {"KeyId": 7, "Plaintext": "x"}),
    ("ssm", "PutParameter", {"Name": 7, "Value": "x"}),
    ("secretsmanager", "CreateSecret", {"Name": ["x"]}),
    ("lambda", "CreateFunction", {"FunctionName": 7, "Role": "x", "Code": "x"}),
    ("lambda", "CreateFunction", {"FunctionName": "f", "Role": "x", "Code": {"ZipFile": []}}),
    ("scheduler", "CreateSchedule", {"Target": "x", "FlexibleTimeWindow": [], "ScheduleExpression": 7}),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def no_trace(embedded_aws: Settings) -> Iterator[None]:
    """The log holds no stack of the server's when all are through."""
    before = embedded_aws.log.stat().st_size
    yield
    said = embedded_aws.log.read_bytes()[before:].decode(errors="replace")
    assert "Traceback" not in said, said[said.index("Traceback") - 500 :][:3000]


@cache
def raw(service: str) -> tuple[Any, list[bytes]]:
    """A client that sends what lies in the list, whatever it is asked."""
    made = boto3.client(service, config=Config(retries={"total_max_attempts": 1}, parameter_validation=False))
    body = [b""]
    made.meta.events.register("before-call", lambda params, **_: params.update(body=body[0]))
    return made, body


def send(service: str, operation: str, body: bytes) -> int:
    made, sent = raw(service)
    sent[0] = body
    method = next(method for method, name in made.meta.method_to_api_mapping.items() if name == operation)
    named = {"lambda": {"FunctionName": "f"}, "scheduler": {"Name": "s"}}.get(service, {})
    try:
        return getattr(made, method)(**named)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_each_is_refused_as_the_clients_fault(embedded_aws: Settings) -> None:
    answered = {}
    for number, (service, operation, body) in enumerate(REQUESTS):
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        status = send(service, operation, sent)
        if not 400 <= status < 500:
            answered[f"{number} {service} {operation} {sent[:80]!r}"] = status
    assert answered == {}


def test_a_null_is_a_member_that_is_not_there(embedded_aws: Settings) -> None:
    for service, operation, body in (
        ("forecast", "ListForecasts", {"Filters": None, "MaxResults": None}),
        ("forecast", "ListPredictors", {"Filters": None, "NextToken": None}),
        ("personalize", "ListDatasets", {"datasetGroupArn": None}),
        ("sagemaker", "ListNotebookInstances", {"NameContains": None, "StatusEquals": None}),
    ):
        assert send(service, operation, json.dumps(body).encode()) == 200, operation


@pytest.mark.parametrize("odd", ["", "arn:", "arn:aws:iam", f"arn:aws:iam::{ACCOUNT}:user/u", "arn:aws:iam::1:role/r"])
def test_what_is_no_role_has_no_account(odd: str) -> None:
    with pytest.raises(ServiceError, match="is not the ARN of a role"):
        account_and_name(odd)
    assert account_and_name(f"arn:aws:iam::{ACCOUNT}:role/path/of/r") == (ACCOUNT, "r")


def test_a_connection_that_says_nothing_is_closed(embedded_aws: Settings) -> None:
    """Before TLS is agreed on. The other bounds are of minutes: see emulator/serving.py and bounds.py."""
    with socket.create_connection(("127.0.0.1", embedded_aws.port), timeout=40) as silent:
        assert silent.recv(1) == b""
    trusted = ssl.create_default_context(cafile=str(embedded_aws.certificate_authority))
    with socket.create_connection(("127.0.0.1", embedded_aws.port)) as plain:
        assert trusted.wrap_socket(plain, server_hostname="127.0.0.1").version()
