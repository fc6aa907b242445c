"""What starts a pipeline beside a person: new data, and the clock if the config has a schedule."""

from __future__ import annotations

import json

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import rights
from infra.config.base import Schedule
from infra.rights import Right


def trigger(scope: Construct, machine: sfn.CfnStateMachine, *, bucket_name: str, prefix: str) -> events.CfnRule:
    """Start the machine when an object is created under the prefix of the bucket."""
    role = rights.role(
        scope,
        "TriggerRole",
        principal=iam.ServicePrincipal("events.amazonaws.com"),
        description="Storecast: new data starts the pipeline",
        rights=[Right(["states:StartExecution"], [machine.attr_arn])],
    )
    return events.CfnRule(
        scope,
        "NewData",
        description=f"New objects under {prefix} start the pipeline",
        event_pattern={
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket_name]}, "object": {"key": [{"prefix": prefix}]}},
        },
        targets=[events.CfnRule.TargetProperty(id="Machine", arn=machine.attr_arn, role_arn=role.role_arn)],
    )


def schedule(scope: Construct, machine: sfn.CfnStateMachine, given: Schedule) -> scheduler.CfnSchedule:
    """Start the machine by the clock: with what changed, or with everything if the config forces it."""
    account = Stack.of(scope).account
    role = rights.role(
        scope,
        "ScheduleRole",
        principal=iam.ServicePrincipal(
            "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": account}}
        ),
        description="Storecast: the clock starts the pipeline",
        rights=[Right(["states:StartExecution"], [machine.attr_arn])],
    )
    return scheduler.CfnSchedule(
        scope,
        "Schedule",
        name=machine.state_machine_name,
        description="Starts the pipeline by the clock, as pipeline.yaml says",
        schedule_expression=given.expression,
        schedule_expression_timezone=given.time_zone,
        state="ENABLED" if given.enabled else "DISABLED",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=machine.attr_arn, role_arn=role.role_arn, input=json.dumps({"force": given.force})
        ),
    )
