"""The clock as a trigger, in a stack of its own: the sample that the other tests synthesize has no schedule."""

from __future__ import annotations

import json

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Template

from infra.config import load
from infra.config.base import Hours, Schedule
from infra.triggers import clock
from tests.infra.conftest import ROOT, Assembly, synthesized


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


@pytest.mark.parametrize("stack", ["forecasting", "recommending"])
def test_what_starts_runs_goes_before_the_clean_up_begins(hourly: Assembly, stack: str) -> None:
    """CloudFormation deletes what depends on another resource before that one."""
    resources = hourly.templates[stack]["Resources"]
    [cleanup] = [name for name, each in resources.items() if each["Type"] == "Custom::StorecastCleanup"]
    starting = {n: r for n, r in resources.items() if r["Type"] in ("AWS::Events::Rule", "AWS::Scheduler::Schedule")}
    assert len(starting) == (2 if stack == "forecasting" else 4)  # with the two that start and stop recommenders
    for name, each in starting.items():
        assert cleanup in each.get("DependsOn", []), name
        assert name not in resources[cleanup].get("DependsOn", []), name


@pytest.fixture(scope="module")
def hourly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The sample with hours for its recommenders."""
    recommending = load(ROOT / "data" / "sample" / "pipeline.yaml").recommending
    changed = recommending.model_copy(update={"hours": Hours(start="07:00", stop="20:00", days=("MON",))})
    return synthesized(tmp_path_factory.mktemp("hourly"), recommending=changed)
