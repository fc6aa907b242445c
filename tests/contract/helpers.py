"""What contract tests do again and again: wait for a resource, make a role, put a CSV, describe a schema."""

import csv
import io
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import pandas as pd
from botocore.exceptions import ClientError

from localaws.settings import Settings
from tests.recordings import statuses

ACCOUNT = "000000000000"
WAIT_SECONDS = 120
SPARK_SECONDS = 600  # its start took 80 seconds on two cores that ten processes shared
ENDED = ("ACTIVE", "CREATE_FAILED", "CREATE FAILED", "CREATE_STOPPED")
_numbers = itertools.count(1)


def unique(prefix: str) -> str:
    """A name that no other test uses; letters, digits and underscores only."""
    return f"{prefix}_{next(_numbers)}"


def eventually(value: Callable[[], Any], accepted: Callable[[Any], bool] = bool, seconds: float = WAIT_SECONDS) -> Any:
    """The first accepted value. Fails with the last one seen when none comes within so many seconds."""
    deadline = time.monotonic() + seconds
    while not accepted(seen := value()):
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.03)
    return seen


def ended(describe: Callable[..., dict], member: str | None = None, **arn: str) -> dict:
    """The resource once it is ACTIVE or failed. `member` wraps Personalize's answers.

    What the polls saw on the way must be what notebooks printed of the real services, in its order.
    """
    seen: list[str] = []

    def now() -> dict:
        answer = describe(**arn)
        found = answer[member] if member else answer
        seen.append(found.get("Status") or found["status"])
        return found

    found = eventually(now, lambda _: seen[-1] in ENDED)
    check_statuses(seen, describe.__name__)
    return found


def check_statuses(seen: list[str], describe: str) -> None:
    """PENDING, then IN_PROGRESS, then the end; Forecast writes CREATE_PENDING where Personalize has CREATE PENDING, and
    the calls that notebooks printed say which of the two a call has."""
    # STOPPING is an end too (docs/aws-sources.md#forecast-API_DescribeAutoPredictor); nobody printed it
    stages = ["PENDING", "IN_PROGRESS", ""]
    order = [next(at for at, stage in enumerate(stages) if status.endswith(stage)) for status in seen]
    assert order == sorted(order), f"{describe} answered {seen}"
    printed = statuses().get(describe, set())
    blanks = [blank for blank in (" ", "_") if any(f"E{blank}" in each for each in printed)] or [" ", "_"]
    running = {status for status in seen if status not in ENDED and not status.endswith("STOPPING")}
    spelled = {f"{verb}{blank}{stage}" for verb in ("CREATE", "UPDATE") for blank in blanks for stage in stages}
    assert running <= spelled, f"{describe} answered {running - spelled}"


def gone(describe: Callable[..., dict], **arn: str) -> None:
    def missing() -> bool:
        try:
            describe(**arn)
        except ClientError as error:
            return error.response["Error"]["Code"] in ("ResourceNotFoundException", "ValidationException")
        return False

    eventually(missing)


def logged(aws: Settings, arn: str) -> str:
    """What the embedded AWS has logged about a resource."""
    return "\n".join(line for line in aws.log.read_text().splitlines() if arn in line)


def statement(*actions: str, on: str | list[str] = "*", **more: Any) -> dict:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str, source_account: str | None = None) -> str:
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": source_account}}} if source_account else {}
    principal = {"Service": f"{service}.amazonaws.com"}
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **condition})


def role(service: str, *statements: dict, source_account: str | None = None) -> str:
    """A new role that `service` may assume; answers its ARN."""
    iam, name = boto3.client("iam"), unique("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service, source_account))
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy(*statements))
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def user(*statements: dict) -> boto3.Session:
    """A session of a new user with no rights but `statements`."""
    iam, name = boto3.client("iam"), unique("user")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.Session(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def whole_bucket(bucket: str) -> list[str]:
    return [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def put_csv(bucket: str, key: str, rows: pd.DataFrame) -> str:
    """The S3 path of a file with these rows and no header."""
    body = rows.to_csv(header=False, index=False, date_format="%Y-%m-%d")
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{key}"


def files(bucket: str, prefix: str) -> dict[str, str]:
    """The texts of all objects below a prefix, by their names after it."""
    s3 = boto3.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
    return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys}


def csv_files(bucket: str, prefix: str) -> dict[str, list[list[str]]]:
    """The rows of all CSV files below a prefix, a header too, by their names after it."""
    found = {name: body for name, body in files(bucket, prefix).items() if name.endswith(".csv")}
    return {name: list(csv.reader(io.StringIO(body, newline=""))) for name, body in found.items()}


def exported_rows(bucket: str, prefix: str) -> list[list[str]]:
    """The header and all rows of an export of Forecast, whose parts each have the header and are in no order."""
    parts = [rows for _, rows in sorted(csv_files(bucket, prefix).items()) if rows]
    assert all(rows[0] == parts[0][0] for rows in parts)
    return [parts[0][0], *sorted(row for rows in parts for row in rows[1:])]


def attributes(**types: str) -> dict:
    """Forecast's Schema of name=type pairs."""
    return {"Attributes": [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]}


def avro(name: str, *fields: dict | tuple[str, Any]) -> str:
    """Personalize's schema text of (name, type) pairs."""
    documents = [each if isinstance(each, dict) else dict(zip(("name", "type"), each)) for each in fields]
    record = {"type": "record", "name": name, "namespace": "com.amazonaws.personalize.schema"}
    return json.dumps(record | {"fields": documents, "version": "1.0"})


def marked(name: str, *marks: str) -> dict:
    """A string field of an Avro schema that is categorical, or textual."""
    return {"name": name, "type": "string"} | {mark: True for mark in marks}


INTERACTIONS = avro(
    "Interactions", ("USER_ID", "string"), ("ITEM_ID", "string"), ("TIMESTAMP", "long"), ("EVENT_TYPE", "string")
)
ITEMS = avro(
    "Items",
    ("ITEM_ID", "string"),
    ("PRICE", "float"),
    marked("CATEGORY_L1", "categorical"),
)
USERS = avro("Users", ("USER_ID", "string"), marked("AGE", "categorical"))
