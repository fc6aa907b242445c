"""In which status of its stack a custom resource gets a Delete, and how often: as CloudFormation's guide says
(docs/aws-sources.md#cloudformation-view-stack-events, "Stack status codes";
docs/aws-sources.md#cloudformation-using-cfn-updating-stacks-monitor-stack)."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.settings import Settings
from tests.contract.helpers import eventually, role, statement, unique, whole_bucket

# Keeps what it is asked, and in which status of the stack; answers FAILED to what the properties name.
_PROBE = """
import json, time, urllib.request
import boto3

def handler(event, context):
    stack, given = event["StackId"], event["ResourceProperties"]
    status = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    asked = json.dumps([event["RequestType"], status])
    key = f"{stack.split('/')[1]}/{time.time_ns()}"
    boto3.client("s3").put_object(Bucket="{bucket}", Key=key, Body=asked)
    failed = event["RequestType"] == given.get("Fails")
    body = {
        "Status": "FAILED" if failed else "SUCCESS",
        "Reason": "the probe was asked to fail",
        "PhysicalResourceId": given["Id"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(body).encode(), method="PUT")
    urllib.request.urlopen(request).read()
"""
Template = dict[str, Any]


@pytest.fixture(scope="module")
def asked(embedded_aws: Settings) -> Callable[[str], list[tuple[str, str]]]:
    """What the probe was asked by a stack, in order: request type and status of the stack."""
    s3, bucket = boto3.client("s3"), "probe"
    s3.create_bucket(Bucket=bucket)
    allowed = [statement("s3:PutObject", on=whole_bucket(bucket)), statement("cloudformation:DescribeStacks")]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("probe.py", _PROBE.replace("{bucket}", bucket))
    boto3.client("lambda").create_function(
        FunctionName="probe",
        Runtime="python3.14",
        Handler="probe.handler",
        Role=role("lambda", *allowed),
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )

    def asked(stack: str) -> list[tuple[str, str]]:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{stack}/").get("Contents", [])
        bodies = (s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found)
        return [tuple(json.loads(body)) for body in bodies]

    return asked


def _probe(**given: str) -> Template:
    token = "arn:aws:lambda:us-east-1:000000000000:function:probe"
    return {"Type": "Custom::Probe", "Properties": {"ServiceToken": token, "Id": "first", **given}}


def _failing() -> Template:
    """Can't be made, as there is no such function."""
    token = "arn:aws:lambda:us-east-1:000000000000:function:nobody"
    return {"Type": "Custom::Failing", "Properties": {"ServiceToken": token}, "DependsOn": "Other"}


def _deploy(stack: str, **resources: Template) -> str:
    """The status that the stack ends in, with these resources and one that always stays."""
    cloudformation, other = boto3.client("cloudformation"), {"Type": "AWS::SNS::Topic"}
    body = json.dumps({"Resources": {"Other": other, **resources}})
    go = cloudformation.update_stack if _status(stack) else cloudformation.create_stack
    go(StackName=stack, TemplateBody=body)
    return eventually(lambda: _status(stack), lambda status: not status.endswith("_IN_PROGRESS"))


def _delete(stack: str) -> str:
    boto3.client("cloudformation").delete_stack(StackName=stack)
    return eventually(lambda: _status(stack), lambda status: not status.endswith("_IN_PROGRESS"))


def _status(stack: str) -> str:
    """Empty where there is no such stack."""
    try:
        return boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError:
        return ""


def _events(stack: str) -> list[tuple[str, str]]:
    """Logical id and status, in order; the stack goes by its own name."""
    found = boto3.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [(each["LogicalResourceId"], each["ResourceStatus"]) for each in reversed(found)]


def _members(stack: str) -> set[str]:
    found = boto3.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {each["LogicalResourceId"] for each in found}


@pytest.mark.parametrize(
    "wanted", [{}, {"Probe": _probe(Id="second")}], ids=["one that the update removes", "one that it replaces"]
)
def test_an_update_deletes_what_is_old_once_it_is_complete(asked: Callable, wanted: dict[str, Template]) -> None:
    stack = unique("stack").replace("_", "-")
    assert _deploy(stack, Probe=_probe()) == "CREATE_COMPLETE"
    assert _deploy(stack, **wanted) == "UPDATE_COMPLETE"
    assert asked(stack)[-1] == ("Delete", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    of_the_stack = [status for name, status in _events(stack) if name == stack]
    assert of_the_stack[2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_an_update_that_rolls_back_deletes_what_is_new(asked: Callable) -> None:
    stack = unique("stack").replace("_", "-")
    assert _deploy(stack) == "CREATE_COMPLETE"
    failing = _failing() | {"DependsOn": "Probe"}
    assert _deploy(stack, Probe=_probe(), Failing=failing) == "UPDATE_ROLLBACK_COMPLETE"
    assert asked(stack) == [
        ("Create", "UPDATE_IN_PROGRESS"),
        ("Delete", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
    ]


def test_a_create_that_rolls_back_deletes_all(asked: Callable) -> None:
    stack = unique("stack").replace("_", "-")
    failing = _failing() | {"DependsOn": "Probe"}
    assert _deploy(stack, Probe=_probe(), Failing=failing) == "ROLLBACK_COMPLETE"
    assert asked(stack) == [("Create", "CREATE_IN_PROGRESS"), ("Delete", "ROLLBACK_IN_PROGRESS")]


def test_an_update_lets_go_of_what_it_could_not_delete_in_three_attempts(asked: Callable) -> None:
    stack = unique("stack").replace("_", "-")
    assert _deploy(stack, Probe=_probe(Fails="Delete")) == "CREATE_COMPLETE"
    assert _deploy(stack) == "UPDATE_COMPLETE"
    cleaning = ("Delete", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    assert asked(stack) == [("Create", "CREATE_IN_PROGRESS"), *[cleaning] * 3]
    assert ("Probe", "DELETE_FAILED") in _events(stack) and _members(stack) == {"Other"}
    assert _delete(stack) == ""
    assert len(asked(stack)) == 4, "the stack that goes has nothing to do with it"


def test_a_delete_that_failed_is_tried_again_by_the_next(asked: Callable) -> None:
    stack = unique("stack").replace("_", "-")
    assert _deploy(stack, Probe=_probe(Fails="Delete")) == "CREATE_COMPLETE"
    assert [_delete(stack) for _ in range(2)] == ["DELETE_FAILED"] * 2
    assert asked(stack)[1:] == [("Delete", "DELETE_IN_PROGRESS")] * 2
