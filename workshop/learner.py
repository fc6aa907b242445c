"""A learner in an account without the workshop's stack: two buckets, and roles with the stack's permissions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from aws_cdk import App, Environment, Stack

from infra import config, labs, permissions
from infra.permissions import Permission
from infra.storage import WORKSHOP

_CONFIG = Path(__file__).resolve().parent.parent / "data/grocery/pipeline.yaml"


@dataclass(frozen=True)
class Learner:
    """The settings in storecast.env, and the environment variables of the learner's AWS clients."""

    settings: dict[str, str]
    credentials: dict[str, str]


@dataclass(frozen=True)
class Buckets:
    """Two buckets in place of those of the storage stack."""

    data_arn: str
    results_arn: str


def prepare(name: str) -> Learner:
    """Buckets and roles for one learner. A second call finds and keeps what the first one made."""
    account, region = boto3.client("sts").get_caller_identity()["Account"], boto3.Session().region_name
    stack = Stack(App(), "Learner", env=Environment(account=account, region=region))
    names = {kind: f"storecast-workshop-{kind}-{account}-{region}" for kind in ("data", "results")}
    for bucket in names.values():
        _bucket(bucket)
    _admit_personalize(names["data"], account)
    buckets = Buckets(*(f"arn:aws:s3:::{bucket}" for bucket in names.values()))
    passed = {
        service: _role(stack, f"storecast-{service}-{name}", {"Service": f"{service}.amazonaws.com"}, allowed)
        for service, allowed in labs.served(buckets, f"{WORKSHOP}{name}/").items()
    }
    pipeline = config.load(_CONFIG)
    allowed = [
        *labs.allowed(stack, buckets, f"lab_{name}", f"{WORKSHOP}{name}/"),
        *labs.shared(stack, pipeline, buckets),
        *(
            Permission(
                ["iam:PassRole"],
                [arn],
                conditions={"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}},
            )
            for service, arn in passed.items()
        ),
    ]
    role = _role(stack, f"storecast-learner-{name}", {"AWS": f"arn:aws:iam::{account}:root"}, allowed)
    keys = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="notebooks")["Credentials"]
    return Learner(
        settings={
            "DATA_BUCKET": names["data"],
            "RESULTS_BUCKET": names["results"],
            "DATASET": pipeline.dataset,
            "LEARNER": name,
            "FORECAST_ROLE_ARN": passed["forecast"],
            "PERSONALIZE_ROLE_ARN": passed["personalize"],
        },
        credentials={
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        },
    )


def _bucket(name: str) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _admit_personalize(bucket: str, account: str) -> None:
    """Personalize needs the bucket's consent beside its role's permission
    (docs/aws-sources.md#personalize-granting-personalize-s3-access)."""
    consent = {
        "Effect": "Allow",
        "Principal": {"Service": "personalize.amazonaws.com"},
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{WORKSHOP}*"],
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    boto3.client("s3").put_bucket_policy(Bucket=bucket, Policy=_policy([consent]))


def _role(stack: Stack, name: str, principal: dict[str, str], allowed: Sequence[Permission]) -> str:
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    document = json.dumps(_concrete(stack.resolve(permissions.document(permissions.as_iam_allows(allowed)))))
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=document)
    return arn


def _concrete(node: Any) -> Any:
    """A resolved document as IAM reads it: the one thing that CDK leaves to CloudFormation is the partition."""
    match node:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(_concrete(part) for part in parts)
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": name}:
            raise ValueError(f"a policy names {name}, which only CloudFormation knows")
        case dict():
            return {key: _concrete(value) for key, value in node.items()}
        case list():
            return [_concrete(each) for each in node]
    return node


def _policy(statements: list[dict]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
