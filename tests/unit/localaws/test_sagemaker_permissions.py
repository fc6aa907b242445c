"""What bringing a notebook instance up asks of the caller (docs/aws-sources.md#sagemaker-api-permissions-reference)."""

from types import SimpleNamespace
from typing import Any

from localaws.services.sagemaker.api.notebook_instances import _check_caller

_EC2 = "arn:aws:ec2:r:a"


def _asked(**record: Any) -> list[tuple[str, str]]:
    asked: list[tuple[str, str]] = []
    context = SimpleNamespace(
        region="r", account="a", require=lambda action, resource, keys: asked.append((action, resource))
    )
    _check_caller(context, {"RoleArn": "role"} | record)
    return asked


def test_a_plain_instance_needs_its_role_passed() -> None:
    assert _asked() == [("iam:PassRole", "role")]


def test_a_vpc_takes_the_permissions_to_create_and_describe_an_interface() -> None:
    asked = _asked(SubnetId="subnet-1", SecurityGroups=["sg-1"])
    places = [resource for action, resource in asked if action == "ec2:CreateNetworkInterface"]
    assert places == [f"{_EC2}:subnet/subnet-1", f"{_EC2}:network-interface/*", f"{_EC2}:security-group/sg-1"]
    described = {action for action, resource in asked if resource == "*"}
    assert described == {f"ec2:Describe{each}" for each in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")}


def test_a_key_takes_a_grant_on_it() -> None:
    assert _asked(KmsKeyId="arn:aws:kms:r:a:key/k")[1:] == [
        ("kms:DescribeKey", "arn:aws:kms:r:a:key/k"),
        ("kms:CreateGrant", "arn:aws:kms:r:a:key/k"),
    ]
