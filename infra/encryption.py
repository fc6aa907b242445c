"""The app's own KMS key: the topic's always, and everything's where the config says `customer_managed_key`."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from infra.config import Pipeline
from infra.permissions import OF_SERVICE_ROLES
from infra.removal import outlives_its_stack

# Whose alarms and budgets tell the topic something, in the name of this account.
TELLERS = ("cloudwatch", "budgets")


def key(stack: Stack, config: Pipeline) -> kms.Key:
    """Rotated every year; what outlives the app stays readable, so the key outlives it too."""
    made = kms.Key(stack, "Key", description=f"Storecast {config.dataset}", enable_key_rotation=True)
    outlives_its_stack(made, config.customer_managed_key and config.purpose == "production")
    # Alarms, rules and budgets cannot publish under AWS's key (docs/aws-sources.md#sns-key-management). EventBridge
    # names neither account nor rule to the key of an encrypted topic or queue: a condition would lock it out (same
    # page).
    _allow(made, TELLERS, ["kms:Decrypt", "kms:GenerateDataKey*"])
    made.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],
        )
    )
    if config.customer_managed_key:
        _allow(made, ["personalize"], [*OF_SERVICE_ROLES["personalize"], "kms:CreateGrant"])
        _allow_logs(made, stack, config)
    return made


def _allow(made: kms.Key, services: Sequence[str], actions: Sequence[str]) -> None:
    made.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com") for service in services],
            actions=list(actions),
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(made).account}},
        )
    )


def _allow_logs(made: kms.Key, stack: Stack, config: Pipeline) -> None:
    """For our log groups alone (docs/aws-sources.md#logs-encrypt-log-data-kms)."""
    group = f"log-group:/aws/vendedlogs/storecast/{config.dataset}/*"
    groups = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:{group}"
    ours = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}}
    crypt = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
    # Describing a key has no encryption context.
    for actions, conditions in ((crypt, ours), (["kms:DescribeKey"], None)):
        made.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=actions,
                resources=["*"],
                conditions=conditions,
            )
        )
