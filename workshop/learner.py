"""A learner's place in an account that lacks the workshop's stack: buckets, the services' roles, the learner's role."""

import json
from dataclasses import dataclass

import boto3

ROLE, SESSION = "storecast-learner", "notebooks"


@dataclass(frozen=True)
class Learner:
    """What stands in storecast.env, and the environment variables of the learner's AWS clients."""

    settings: dict[str, str]
    credentials: dict[str, str]


def prepare(name: str, dataset: str = "grocery") -> Learner:
    """Buckets and roles for one learner. A second call finds and keeps what the first one made."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    region = boto3.Session().region_name
    data, results = (f"storecast-workshop-{kind}-{account}-{region}" for kind in ("data", "results"))
    for bucket in (data, results):
        _bucket(bucket)
    _admit_personalize(data, account)
    read = [
        _allow(["s3:GetObject"], f"arn:aws:s3:::{data}/workshop/*"),
        _allow(["s3:ListBucket"], f"arn:aws:s3:::{data}"),
    ]
    write = [_allow(["s3:PutObject"], f"arn:aws:s3:::{results}/workshop/*")]
    service_roles = {
        service: _role(f"storecast-workshop-{service}", {"Service": f"{service}.amazonaws.com"}, rights)
        for service, rights in {"forecast": read + write, "personalize": read}.items()
    }
    rights = _rights(name, account, region, data, results, service_roles)
    role = _role(f"{ROLE}-{name}", {"AWS": f"arn:aws:iam::{account}:root"}, rights)
    keys = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName=SESSION)["Credentials"]
    return Learner(
        settings={
            "DATA_BUCKET": data,
            "RESULTS_BUCKET": results,
            "DATASET": dataset,
            "LEARNER": name,
            "FORECAST_ROLE_ARN": service_roles["forecast"],
            "PERSONALIZE_ROLE_ARN": service_roles["personalize"],
        },
        credentials={
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        },
    )


def _rights(name: str, account: str, region: str, data: str, results: str, roles: dict[str, str]) -> list[dict]:
    """What the labs do, on the learner's own names and folder only (README.md of the notebooks)."""

    def own(service: str, *parts: str) -> list[str]:
        return [f"arn:aws:{service}:{region}:{account}:{part}" for part in parts]

    files = [f"arn:aws:s3:::{bucket}/workshop/{name}/*" for bucket in (data, results)]
    folder = {"StringLike": {"s3:prefix": [f"workshop/{name}/*"]}}
    buckets = [f"arn:aws:s3:::{bucket}" for bucket in (data, results)]
    glue = [
        "CreateDatabase",
        "GetDatabase",
        "DeleteDatabase",
        "CreateTable",
        "GetTable",
        "GetPartitions",
        "DeleteTable",
    ]
    return [
        _allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"], files),
        _allow(["s3:ListBucket", "s3:ListBucketVersions"], buckets, folder),
        _allow(["s3:GetBucketLocation"], buckets),
        _allow(["forecast:*"], [*own("forecast", f"*/lab_{name}_*"), "arn:aws:forecast:::algorithm/*"]),
        _allow(["personalize:*"], own("personalize", f"*/lab_{name}_*", "event-tracker/*")),
        _allow(["forecast:List*", "personalize:List*", "personalize:PutEvents"], "*"),
        _allow(["athena:StartQueryExecution"], own("athena", "workgroup/primary")),
        _allow(["athena:GetQueryExecution", "athena:GetQueryResults"], "*"),  # the call names a query, no workgroup
        _allow(
            [f"glue:{action}" for action in glue],
            own("glue", "catalog", f"database/lab_{name}", f"table/lab_{name}", f"table/lab_{name}/*"),
        ),
        *(
            _allow(["iam:PassRole"], arn, {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}})
            for service, arn in roles.items()
        ),
    ]


def _allow(actions: list[str], resource: str | list[str], condition: dict | None = None) -> dict:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def _bucket(name: str) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _admit_personalize(bucket: str, account: str) -> None:
    """Personalize needs the bucket's consent beside its role's right (granting-personalize-s3-access.md)."""
    consent = _allow(
        ["s3:GetObject", "s3:ListBucket"],
        [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/workshop/*"],
        {"StringEquals": {"aws:SourceAccount": account}},
    )
    consent["Principal"] = {"Service": "personalize.amazonaws.com"}
    boto3.client("s3").put_bucket_policy(Bucket=bucket, Policy=_policy([consent]))


def _role(name: str, principal: dict, rights: list[dict]) -> str:
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=_policy(rights))
    return arn


def _policy(statements: list[dict]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
