"""What a run does after its imports: go on, look again, or fail for one that it cannot do without."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.conftest import Assembly, machine
from tests.infra.test_machines import decide, evaluate, states_of

PIPELINES = ("forecasting", "recommending")
_GOOD = {"importJobArn": "good", "wait": {"status": "ACTIVE"}}
_BAD = {"importJobArn": "bad", "wait": {"status": "CREATE_FAILED", "message": "row 7"}}
_REFUSED = {**_BAD, "reimport": True, "refused": {"movedTo": "s3://data/quarantine/x", "last": False}}
_LAST = {**_REFUSED, "refused": {**_REFUSED["refused"], "last": True}}


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize(
    ("done", "following", "message"),
    [
        ([], "", ""),
        ([_GOOD, _GOOD], "", ""),
        ([_GOOD, {**_GOOD, "reimport": True}], "Plan", ""),
        ([_REFUSED, _GOOD], "Plan", ""),
        ([_REFUSED, _BAD], "Pipeline failed", "row 7"),
        ([_GOOD, _LAST], "Pipeline failed", "row 7; the last file of its kind, it is in quarantine now: s3://data/"),
        ([{**_BAD, "wait": {"status": "CREATE_STOPPED"}}], "Pipeline failed", "the service returned no reason"),
    ],
)
def test_after_its_imports_a_run_goes_on_plans_again_or_fails(
    assembly: Assembly, pipeline: str, done: list[dict[str, Any]], following: str, message: str
) -> None:
    states = dict(states_of(machine(assembly, pipeline)))
    payload = evaluate(states["Import"]["Output"], input={"run": "r", "imports": []}, result=done)
    assert payload["run"] == "r"
    state, told = decide(states["Import again?"], payload)
    assert state == (following or states["Import again?"]["Default"])
    if message:
        assert told["message"].startswith(message) and told["resource"] == "bad" and told["step"] == "Load"
        assert told["error"].startswith("CREATE_")


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize(("before", "attempt"), [({}, 0), ({"attempt": 0}, 1), ({"attempt": 1}, 2)])
def test_plan_counts_how_often_it_looked(
    assembly: Assembly, pipeline: str, before: dict[str, int], attempt: int
) -> None:
    plan = dict(states_of(machine(assembly, pipeline)))["Plan"]
    assert evaluate(plan["Arguments"]["Payload"]["attempt"], input=before) == attempt


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_refused_file_is_reported_before_the_run_goes_on(assembly: Assembly, pipeline: str) -> None:
    states = dict(states_of(machine(assembly, pipeline)))
    assert (
        decide(states["Dataset import job ready?"], {"wait": {"status": "CREATE_FAILED"}})[0] == "Load into quarantine"
    )
    assert decide(states["In quarantine?"], _REFUSED)[0] == "Notify quarantine"
    assert decide(states["In quarantine?"], _BAD)[0] == "Nothing moved"
