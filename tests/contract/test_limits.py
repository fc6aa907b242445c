"""Step Functions' limits end an execution, and no Catch or Retry of any state helps."""

from typing import Any

import boto3
import pytest

from tests.contract.helpers import role
from tests.contract.test_step_functions import machine, outcome

_ALL = {"ErrorEquals": ["States.ALL"], "Next": "Caught"}
_CAUGHT = {"Caught": {"Type": "Succeed"}}


def _large(kibibytes: int) -> dict[str, Any]:
    """A state whose output is a text of this size."""
    pad = f"{{% $pad('', {kibibytes * 1024}, 'x') %}}"
    return {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"text": pad}}


def _within(start: str, **states: dict[str, Any]) -> dict[str, Any]:
    """The states as the branch of a Parallel that catches everything."""
    return {"Type": "Parallel", "Branches": [{"StartAt": start, "States": states}], "Catch": [_ALL]}


def _run(state: dict[str, Any]) -> dict[str, Any]:
    states = boto3.client("stepfunctions")
    begun = states.start_execution(stateMachineArn=machine(state, role("states"), **_CAUGHT))["executionArn"]
    ended = outcome(begun)
    [last] = states.get_execution_history(executionArn=begun, reverseOrder=True, maxResults=1)["events"]
    assert last["type"] == ("ExecutionFailed" if ended["status"] == "FAILED" else "ExecutionSucceeded")
    return ended


@pytest.mark.parametrize(("kibibytes", "status"), [(200, "SUCCEEDED"), (257, "FAILED")])
def test_a_state_holds_256_kibibytes_and_nothing_catches_more(embedded_aws, kibibytes: int, status: str) -> None:
    ended = _run(_within("Large", Large=_large(kibibytes) | {"End": True}))
    assert ended["status"] == status, ended
    if status == "FAILED":
        assert ended["error"] == "States.DataLimitExceeded"


def test_branches_together_hold_no_more(embedded_aws) -> None:
    branch = {"StartAt": "Large", "States": {"Large": _large(150) | {"End": True}}}
    ended = _run({"Type": "Parallel", "Branches": [branch, branch], "Catch": [_ALL]})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_a_history_has_25_000_events_and_nothing_catches_more(embedded_aws) -> None:
    """A loop of a Pass and a Choice: four events a round."""
    again = {"Type": "Choice", "Choices": [{"Variable": "$.again", "BooleanEquals": True, "Next": "Pass"}]}
    loop = {"Pass": {"Type": "Pass", "Result": {"again": True}, "Next": "Again?"}, "Again?": again}
    ended = _run(_within("Pass", **loop))
    assert ended["status"] == "FAILED" and "25000" in ended["cause"]
    states = boto3.client("stepfunctions")
    pages = states.get_paginator("get_execution_history").paginate(executionArn=ended["executionArn"], maxResults=1000)
    assert sum(len(page["events"]) for page in pages) == 25_000
