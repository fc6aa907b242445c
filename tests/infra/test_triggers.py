"""The clock as a trigger, in a stack of its own: the sample that the other tests synthesize has no schedule."""

from __future__ import annotations

import json

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Template

from infra.config.base import Schedule
from infra.triggers import schedule


@pytest.mark.parametrize(("enabled", "state"), [(True, "ENABLED"), (False, "DISABLED")])
def test_a_schedule_starts_its_machine_and_nothing_else(enabled: bool, state: str) -> None:
    stack = Stack(App(), "s")
    machine = sfn.CfnStateMachine(stack, "Machine", state_machine_name="m", role_arn="arn:aws:iam::1:role/r")
    given = {"expression": "cron(0 5 ? * MON *)", "time_zone": "Europe/Berlin", "enabled": enabled, "force": True}
    schedule(stack, machine, Schedule.model_validate(given))
    template = Template.from_stack(stack).to_json()["Resources"]
    [made] = [r["Properties"] for r in template.values() if r["Type"] == "AWS::Scheduler::Schedule"]
    assert (made["ScheduleExpression"], made["ScheduleExpressionTimezone"]) == ("cron(0 5 ? * MON *)", "Europe/Berlin")
    assert made["State"] == state and made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert json.loads(made["Target"]["Input"]) == {"force": True}
    [role] = [r["Properties"] for r in template.values() if r["Type"] == "AWS::IAM::Role"]
    [statement] = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "states:StartExecution" and statement["Resource"] == made["Target"]["Arn"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
