"""Step Functions' limits on what an execution holds and how long its history is; both end it, and nothing catches them.

256 KiB of input or output of a state or a task: States.DataLimitExceeded, which States.ALL does not catch
(docs/aws-sources.md#step-functions-concepts-error-handling and
docs/aws-sources.md#step-functions-service-quotas). 25,000 events of history: the execution fails (same page). The guide
names no error for that; here it is States.Runtime, which States.ALL does not catch either.
"""

import functools
import json
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

STATE_BYTES = 256 * 1024
HISTORY_EVENTS = 25_000
_TERMINAL = ("States.DataLimitExceeded", "States.Runtime")
_TEXTS = {
    "stateEnteredEventDetails": "input",
    "stateExitedEventDetails": "output",
    "taskSucceededEventDetails": "output",
}


def register() -> None:
    stepfunctions._add_event = _limited(stepfunctions._add_event)
    stepfunctions._invoke_resource = _with_bounded_arguments(stepfunctions._invoke_resource)
    stepfunctions._error_matches = _of_what_is_not_terminal(stepfunctions._error_matches)


def _limited(add_event: Callable) -> Callable:
    @functools.wraps(add_event)
    def added(execution: dict, event_type: str, *details: Any) -> Any:
        if not event_type.startswith("Execution"):
            if len(execution["events"]) >= HISTORY_EVENTS - 1:  # the last one says how the execution ended
                reason = f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."
                raise stepfunctions._ExecutionError("States.Runtime", reason)
            for member, text in _TEXTS.items():
                if details and member in details[0]:
                    _require_within(details[0][member][text], f"The {text} of the state or task ({event_type})")
        added_event = add_event(execution, event_type, *details)
        if event_type == "TaskScheduled":  # AWS's history has both
            add_event(execution, "TaskStarted", {"taskStartedEventDetails": details[0]["taskScheduledEventDetails"]})
        return added_event

    return added


def _with_bounded_arguments(invoke_resource: Callable) -> Callable:
    @functools.wraps(invoke_resource)
    def invoke(resource: str, arguments: Any) -> Any:
        _require_within(json.dumps(arguments), f"The arguments of {resource}")
        return invoke_resource(resource, arguments)

    return invoke


def _require_within(text: str, what: str) -> None:
    if len(text) > STATE_BYTES and len(_as_aws_counts(text)) > STATE_BYTES:
        reason = f"{what} returned a result with a size exceeding the maximum number of bytes service limit."
        raise stepfunctions._ExecutionError("States.DataLimitExceeded", reason)


def _as_aws_counts(text: str) -> bytes:
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()


def _of_what_is_not_terminal(error_matches: Callable) -> Callable:
    @functools.wraps(error_matches)
    def matches(expected: list[str], error: str) -> bool:
        return error not in _TERMINAL and error_matches(expected, error)

    return matches
