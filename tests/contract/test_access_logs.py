"""S3's access logs come late, and a bucket that they go to can be deleted only once it lets none in any more."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.contract.helpers import eventually, policy, statement, unique


def _bucket() -> str:
    name = unique("logs").replace("_", "-")
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def _lets_logs_in(bucket: str) -> str:
    return policy(
        statement("s3:PutObject", on=f"arn:aws:s3:::{bucket}/*", Principal={"Service": "logging.s3.amazonaws.com"})
    )


def _keys(bucket: str) -> list[str]:
    return [each["Key"] for each in boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def _logged(source: str, target: str) -> dict[str, Any]:
    return {"Bucket": source, "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "a/"}}}


def test_logs_come_late_where_the_policy_lets_them_in(embedded_aws) -> None:
    s3, source, target, closed = boto3.client("s3"), _bucket(), _bucket(), _bucket()
    s3.put_bucket_policy(Bucket=target, Policy=_lets_logs_in(target))
    s3.put_bucket_logging(**_logged(source, closed))
    s3.put_object(Bucket=source, Key="k", Body=b"x")
    s3.put_bucket_logging(**_logged(source, target))
    s3.put_object(Bucket=source, Key="k", Body=b"x")
    assert _keys(target) == []
    assert all(key.startswith("a/") for key in eventually(lambda: _keys(target)))
    assert _keys(closed) == []


def test_a_bucket_to_which_logs_are_on_their_way_is_not_empty(embedded_aws) -> None:
    s3, source, target = boto3.client("s3"), _bucket(), _bucket()
    s3.put_bucket_policy(Bucket=target, Policy=_lets_logs_in(target))
    s3.put_bucket_logging(**_logged(source, target))
    s3.put_object(Bucket=source, Key="k", Body=b"x")
    s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={})
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket=target)
    s3.put_bucket_logging(**_logged(source, target))
    s3.put_object(Bucket=source, Key="k", Body=b"x")
    s3.delete_bucket_policy(Bucket=target)
    for key in _keys(target):
        s3.delete_object(Bucket=target, Key=key)
    s3.delete_bucket(Bucket=target)


def test_cloudformation_deletes_no_bucket_with_something_in_it(embedded_aws) -> None:
    cloudformation, s3, name = boto3.client("cloudformation"), boto3.client("s3"), unique("stack").replace("_", "-")
    template = json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}})
    cloudformation.create_stack(StackName=name, TemplateBody=template)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    [resource] = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    s3.put_object(Bucket=resource["PhysicalResourceId"], Key="k", Body=b"x")
    gone = cloudformation.get_waiter("stack_delete_complete")
    cloudformation.delete_stack(StackName=name)
    with pytest.raises(WaiterError):
        gone.wait(StackName=name, WaiterConfig={"Delay": 1})
    s3.delete_object(Bucket=resource["PhysicalResourceId"], Key="k")
    cloudformation.delete_stack(StackName=name)
    gone.wait(StackName=name, WaiterConfig={"Delay": 1})
