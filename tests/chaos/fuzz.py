"""Fuzz every operation of every service that the app uses: no answer is a server error, no trace reaches the log, and
neither memory nor file descriptors of the server grow.

`python -m tests.chaos fuzz --requests 20000 --seed 1`; a finding prints the seed's number, which sends it again alone:
`--first NUMBER --requests 1`.
"""

from __future__ import annotations

import json
import random
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

from localaws.settings import Settings
from tests.chaos.server import session_of
from tests.chaos.shapes import Shapes

OURS = ("forecast", "forecastquery", "personalize", "personalize-runtime", "personalize-events", "sagemaker")
OTHERS = (
    *("athena", "budgets", "cloudformation", "cloudwatch", "dynamodb", "events", "glue", "iam", "kms"),
    *("lambda", "logs", "s3", "scheduler", "sns", "sqs", "ssm", "stepfunctions", "sts"),
)
# Not sent: what would take the fuzzer's own credentials away, and what waits for long by design.
_LEFT_OUT = {
    ("sqs", "ReceiveMessage"),
    ("stepfunctions", "GetActivityTask"),
    ("stepfunctions", "StartSyncExecution"),
    ("stepfunctions", "TestState"),  # goes to a host of its own
    ("lambda", "Invoke"),
    ("lambda", "InvokeAsync"),
    ("lambda", "InvokeWithResponseStream"),
    ("s3", "SelectObjectContent"),
    ("s3", "WriteGetObjectResponse"),  # goes to a host of its own
    ("kinesis", "SubscribeToShard"),
    ("logs", "StartLiveTail"),
    ("logs", "GetLogObject"),
}
_TIMEOUT = 30  # seconds; an answer that takes longer is a finding
_NOT_BUILT = (501,)


@dataclass(frozen=True)
class Finding:
    """What a request did that none should do."""

    number: int
    service: str
    operation: str
    what: str
    body: str

    def __str__(self) -> str:
        return f"{self.number}: {self.service}.{self.operation}: {self.what}\n    {self.body[:500]}"


@dataclass
class Outcome:
    """Of all requests: how they were answered, and what was found."""

    sent: int = 0
    operations: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    unsent: int = 0  # botocore itself could not write them
    findings: list[Finding] = field(default_factory=list)


def fuzz(
    settings: Settings,
    *,
    seed: int,
    requests: int,
    first: int = 0,
    services: Iterable[str] = (*OURS, *OTHERS),
    known: Mapping[str, list[str]] | None = None,
    sent: Callable[[str], object] = lambda body: None,
) -> Outcome:
    """Send `requests` requests, from the number `first` of the seed on, each to the next operation of all; each body is
    given to `sent`."""
    warnings.filterwarnings("ignore", module="botocore")
    session = session_of(settings)
    clients = {service: _client(session, service) for service in services}
    operations = [
        (service, client.meta.service_model.operation_model(name))
        for service, client in clients.items()
        for name in client.meta.service_model.operation_names
        if (service, name) not in _LEFT_OUT
    ]
    random.Random(seed).shuffle(operations)
    outcome = Outcome(operations=len(operations))
    read = settings.log.stat().st_size
    for number in range(first, first + requests):
        service, operation = operations[number % len(operations)]
        rng = random.Random(f"{seed}:{number}")
        body, what = _send(clients[service], operation, rng, known or {}, outcome)
        sent(body)
        traces, read = _traces(settings.log, read)
        if problem := what or traces:
            outcome.findings.append(Finding(number, service, operation.name, problem, body))
    return outcome


def _client(session: boto3.Session, service: str) -> Any:
    config = Config(
        retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=_TIMEOUT, connect_timeout=_TIMEOUT
    )
    return session.client(service, config=config)


def _send(
    client: Any, operation: OperationModel, rng: random.Random, known: Mapping[str, list[str]], outcome: Outcome
) -> tuple[str, str]:
    """The body that was sent, and what is wrong with the answer, if something is."""
    shapes = Shapes(rng, known)
    params = shapes.fitting(operation.input_shape)
    body = shapes.broken(params) if "json" in operation.service_model.protocol and rng.random() < 0.7 else None
    if body is not None:
        client.meta.events.register_first("before-call", replace := _replacing(operation, body), unique_id="fuzz")
    shown = body.decode(errors="replace") if body is not None else json.dumps(params, default=repr)
    try:
        client._make_api_call(operation.name, params)
        status, message = 200, ""
    except ClientError as error:
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        message = str(error.response["Error"])
        if not error.response["Error"].get("Code"):
            return shown, f"{status} without an error code"
    except ReadTimeoutError:
        return shown, f"no answer within {_TIMEOUT} s"
    except ResponseParserError as error:
        return shown, repr(error)[:300]
    except (BotoCoreError, ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError) as error:
        if "Connection" in type(error).__name__:
            return shown, repr(error)[:300]
        outcome.unsent += 1
        return shown, ""
    finally:
        if body is not None:
            client.meta.events.unregister("before-call", replace, unique_id="fuzz")
    outcome.sent += 1
    outcome.answers[status] += 1
    return shown, f"{status} {message[:300]}" if status >= 500 and status not in _NOT_BUILT else ""


