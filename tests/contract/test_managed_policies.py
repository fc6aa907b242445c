"""AWS managed policies: those of the classic workshop recipe grant what they grant on AWS; unknown ones are refused."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.learner import CLASSIC
from tests.contract.clients import client, refused
from tests.contract.helpers import role, unique, user

PREFIX = "arn:aws:iam::aws:policy/"


def test_a_user_with_the_classic_policies_does_what_the_classic_workshop_does(embedded_aws, bucket: str) -> None:
    iam = boto3.client("iam")
    learner = user()
    name = learner.client("sts").get_caller_identity()["Arn"].rpartition("/")[2]
    for each in CLASSIC:
        found = iam.get_policy(PolicyArn=PREFIX + each)["Policy"]
        assert (found["PolicyName"], found["DefaultVersionId"]) == (each.rpartition("/")[2], "v1")
        iam.attach_user_policy(UserName=name, PolicyArn=PREFIX + each)
    personalize, forecast = client("personalize", learner), client("forecast", learner)
    group = personalize.create_dataset_group(name=unique("classic").replace("_", "-"))["datasetGroupArn"]
    assert learner.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"]
    assert "DatasetGroups" in forecast.list_dataset_groups()
    source = {"S3Config": {"Path": f"s3://{bucket}/none/", "RoleArn": role("forecast")}}
    missing = group.replace(":personalize:", ":forecast:").replace("dataset-group", "dataset")
    refused(  # the right to pass the role is there: what is missing is the dataset
        "ResourceNotFoundException",
        forecast.create_dataset_import_job,
        DatasetImportJobName="j",
        DatasetArn=missing,
        DataSource=source,
    )
    assert "NotebookInstances" in client("sagemaker", learner).list_notebook_instances()
    made = learner.client("iam").create_role(RoleName=unique("classic"), AssumeRolePolicyDocument=json.dumps({}))
    learner.client("iam").delete_role(RoleName=made["Role"]["RoleName"])
    personalize.delete_dataset_group(datasetGroupArn=group)


def test_one_of_them_alone_grants_no_more_than_its_own_service(embedded_aws, bucket: str) -> None:
    iam = boto3.client("iam")
    learner = user()
    name = learner.client("sts").get_caller_identity()["Arn"].rpartition("/")[2]
    iam.attach_user_policy(UserName=name, PolicyArn=f"{PREFIX}service-role/AmazonPersonalizeFullAccess")
    assert "datasetGroups" in client("personalize", learner).list_dataset_groups()
    refused("AccessDeniedException", client("forecast", learner).list_dataset_groups)
    with pytest.raises(ClientError, match="AccessDenied"):
        learner.client("s3").list_objects_v2(Bucket=bucket)  # its name does not hold "personalize"


def test_a_policy_that_does_not_exist_is_not_attached(embedded_aws) -> None:
    iam, name = boto3.client("iam"), role("forecast").rpartition("/")[2]
    for arn in (f"{PREFIX}AmazonPersonalizeFullAccess", "arn:aws:iam::000000000000:policy/none"):
        with pytest.raises(ClientError, match=f"NoSuchEntity.*Policy {arn} does not exist or is not attachable"):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    cloudformation, stack = boto3.client("cloudformation"), unique("policies").replace("_", "-")
    properties = {"AssumeRolePolicyDocument": {}, "ManagedPolicyArns": [f"{PREFIX}AmazonPersonalizeFullAccess"]}
    template = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}}
    cloudformation.create_stack(
        StackName=stack, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"], OnFailure="ROLLBACK"
    )
    with pytest.raises(Exception, match="ROLLBACK"):
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    assert any("not attachable" in each.get("ResourceStatusReason", "") for each in events)
    cloudformation.delete_stack(StackName=stack)
