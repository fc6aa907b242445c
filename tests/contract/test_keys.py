"""Customer managed keys: who may not use the key gets nothing that is kept under it."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract.clients import client, refused
from tests.contract.helpers import (
    ACCOUNT,
    attributes,
    ended,
    policy,
    role,
    statement,
    trust,
    unique,
    user,
    whole_bucket,
)

USE = ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:ListGrants")  # of Personalize's role
USE_OF_FORECAST = (*USE, "kms:Encrypt", "kms:CreateGrant", "kms:RetireGrant", "kms:RevokeGrant")


def made_key(**for_service: Any) -> str:
    """The ARN of a key that IAM decides about, and a service if its principal is given."""
    everybody = statement("kms:*") | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    service = [statement(*USE, "kms:CreateGrant", Principal=for_service)] if for_service else []
    return boto3.client("kms").create_key(Policy=policy(everybody, *service))["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def key(embedded_aws) -> str:
    return made_key()


def test_objects_of_an_encrypted_bucket_take_a_right_on_its_key(key: str) -> None:
    bucket = unique("kept").replace("_", "-")
    root = boto3.client("s3")
    root.create_bucket(Bucket=bucket)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    root.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    files = statement("s3:*", on=whole_bucket(bucket))
    writer = user(files, statement("kms:GenerateDataKey", on=key)).client("s3")
    writer.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied.*not authorized to perform: kms:Decrypt on resource: " + key):
        writer.get_object(Bucket=bucket, Key="k")
    reader = user(files, statement("kms:Decrypt", on=key)).client("s3")
    assert reader.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        reader.put_object(Bucket=bucket, Key="k", Body=b"x")


def test_a_topic_under_a_key_takes_messages_from_those_who_may_use_it(key: str) -> None:
    topic = boto3.client("sns").create_topic(Name=unique("kept"), Attributes={"KmsMasterKeyId": key})["TopicArn"]
    publishing = statement("sns:Publish", on=topic)
    unable = user(publishing, statement("kms:GenerateDataKey", on=key)).client("sns")
    with pytest.raises(ClientError, match="not authorized to perform: kms:Decrypt on resource: " + key):
        unable.publish(TopicArn=topic, Message="x")
    able = user(publishing, statement("kms:GenerateDataKey", "kms:Decrypt", on=key)).client("sns")
    assert able.publish(TopicArn=topic, Message="x")["MessageId"]


def test_forecast_uses_a_key_only_under_a_role_that_may(forecast, key: str) -> None:
    def create(role_arn: str, under: str = key) -> dict:
        name = unique("locked")
        made = forecast.create_dataset(
            DatasetName=name, Domain="CUSTOM", DatasetType="ITEM_METADATA", Schema=attributes(item_id="string"),
            EncryptionConfig={"KMSKeyArn": under, "RoleArn": role_arn})  # fmt: skip
        return forecast.describe_dataset(DatasetArn=made["DatasetArn"])

    unable, elsewhere = role("forecast", statement("kms:Decrypt", on=key)), key.replace("key/", "key/not-")
    refused("InvalidInputException", lambda: create(unable), key, "kms:DescribeKey", unable.rpartition("/")[2])
    able = role("forecast", statement(*USE_OF_FORECAST, on=[key, elsewhere]))
    assert create(able)["EncryptionConfig"] == {"KMSKeyArn": key, "RoleArn": able}
    refused("InvalidInputException", lambda: create(able, elsewhere), elsewhere, "does not exist")
    other = able.replace(ACCOUNT, "111122223333")
    refused("InvalidInputException", lambda: create(other), "another account")
    refused("InvalidInputException", lambda: create(role("personalize", statement(*USE))), "sts:AssumeRole")


@pytest.mark.parametrize("lacking", USE_OF_FORECAST)
def test_forecast_refuses_a_role_that_is_too_narrow_for_its_key(forecast, key: str, lacking: str) -> None:
    under = role("forecast", statement(*(each for each in USE_OF_FORECAST if each != lacking), on=key))
    refused("InvalidInputException", forecast.create_dataset, lacking,
            DatasetName=unique("locked"), Domain="CUSTOM", DatasetType="ITEM_METADATA",
            Schema=attributes(item_id="string"), EncryptionConfig={"KMSKeyArn": key, "RoleArn": under})  # fmt: skip


@pytest.mark.parametrize("lacking", USE)
def test_personalize_refuses_a_role_that_is_too_narrow_for_its_key(personalize, admitting: str, lacking: str) -> None:
    under = role("personalize", statement(*(each for each in USE if each != lacking), on=admitting))
    refused("InvalidInputException", personalize.create_dataset_group, lacking,
            name=unique("locked"), kmsKeyArn=admitting, roleArn=under)  # fmt: skip


@pytest.fixture(scope="module")
def admitting(embedded_aws) -> str:
    """A key whose policy lets Personalize in."""
    return made_key(Service="personalize.amazonaws.com")


def test_forecasts_caller_needs_the_key_too(key: str) -> None:
    """docs/aws-sources.md#forecast-security_iam_id-based-policy-examples."""
    able = role("forecast", statement(*USE_OF_FORECAST))
    asked = {
        "Domain": "CUSTOM",
        "DatasetType": "TARGET_TIME_SERIES",
        "DataFrequency": "D",
        "Schema": attributes(item_id="string", timestamp="timestamp", target_value="float"),
        "EncryptionConfig": {"KMSKeyArn": key, "RoleArn": able},
    }
    calling = statement("forecast:*", "iam:PassRole")
    for lacking, given in (("kms:Decrypt", ()), ("kms:GenerateDataKey", ("kms:Decrypt",))):
        session = user(calling, *([statement(*given, on=key)] if given else []))
        create = client("forecast", session).create_dataset
        refused("AccessDeniedException", create, lacking, key, **asked, DatasetName=unique("locked"))
    both = client("forecast", user(calling, statement("kms:Decrypt", "kms:GenerateDataKey", on=key)))
    assert both.create_dataset(**asked, DatasetName=unique("locked"))["DatasetArn"]