def _replacing(operation: OperationModel, body: bytes) -> Any:
    def replace(params: dict[str, Any], **_: Any) -> None:
        if operation.has_streaming_input or operation.http["method"] == "GET":
            return
        params["body"] = body

    return replace


def _traces(log: Path, read: int) -> tuple[str, int]:
    """What the log says of a failure since it was `read` bytes long, and how long it is now."""
    size = log.stat().st_size
    if size <= read:
        return "", size
    with log.open("rb") as file:
        file.seek(read)
        text = file.read().decode(errors="replace")
    if "Traceback" not in text:
        return "", size
    return "a trace in the log: " + text[text.rindex("Traceback") :].strip().splitlines()[-1][:300], size


def grouped(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """By service, operation and the first words of what was found."""
    found: dict[str, list[Finding]] = {}
    for each in findings:
        found.setdefault(f"{each.service}.{each.operation}: {each.what[:60]}", []).append(each)
    return found


def resources(settings: Settings) -> dict[str, list[str]]:
    """Make a few resources; their names and ARNs by parts of members' names, so that requests reach what is behind the
    checks of the input."""
    account, region = "000000000000", "us-east-1"
    session = session_of(settings)
    session.client("s3").create_bucket(Bucket="fuzzed")
    session.client("s3").put_object(Bucket="fuzzed", Key="a.csv", Body=b"milk,2026-01-01,3\n")
    trusted = ["forecast", "personalize", "lambda", "states", "sagemaker", "events", "scheduler"]
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": [f"{each}.amazonaws.com" for each in trusted]},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    session.client("iam").create_role(RoleName="fuzzed", AssumeRolePolicyDocument=json.dumps(trust))
    attributes = [("item_id", "string"), ("timestamp", "timestamp"), ("demand", "float")]
    forecast = session.client("forecast")
    dataset = forecast.create_dataset(
        DatasetName="fuzzed",
        Domain="RETAIL",
        DatasetType="TARGET_TIME_SERIES",
        DataFrequency="D",
        Schema={"Attributes": [{"AttributeName": name, "AttributeType": kind} for name, kind in attributes]},
    )["DatasetArn"]
    group = forecast.create_dataset_group(DatasetGroupName="fuzzed", Domain="RETAIL", DatasetArns=[dataset])
    personalize = session.client("personalize")
    fields = [{"name": name, "type": "string"} for name in ("USER_ID", "ITEM_ID", "EVENT_TYPE")]
    avro = {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "fields": [*fields, {"name": "TIMESTAMP", "type": "long"}],
        "version": "1.0",
    }
    schema = personalize.create_schema(name="fuzzed", schema=json.dumps(avro))["schemaArn"]
    shop = personalize.create_dataset_group(name="fuzzed")["datasetGroupArn"]
    return {
        "rolearn": [f"arn:aws:iam::{account}:role/fuzzed"],
        "schemaarn": [schema],
        "datasetgrouparn": [group["DatasetGroupArn"], shop],
        "datasetarn": [dataset, f"{shop.replace('dataset-group', 'dataset')}/INTERACTIONS"],
        "resourcearn": [dataset, group["DatasetGroupArn"], schema, shop],
        "predictorarn": [f"arn:aws:forecast:{region}:{account}:predictor/none"],
        "recipearn": ["arn:aws:personalize:::recipe/aws-user-personalization"],
        "algorithmarn": ["arn:aws:forecast:::algorithm/ETS"],
        "bucket": ["fuzzed"],
        "path": ["s3://fuzzed/a.csv", "s3://fuzzed/"],
        "location": ["s3://fuzzed/a.csv", "us-west-2"],
        "key": ["a.csv"],
        "name": ["fuzzed"],
        "schema": [json.dumps(avro), "{}", "[]"],
        "definition": ['{"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}', "{}", "[]"],
        "policydocument": [json.dumps(trust), "{}", "[]"],
    }
