"""The clock stops and starts what costs by the hour: recommenders, notebook instances.

Each schedule starts a small state machine. EventBridge Scheduler could call StopRecommender itself, but would fail each
night over what is off already or not made yet; this one looks first, and fails only where somebody should know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

from aws_cdk import Aws
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config.base import Hours
from infra.expressions import Expression, merged, payload, record, template
from infra.machine import logged_machine
from infra.permissions import Permission
from infra.steps import MAP_ITEM, State, map_over, patient
from infra.triggers import Starter

_PATIENCE_MINUTES = 300  # with what cannot be stopped, as it is being trained


@dataclass(frozen=True)
class Kind:
    """What can be stopped and started: a resource of `service`, by which member it is named, where Describe says its
    state, what this is when it is on and when off; the errors, if any, for what is not there and what is at work."""

    service: str
    resource: str
    member: str
    status: str
    on: str
    off: str
    missing: str = ""
    at_work: str = ""


RECOMMENDER = Kind(
    "personalize",
    "Recommender",
    "RecommenderArn",
    "Recommender.Status",
    on="ACTIVE",
    off="INACTIVE",
    missing="Personalize.ResourceNotFoundException",
    at_work="Personalize.ResourceInUseException",
)
NOTEBOOK_INSTANCE = Kind(
    "sagemaker",
    "NotebookInstance",
    "NotebookInstanceName",
    "NotebookInstanceStatus",
    on="InService",
    off="Stopped",
)


class Call(TypedDict):
    """The input of an execution."""

    verb: Literal["start", "stop"]


class Member(Call):
    """One of the resources to start or stop; Describe adds its status."""

    name: str
    status: NotRequired[str]


class StopAndStart(Construct):
    """The state machine `name`, which stops or starts `members` of a kind (ARNs `arns`), and its two schedules; a
    start needs `starting` beside its own action."""

    def __init__(
        self,
        scope: Construct,
        *,
        name: str,
        kind: Kind,
        members: Sequence[str],
        arns: Sequence[str],
        hours: Hours,
        group: logs.CfnLogGroup,
        dead_letters: sqs.CfnQueue,
        starting: Sequence[Permission] = (),
    ) -> None:
        super().__init__(scope, "Hours")
        verbs = ("Describe", "Stop", "Start")
        machine = logged_machine(
            self,
            name=name,
            description=f"Storecast: {name} stops and starts by the clock",
            # The night in which summer time begins is an hour shorter.
            definition=definition(kind, members, max(0, min(_PATIENCE_MINUTES, hours.off_minutes - 61))),
            allowed=[Permission([f"{kind.service}:{verb}{kind.resource}" for verb in verbs], list(arns)), *starting],
            group=group,
        )
        starter = Starter(self, machine, dead_letters)
        for verb in ("start", "stop"):
            words = f"{verb.capitalize()}s what pipeline.yaml gives hours to"
            starter.at(hours.at(verb), verb.capitalize(), f"{name}-{verb}", words, verb=verb)


def definition(kind: Kind, members: Sequence[str], patience_minutes: int) -> State:
    """With `{"verb": "stop"}`, or start: looks at each of `members`, and stops or starts those that are on or off.

    It is patient with what is at work, but must not be so for so long that a stop comes after the next start.
    """
    one = payload(Member)
    named = {kind.member: template(one.name)}

    def call(verb: str) -> State:
        return {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:{kind.service}:{verb}{kind.resource}",
            "Arguments": named,
            "Retry": [
                *([{"ErrorEquals": [kind.missing], "MaxAttempts": 0}] if kind.missing else []),
                *([_every_minute(kind.at_work, patience_minutes)] if kind.at_work else []),
                patient("States.TaskFailed"),
            ],
        }

    def asked(verb: str, status: str) -> State:
        condition = f"{one.verb} = '{verb}' and {one.status} = '{status}'"
        return {"Condition": template(condition), "Next": verb.capitalize()}

    each = {
        "StartAt": "Describe",
        "States": {
            "Describe": {
                **call("describe"),
                "Output": template(merged(one, status=Expression(f"$states.result.{kind.status}"))),
                **({"Catch": [{"ErrorEquals": [kind.missing], "Next": "Nothing to do"}]} if kind.missing else {}),
                "Next": "What is asked?",
            },
            "What is asked?": {
                "Type": "Choice",
                "Choices": [asked("stop", kind.on), asked("start", kind.off)],
                "Default": "Nothing to do",
            },
            "Stop": {**call("stop"), "End": True},
            "Start": {**call("start"), "End": True},
            "Nothing to do": {"Type": "Succeed"},
        },
    }
    selector = record(Member, name=MAP_ITEM, verb=payload(Call).verb)
    names = ", ".join(f"'{member}'" for member in members)
    return {
        "Comment": "Storecast: what costs by the hour, stopped or started",
        "QueryLanguage": "JSONata",
        "StartAt": "Each",
        "States": map_over("Each", f"[{names}]", each, selector=selector),
    }


def _every_minute(error: str, minutes: int) -> State:
    return {"ErrorEquals": [error], "IntervalSeconds": 60, "BackoffRate": 1, "MaxAttempts": minutes}
