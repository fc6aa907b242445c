"""The state machine that the app's schedules start at its hours, on the embedded AWS."""

import json
from collections.abc import Callable

import boto3
from aws_cdk import Aws

from infra.hours import Kind, definition
from tests.contract.helpers import eventually, role, statement, unique


def clock(kind: Kind, *members: str, on: str, starting: tuple[dict, ...] = ()) -> Callable[[str], None]:
    """Called with "stop" or "start", it runs the machine under its rights on the ARNs `on` and `starting`; it must
    succeed."""
    states, rights = boto3.client("stepfunctions"), [f"{kind.service}:{verb}{kind.resource}" for verb in _VERBS]
    machine = states.create_state_machine(
        name=unique("hours"),
        definition=json.dumps(definition(kind, members, patience_minutes=1)).replace(Aws.PARTITION, "aws"),
        roleArn=role("states", statement(*rights, on=on), *starting),
    )["stateMachineArn"]

    def run(verb: str) -> None:
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps({"verb": verb}))["executionArn"]
        ended = eventually(
            lambda: states.describe_execution(executionArn=execution), lambda found: found["status"] != "RUNNING"
        )
        assert ended["status"] == "SUCCEEDED", ended

    return run


_VERBS = ("Describe", "Stop", "Start")
