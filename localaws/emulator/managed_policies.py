"""AWS managed policies that ministack lacks, with what they grant on the services that are served here, and the refusal
of a policy that does not exist.

Sources, as of 2024:
docs/aws-sources.md#managed-policy-AmazonForecastFullAccess
docs/aws-sources.md#managed-policy-AmazonPersonalizeFullAccess
docs/aws-sources.md#managed-policy-AmazonSageMakerFullAccess
docs/aws-sources.md#managed-policy-AmazonSSMReadOnlyAccess
docs/aws-sources.md#managed-policy-AWSStepFunctionsFullAccess
docs/aws-sources.md#managed-policy-CloudWatchFullAccess
"""

import functools
import json
from collections.abc import Callable

from ministack.services import iam


def _allow(*actions: str, on: tuple[str, ...] = ("*",), passed_to: str = "") -> dict:
    condition = {"Condition": {"StringEquals": {"iam:PassedToService": passed_to}}} if passed_to else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(on), **condition}


def _named(prefix: str, *words: str) -> tuple[str, ...]:
    return tuple(f"{prefix}*{word}*" for word in words)


_SAGEMAKER = ("SageMaker", "Sagemaker", "sagemaker")
_TABLES = ("arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/*")
POLICIES = {
    "AmazonForecastFullAccess": [_allow("forecast:*"), _allow("iam:PassRole", passed_to="forecast.amazonaws.com")],
    "service-role/AmazonPersonalizeFullAccess": [
        _allow("personalize:*"),
        _allow("cloudwatch:PutMetricData", "cloudwatch:ListMetrics"),
        _allow(
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:ListBucket",
            on=_named("arn:aws:s3:::", "Personalize", "personalize"),
        ),
        _allow("iam:PassRole", passed_to="personalize.amazonaws.com"),
    ],
    "AmazonSageMakerFullAccess": [
        _allow("sagemaker:*"),
        _allow("iam:PassRole", on=("arn:aws:iam::*:role/*",), passed_to="sagemaker.amazonaws.com"),
        _allow("iam:PassRole", on=("arn:aws:iam::*:role/*AmazonSageMaker*",), passed_to="glue.amazonaws.com"),
        _allow("iam:PassRole", on=("arn:aws:iam::*:role/*AmazonSageMaker*",), passed_to="states.amazonaws.com"),
        _allow(
            "s3:CreateBucket",
            "s3:GetBucketLocation",
            "s3:ListBucket",
            "s3:ListAllMyBuckets",
            "s3:GetBucketCors",
            "s3:PutBucketCors",
        ),
        _allow(
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            on=_named("arn:aws:s3:::", *_SAGEMAKER, "aws-glue"),
        ),
        _allow("s3:GetBucketAcl", "s3:PutObjectAcl", on=_named("arn:aws:s3:::", *_SAGEMAKER)),
        _allow(
            "cloudformation:GetTemplateSummary",
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetMetricData",
            "cloudwatch:GetMetricStatistics",
            "cloudwatch:ListMetrics",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:PutMetricData",
            "glue:CreateJob",
            "glue:DeleteJob",
            "glue:GetJob*",
            "glue:GetTable*",
            "glue:StartJobRun",
            "glue:UpdateJob",
            "iam:ListRoles",
            "kms:DescribeKey",
            "kms:ListAliases",
            "lambda:ListFunctions",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:Describe*",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
            "sns:ListTopics",
            "tag:GetResources",
        ),
        _allow(
            "athena:ListDataCatalogs",
            "athena:ListDatabases",
            "athena:ListTableMetadata",
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:StartQueryExecution",
            "athena:StopQueryExecution",
        ),
        _allow("glue:GetDatabases", "glue:GetTable", "glue:GetTables", on=("arn:aws:glue:*:*:table/*", *_TABLES)),
        _allow("lambda:InvokeFunction", on=_named("arn:aws:lambda:*:*:function:", *_SAGEMAKER, "LabelingFunction")),
        _allow("sns:Subscribe", "sns:CreateTopic", "sns:Publish", on=_named("arn:aws:sns:*:*:", *_SAGEMAKER)),
        _allow(
            "states:DescribeExecution",
            "states:GetExecutionHistory",
            "states:StartExecution",
            "states:StopExecution",
            "states:UpdateStateMachine",
            on=("arn:aws:states:*:*:statemachine:*sagemaker*", "arn:aws:states:*:*:execution:*sagemaker*:*"),
        ),
    ],
    "AmazonSSMReadOnlyAccess": [_allow("ssm:Describe*", "ssm:Get*", "ssm:List*")],
    "AWSStepFunctionsFullAccess": [_allow("states:*")],
    "CloudWatchFullAccess": [
        _allow("cloudwatch:*", "logs:*", "sns:*", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole")
    ],
}
_ATTACHING = ("AttachRolePolicy", "AttachUserPolicy", "AttachGroupPolicy")


def register() -> None:
    for name, statements in POLICIES.items():
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        record = iam._make_aws_managed_record(
            name, document, f"What {name} grants on the services that are served here."
        )
        iam._aws_managed_policies[record["Arn"]] = record
    iam.attach_managed_policy = _of_known(iam.attach_managed_policy)
    for action in _ATTACHING:
        iam._IAM_HANDLERS[action] = _refusing_unknown(iam._IAM_HANDLERS[action])


def _refusal(arn: str) -> str:
    """ "" for a policy that is there."""
    if iam.policy_known(arn):
        return ""
    carried = " The embedded AWS carries few of AWS's own." if iam._is_aws_managed_arn(arn) else ""
    return f"Policy {arn} does not exist or is not attachable.{carried}"


def _of_known(attach: Callable[[dict, str], None]) -> Callable[[dict, str], None]:
    """For CloudFormation, whose stack fails with the reason."""

    @functools.wraps(attach)
    def attached(entity: dict, policy_arn: str) -> None:
        if why := _refusal(policy_arn):
            raise ValueError(why)
        attach(entity, policy_arn)

    return attached


def _refusing_unknown(attach: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    @functools.wraps(attach)
    def attached(parameters: dict) -> tuple:
        why = _refusal(iam._p(parameters, "PolicyArn"))
        return iam._error(404, "NoSuchEntity", why, ns="iam") if why else attach(parameters)

    return attached
