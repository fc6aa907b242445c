"""Runs from what Step Functions says of executions: triggers, outcomes, steps with their times and causes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from storecast.client import runs
from storecast.client.aws import NotThere, Unclear
from tests.unit.storecast.world import RUN, SHOP, THEN, World


def _execution(name: str, given: Any = None, **others: Any) -> dict[str, Any]:
    return {
        "executionArn": f"arn:aws:states:eu-west-1:1:execution:storecast-shop-forecasting:{name}",
        "name": name,
        "status": "SUCCEEDED",
        "startDate": THEN,
        "stopDate": THEN + timedelta(minutes=1),
        "input": json.dumps(given or {}),
        **others,
    }


@pytest.mark.parametrize(
    ("execution", "trigger", "outcome"),
    [
        (_execution("a1", {"source": "aws.s3"}, output='{"summary": {"run": "r"}}'), "upload", "published"),
        (
            _execution("a1", {"force": False}, output='{"summary": {"nothingNew": "nothing new: x"}}'),
            "clock",
            "nothing new: x",
        ),
        (_execution("by-hand-1", output='{"summary": {"dryRun": {}}}'), "by hand", "dry run: changed nothing"),
        (_execution("0" * 32, output='{"joined": "arn:b2"}'), "run before it", "joined run b2"),
        (_execution("a1", status="RUNNING", stopDate=THEN), "by hand", ""),
        (_execution("a1", status="ABORTED"), "by hand", "stopped by hand"),
        (_execution("a1", status="TIMED_OUT"), "by hand", "timed out, without a cause"),
        (_execution("a1", status="FAILED", cause="Plan: row 7"), "by hand", "Plan: row 7"),
    ],
)
def test_what_started_a_run_and_what_came_of_it(
    world: World, execution: dict[str, Any], trigger: str, outcome: str
) -> None:
    world.executions = [execution]
    [run] = runs.listed(world, SHOP, "forecasting")
    assert (run.trigger, run.outcome) == (trigger, outcome)


def test_a_run_is_found_by_how_its_name_or_id_begins(world: World) -> None:
    world.executions = [
        _execution("abc1", output=json.dumps({"summary": {"run": RUN}})),
        _execution("abd2", startDate=THEN + timedelta(hours=1)),
    ]
    world.put("results", f"forecasting/shop/runs/{RUN}/summary.json", {"run": RUN})
    only = type(SHOP)(SHOP.name, (), {k: v for k, v in SHOP.outputs.items() if "Recommending" not in k}, SHOP.region)
    assert runs.one(world, only, RUN[:12]).run.name == runs.one(world, only, "last").run.name == "abc1"
    with pytest.raises(Unclear, match="ab: 2 runs begin so: abd2, abc1"):
        runs.one(world, only, "ab")
    with pytest.raises(NotThere, match="zz: no such run of shop"):
        runs.one(world, only, "zz")


def _events(*said: tuple[str, str]) -> list[dict[str, Any]]:
    """Events a second apart, each after the one before it: "TaskStateEntered", "Plan"."""
    found = []
    for at, (kind, name) in enumerate(said, 1):
        event: dict[str, Any] = {
            "id": at,
            "previousEventId": at - 1,
            "type": kind,
            "timestamp": THEN + timedelta(seconds=at),
        }
        if kind.endswith("Entered"):
            event["stateEnteredEventDetails"] = {"name": name}
        elif kind.endswith("Exited"):
            event["stateExitedEventDetails"] = {"name": name}
        elif kind == "TaskFailed":
            event["taskFailedEventDetails"] = {"error": "ValueError", "cause": json.dumps({"errorMessage": name})}
        found.append(event)
    return found


_WAITED = [
    ("TaskStateEntered", "Describe forecast"),
    ("TaskStateExited", "Describe forecast"),
    ("ChoiceStateEntered", "Forecast ready?"),
    ("ChoiceStateExited", "Forecast ready?"),
    ("WaitStateEntered", "Wait for forecast"),
    ("WaitStateExited", "Wait for forecast"),
    ("TaskStateEntered", "Describe forecast"),
    ("TaskStateExited", "Describe forecast"),
]


def test_the_states_of_a_wait_are_one_step(world: World) -> None:
    world.executions = [_execution("a1")]
    world.events = _events(("TaskStateEntered", "Plan"), ("TaskStateExited", "Plan"), *_WAITED)
    steps = runs.detail(world, SHOP, runs.listed(world, SHOP, "forecasting")[0]).steps
    assert [(each.name, each.kind, each.status, each.times) for each in steps] == [
        ("Plan", "task", "succeeded", 1),
        ("Wait for forecast", "wait", "succeeded", 3),
    ]
    assert [(each.stopped - each.started).seconds for each in steps if each.stopped] == [1, 7]


def test_a_failed_step_has_its_cause_and_the_run_its_next_step(world: World) -> None:
    world.executions = [_execution("a1", status="FAILED", error="ValueError", cause="Train: too few rows")]
    world.events = _events(
        ("TaskStateEntered", "Plan"), ("TaskStateExited", "Plan"), ("TaskStateEntered", "Train"), ("TaskFailed", "few")
    )
    found = runs.detail(world, SHOP, runs.listed(world, SHOP, "forecasting")[0])
    assert [(each.name, each.status, each.cause) for each in found.steps] == [
        ("Plan", "succeeded", ""),
        ("Train", "failed", "ValueError: few"),
    ]
    assert found.next_step.startswith("fix the cause, then run storecast start shop --pipeline forecasting")


def test_a_step_of_a_run_in_progress_is_running(world: World) -> None:
    world.executions = [_execution("a1", status="RUNNING")]
    del world.executions[0]["stopDate"]
    world.events = _events(*_WAITED[:5])
    [step] = runs.detail(world, SHOP, runs.listed(world, SHOP, "forecasting")[0]).steps
    assert (step.status, step.stopped) == ("running", None)


def test_a_run_that_ended_is_asked_for_once(world: World) -> None:
    running = _execution("b2", status="RUNNING")
    del running["stopDate"]
    world.executions = [_execution("a1"), running]
    runs.listed(world, SHOP, "forecasting")
    world.executions[0]["output"] = '{"summary": {"nothingNew": "later"}}'
    world.executions[1] |= {"status": "SUCCEEDED", "stopDate": THEN, "output": '{"summary": {"nothingNew": "later"}}'}
    found = {run.name: run.outcome for run in runs.listed(world, SHOP, "forecasting")}
    assert found == {"a1": "done", "b2": "later"}
