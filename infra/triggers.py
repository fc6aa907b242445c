"""What starts a pipeline beside a person: new data, a daily sweep for data that no run has covered, and the clock if
the config has a schedule. A start that cannot be delivered goes to the dead letters."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import permissions
from infra.config.base import Schedule
from infra.permissions import Permission

# Once a day, at a quiet hour of UTC, for what no event announced.
SWEEP = Schedule(expression="cron(17 3 * * ? *)")


def trigger(
    scope: Construct, machine: sfn.CfnStateMachine, *, bucket_name: str, prefix: str, dead_letters: sqs.CfnQueue
) -> events.CfnRule:
    """Start the machine when an object is created under the prefix of the bucket."""
    role = permissions.role(
        scope,
        "TriggerRole",
        principal=permissions.service(Stack.of(scope), "events"),
        description="Storecast: new data starts the pipeline",
        permissions=[Permission(["states:StartExecution"], [machine.attr_arn])],
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
        targets=[
            events.CfnRule.TargetProperty(
                id="Machine",
                arn=machine.attr_arn,
                role_arn=role.role_arn,
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead_letters.attr_arn),
            )
        ],
    )


def clock(
    scope: Construct, machine: sfn.CfnStateMachine, *, given: Schedule | None, dead_letters: sqs.CfnQueue
) -> list[scheduler.CfnSchedule]:
    """Start the machine once a day for what no event announced, and as the config's schedule says if it has one."""
    name = machine.state_machine_name
    start = Starter(scope, machine, dead_letters)
    words = "Starts the pipeline for uploads that no run has covered"
    schedules = [start.at(SWEEP, "Sweep", f"{name}-sweep", words, force=False)]
    if given:
        words = "Starts the pipeline by the clock, as pipeline.yaml says"
        schedules.append(start.at(given, "Schedule", name, words, force=given.force))
    return schedules


class Starter:
    """Schedules that start one state machine, all under one role; what cannot be delivered goes to the dead letters."""

    def __init__(self, scope: Construct, machine: sfn.CfnStateMachine, dead_letters: sqs.CfnQueue) -> None:
        self._scope, self._machine, self._dead_letters = scope, machine, dead_letters
        self._role = permissions.role(
            scope,
            "ScheduleRole",
            principal=permissions.service(Stack.of(scope), "scheduler"),
            description=f"Storecast: the clock starts {machine.state_machine_name}",
            permissions=[
                Permission(["states:StartExecution"], [machine.attr_arn]),
                Permission(["sqs:SendMessage"], [dead_letters.attr_arn]),
            ],
            key=dead_letters.kms_master_key_id,
        )

    def at(
        self, when: Schedule, construct_id: str, name: str | None, description: str, **given: Any
    ) -> scheduler.CfnSchedule:
        """A schedule called `name` that starts the machine with `given` as its input."""
        return scheduler.CfnSchedule(
            self._scope,
            construct_id,
            name=name,
            description=description,
            schedule_expression=when.expression,
            schedule_expression_timezone=when.time_zone,
            state="ENABLED" if when.enabled else "DISABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self._machine.attr_arn,
                role_arn=self._role.role_arn,
                input=json.dumps(given),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self._dead_letters.attr_arn),
            ),
        )
