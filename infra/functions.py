"""The Lambda functions of the app: each under a role of its own, with what all of them share, and their log groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra import permissions as permissions_
from infra.permissions import Permission

RUNTIME = "python3.14"


@dataclass(frozen=True)
class Toolbox:
    """What all Lambda functions of the app share."""

    dataset: str
    code: assets.Asset
    layer: assets.Asset
    key: str | None  # the ARN of the app's own, if its config asks for one


def log_group(scope: Construct, toolbox: Toolbox, pipeline: str) -> logs.CfnLogGroup:
    """One log group for a pipeline: its state machine and its functions. The prefix keeps the account's log
    resource policy from growing with each state machine (docs/aws-sources.md#step-functions-cw-logs)."""
    group = logs.CfnLogGroup(
        scope,
        "Logs",
        log_group_name=f"/aws/vendedlogs/storecast/{toolbox.dataset}/{pipeline}",
        retention_in_days=90,
        kms_key_id=toolbox.key,
    )
    group.apply_removal_policy(RemovalPolicy.DESTROY)
    return group


def lambda_function(
    scope: Construct,
    toolbox: Toolbox,
    group: logs.CfnLogGroup,
    handler: str,
    *,
    permissions: Sequence[Permission] = (),
    key: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: int = 60,
    memory_mb: int = 256,
) -> lambda_.CfnFunction:
    """The function of `handler`, such as "forecasting/plan", under a role of its own that may log, trace and
    use `permissions`, on what is encrypted under `key` (by default the toolbox's)."""
    room, step = handler.split("/")
    role = permissions_.role(
        scope,
        f"{step.capitalize()}Role",
        principal=iam.ServicePrincipal("lambda.amazonaws.com"),
        description=f"Storecast {toolbox.dataset}: {room}/{step}",
        permissions=[
            Permission(["logs:CreateLogStream", "logs:PutLogEvents"], [group.attr_arn]),
            Permission(
                ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"], "X-Ray's writes know no resources"
            ),
            # A function's environment is decrypted under its own role
            # (docs/aws-sources.md#lambda-configuration-envvars-encryption).
            *([Permission(["kms:Decrypt"], [toolbox.key])] if toolbox.key else []),
            *permissions,
        ],
        key=key or toolbox.key,
    )
    return lambda_.CfnFunction(
        scope,
        step.capitalize(),
        function_name=f"storecast-{toolbox.dataset}-{room}-{step}",
        description=f"Storecast {toolbox.dataset}: {room}/{step}",
        runtime=RUNTIME,
        handler=f"{room}.{step}.handler",
        role=role.role_arn,
        code=lambda_.CfnFunction.CodeProperty(s3_bucket=toolbox.code.s3_bucket_name, s3_key=toolbox.code.s3_object_key),
        layers=[_layer(Stack.of(scope), toolbox).ref],
        timeout=timeout_seconds,
        memory_size=memory_mb,
        tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode="Active"),
        logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_format="JSON", log_group=group.ref),
        kms_key_arn=toolbox.key,
        environment=lambda_.CfnFunction.EnvironmentProperty(
            variables={
                "POWERTOOLS_SERVICE_NAME": f"{room}-{step}",
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **(environment or {}),
            }
        ),
    )


def _layer(stack: Stack, toolbox: Toolbox) -> lambda_.CfnLayerVersion:
    """The stack's own version of the layer, one for all of its functions.

    Each change of the layer makes a new version with a new ARN, and CloudFormation refuses to change an export that
    another stack imports: a version that stacks share could never be updated.
    """
    found = stack.node.try_find_child("Layer")
    if isinstance(found, lambda_.CfnLayerVersion):
        return found
    content = lambda_.CfnLayerVersion.ContentProperty(
        s3_bucket=toolbox.layer.s3_bucket_name, s3_key=toolbox.layer.s3_object_key
    )
    return lambda_.CfnLayerVersion(
        stack,
        "Layer",
        content=content,
        compatible_runtimes=[RUNTIME],
        description="Storecast's common code and Powertools",
    )
