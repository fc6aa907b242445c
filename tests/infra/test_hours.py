"""What the clock stops and starts: the config's hours, the schedules, the machine that looks before it acts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template
from pydantic import ValidationError

from infra.config.base import Hours
from infra.hours import NOTEBOOK_INSTANCE, RECOMMENDER, Kind, StopAndStart, definition
from tests.infra.conftest import flat
from tests.infra.test_machines import decide

_OFFICE = Hours(start="07:30", stop="20:00", days=["MON", "WED"], time_zone="Europe/Berlin")
_ARN = "arn:aws:personalize:eu-west-1:111122223333:recommender/storecast-shop-best-sellers"


@pytest.fixture(scope="module")
def template() -> dict[str, list[dict[str, Any]]]:
    """By type, the properties of the resources."""
    stack = Stack(App(), "s")
    StopAndStart(
        stack,
        name="storecast-shop-recommending-hours",
        kind=RECOMMENDER,
        members=[_ARN],
        arns=[_ARN],
        hours=_OFFICE,
        group=logs.CfnLogGroup(stack, "Logs"),
        dead_letters=sqs.CfnQueue(stack, "DeadLetters"),
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for resource in Template.from_stack(stack).to_json()["Resources"].values():
        found.setdefault(resource["Type"], []).append(resource.get("Properties", {}))
    return found


def test_two_schedules_start_the_machine_in_the_time_zone_of_the_hours(template: dict[str, Any]) -> None:
    made = {each["Name"].rpartition("-")[2]: each for each in template["AWS::Scheduler::Schedule"]}
    assert {verb: each["ScheduleExpression"] for verb, each in made.items()} == {
        "start": "cron(30 7 ? * MON,WED *)",
        "stop": "cron(0 20 ? * MON,WED *)",
    }
    for verb, each in made.items():
        assert each["ScheduleExpressionTimezone"] == "Europe/Berlin"
        assert json.loads(each["Target"]["Input"]) == {"verb": verb} and each["Target"]["DeadLetterConfig"]["Arn"]


def test_the_machine_may_look_at_stop_and_start_what_it_names_and_nothing_else(template: dict[str, Any]) -> None:
    [role] = [each for each in template["AWS::IAM::Role"] if "states." in json.dumps(each["AssumeRolePolicyDocument"])]
    allowed, logging = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert allowed["Resource"] == _ARN
    assert allowed["Action"] == [f"personalize:{verb}Recommender" for verb in ("Describe", "Stop", "Start")]
    assert {action.partition(":")[0] for action in logging["Action"]} == {"logs", "xray"}
    [machine] = template["AWS::StepFunctions::StateMachine"]
    assert machine["LoggingConfiguration"]["Level"] == "ALL" and machine["TracingConfiguration"]["Enabled"]
    assert _ARN in flat(machine["DefinitionString"])
    assert '"MaxAttempts":300' in flat(machine["DefinitionString"]), "five hours, of a night of eleven and a half"


@pytest.mark.parametrize(
    ("kind", "on", "off"), [(RECOMMENDER, "ACTIVE", "INACTIVE"), (NOTEBOOK_INSTANCE, "InService", "Stopped")]
)
def test_only_what_is_on_is_stopped_and_only_what_is_off_is_started(kind: Kind, on: str, off: str) -> None:
    choice = definition(kind, ["a"], 1)["States"]["Each"]["ItemProcessor"]["States"]["What is asked?"]
    asked = [("stop", on), ("stop", off), ("start", off), ("start", on), ("stop", "STOP PENDING")]
    found = [decide(choice, {"verb": verb, "status": status})[0] for verb, status in asked]
    assert found == ["Stop", "Nothing to do", "Start", "Nothing to do", "Nothing to do"]


def test_a_week_has_the_hours_of_its_days() -> None:
    assert _OFFICE.off_minutes == 690 and _OFFICE.of_a_week == 25 and Hours(start="00:00", stop="06:00").of_a_week == 42


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"start": 420, "stop": "20:00"}, "a time of day in quotes"),
        ({"start": "7:00", "stop": "20:00"}, "a time of day in quotes"),
        ({"start": "07:00", "stop": "24:00"}, "a time of day in quotes"),
        ({"start": "20:00", "stop": "07:00"}, "start 20:00 is not before stop 07:00"),
        ({"start": "07:00", "stop": "20:00", "days": ["MONDAY"]}, "'MON', 'TUE'"),
        ({"start": "07:00", "stop": "20:00", "time_zone": "Berlin"}, "IANA names"),
    ],
)
def test_hours_that_cannot_be(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Hours.model_validate(given)
    assert told in str(caught.value)
