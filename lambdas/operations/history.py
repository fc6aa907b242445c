"""What an execution did up to here, from its history (GetExecutionHistory)."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from common.clients import client

_HOLDERS = ("Map", "Parallel")  # states that hold others, and so last as long as the waits in them
_WHOLE = "Pipeline"  # as long as the run, which Step Functions measures itself


class History(TypedDict):
    """State transitions and Lambda invocations are what Step Functions and Lambda bill."""

    started: str  # ISO 8601
    stateTransitions: int
    lambdaInvocations: int
    seconds: dict[str, float]  # of each part of the pipeline that waits for a service, from its start to its end


def history(execution: str) -> History:
    """The history so far of the execution with this ARN."""
    pages = client("stepfunctions").get_paginator("get_execution_history")
    events = [
        event for page in pages.paginate(executionArn=execution, includeExecutionData=False) for event in page["events"]
    ]
    entered: dict[str, datetime] = {}
    seconds: dict[str, float] = {}
    for event in events:
        if event["type"] in [f"{kind}StateEntered" for kind in _HOLDERS]:
            entered.setdefault(event["stateEnteredEventDetails"]["name"], event["timestamp"])
        elif event["type"] in [f"{kind}StateExited" for kind in _HOLDERS]:
            name = event["stateExitedEventDetails"]["name"]
            seconds[name] = (event["timestamp"] - entered[name]).total_seconds()
    return {
        "started": events[0]["timestamp"].isoformat(timespec="seconds"),
        "stateTransitions": sum(event["type"].endswith("StateEntered") for event in events),
        "lambdaInvocations": sum(
            event["type"] == "TaskScheduled" and event["taskScheduledEventDetails"]["resourceType"] == "lambda"
            for event in events
        ),
        "seconds": {name: value for name, value in seconds.items() if name != _WHOLE},
    }
