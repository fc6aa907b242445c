"""The clock as a trigger, in a stack of its own: the sample that the other tests synthesize has no schedule."""

from __future__ import annotations

import json

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Template

from infra.config.base import Schedule
from infra.triggers import clock


@pytest.mark.parametrize(("enabled", "state"), [(True, "ENABLED"), (False, "DISABLED")])
def test_a_schedule_starts_its_machine_and_nothing_else(enabled: bool, state: str) -> None:
    stack = Stack(App(), "s")
    machine = sfn.CfnStateMachine(stack, "Machine", state_machine_name="m", role_arn="arn:aws:iam::1:role/r")
    given = {"expression": "cron(0 5 ? * MON *)", "time_zone": "Europe/Berlin", "enabled": enabled, "force": True}
    queue = sqs.CfnQueue(stack, "DeadLetters")
    clock(stack, machine, given=Schedule.model_validate(given), dead_letters=queue)
    template = Template.from_stack(stack).to_json()["Resources"]
    schedules = {
        r["Properties"]["Name"]: r["Properties"] for r in template.values() if r["Type"] == "AWS::Scheduler::Schedule"
    }
    assert set(schedules) == {"m", "m-sweep"}
    assert all(each["Target"]["DeadLetterConfig"]["Arn"] for each in schedules.values())
    assert json.loads(schedules["m-sweep"]["Target"]["Input"]) == {"force": False}
    made = schedules["m"]
    assert (made["ScheduleExpression"], made["ScheduleExpressionTimezone"]) == ("cron(0 5 ? * MON *)", "Europe/Berlin")
    assert made["State"] == state and made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert json.loads(made["Target"]["Input"]) == {"force": True}
    [role] = [r["Properties"] for r in template.values() if r["Type"] == "AWS::IAM::Role"]
    allowed = {s["Action"]: s["Resource"] for s in role["Policies"][0]["PolicyDocument"]["Statement"]}
    dead_letters = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert allowed == {"states:StartExecution": made["Target"]["Arn"], "sqs:SendMessage": dead_letters}