def test_personalize_needs_the_keys_own_policy_too(personalize, key: str, admitting: str) -> None:
    able = role("personalize", statement(*USE))
    create = personalize.create_dataset_group
    refused("InvalidInputException", create, "belong together", name=unique("locked"), kmsKeyArn=key)
    refused("InvalidInputException", create, "key policy", "personalize.amazonaws.com",
            name=unique("locked"), kmsKeyArn=key, roleArn=able)  # fmt: skip
    refused("InvalidInputException", create, "kms:DescribeKey",
            name=unique("locked"), kmsKeyArn=admitting, roleArn=role("personalize"))  # fmt: skip
    group = create(name=unique("locked"), kmsKeyArn=admitting, roleArn=able)["datasetGroupArn"]
    found = ended(personalize.describe_dataset_group, "datasetGroup", datasetGroupArn=group)
    assert (found["kmsKeyArn"], found["roleArn"]) == (admitting, able)
    personalize.delete_dataset_group(datasetGroupArn=group)


def test_cloudformation_makes_buckets_and_topics_under_a_key_and_roles_within_a_boundary(key: str) -> None:
    bound = boto3.client("iam").create_policy(PolicyName=unique("bound"), PolicyDocument=policy(statement("s3:*")))
    boundary, name = bound["Policy"]["Arn"], unique("kept").replace("_", "-")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {
            "BucketName": name, "BucketEncryption": {"ServerSideEncryptionConfiguration": rules}}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, "KmsMasterKeyId": key}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": name, "PermissionsBoundary": boundary,
            "AssumeRolePolicyDocument": json.loads(trust("forecast"))}},
    }  # fmt: skip
    cloudformation = boto3.client("cloudformation")
    template = json.dumps({"Resources": resources})
    cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    [rule] = boto3.client("s3").get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == default
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"
    assert boto3.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == key
    made = boto3.client("iam").get_role(RoleName=name)["Role"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    cloudformation.delete_stack(StackName=name)
