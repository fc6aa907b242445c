"""Which errors a task of the state machines is tried again after, for how long, and where it goes then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.conftest import Assembly, machine
from tests.infra.test_machines import states_of

PIPELINES = ("forecasting", "recommending")
_LOCK = {
    "Take the lock": "Notify failure",
    "Mark the lock": "Notify failure",
    "Look at the holder": "Notify failure",
    "Take over the lock": "Notify failure",
    "Unmark the lock": "Notify failure",
    "Release the lock": "Did it fail?",
    "Hand over the lock": "Did it fail?",
    "Start the next run": "Did it fail?",
}


def _matching(rules: list[dict[str, Any]], error: str) -> dict[str, Any]:
    """The first that matches decides (docs/aws-sources.md#step-functions-concepts-error-handling)."""
    wildcards = {"States.ALL"} if error.startswith("States.") else {"States.ALL", "States.TaskFailed"}
    return next((rule for rule in rules if {error, *wildcards} & set(rule["ErrorEquals"])), {})


def _patience(state: dict[str, Any], error: str) -> float:
    """Seconds of waiting in all before the task fails with the error."""
    rule = _matching(state.get("Retry", []), error)
    waits = (rule["IntervalSeconds"] * rule["BackoffRate"] ** n for n in range(rule.get("MaxAttempts", 0)))
    return sum(min(wait, rule.get("MaxDelaySeconds", wait)) for wait in waits)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_step_that_was_cut_off_or_met_a_busy_service_is_tried_again(assembly: Assembly, pipeline: str) -> None:
    steps = [
        state for _, state in states_of(machine(assembly, pipeline)) if "lambda:invoke" in state.get("Resource", "")
    ]
    for state in steps:
        assert all(
            _patience(state, error) >= 30 for error in ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError")
        )
        assert all(_patience(state, error) >= 400 for error in ("ServiceUnavailable", "Lambda.ServiceException"))
        if state["Retry"][0]["ErrorEquals"] != ["States.ALL"]:  # as of the task that tells a failure
            assert _patience(state, "LimitExceededException") >= 12 * 3600, "as long as a training may take"
            assert _patience(state, "ValueError") == 0, "an error of the data or the config stays"


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_polling_a_job_outlasts_minutes_of_throttling(assembly: Assembly, pipeline: str) -> None:
    for name, state in states_of(machine(assembly, pipeline)):
        if name.startswith("Describe "):
            assert _patience(state, "Forecast.ForecastException") >= 400, name


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize(("name", "then"), _LOCK.items())
def test_the_locks_calls_are_patient_and_their_failure_is_reported_or_repaired_later(
    assembly: Assembly, pipeline: str, name: str, then: str
) -> None:
    state = machine(assembly, pipeline)["States"][name]
    for error in ("DynamoDb.ProvisionedThroughputExceededException", "Sfn.SfnException", "States.TaskFailed"):
        assert _patience(state, error) >= 400
        assert _matching(state["Catch"], error)["Next"] == then
    assert _patience(state, state["Catch"][0]["ErrorEquals"][0]) == 0 or len(state["Catch"]) == 1
