"""The runs of a pipeline: its executions, their steps with times and causes; starting one, stopping one."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from common.failures import in_words, next_step
from common.names import run_id
from storecast.client import results
from storecast.client.aws import Aws, NotThere, Unclear, at_once, utc
from storecast.client.model import RUNNING, Dataset, Pipeline, Run, RunDetail, Step

_BY_HAND = "by-hand-"  # how executions begin that were started from here
_KINDS: Mapping[str, Literal["task", "parallel", "map"]] = {"Task": "task", "Parallel": "parallel", "Map": "map"}


def listed(aws: Aws, dataset: Dataset, pipeline: Pipeline, most: int = 20) -> list[Run]:
    """The newest runs, the newest first."""
    _known(dataset, pipeline)
    pages = aws.client("stepfunctions").get_paginator("list_executions")
    asked = pages.paginate(
        stateMachineArn=dataset.machine(pipeline), PaginationConfig={"MaxItems": most, "PageSize": min(most, 100)}
    )
    arns = [each["executionArn"] for page in asked for each in page["executions"]]
    found = at_once(lambda arn: aws.ended.get(arn) or _run(aws, pipeline, arn), arns)
    aws.ended |= {run.arn: run for run in found if not run.running}
    return sorted(found, key=lambda run: run.started, reverse=True)


def one(aws: Aws, dataset: Dataset, name: str) -> RunDetail:
    """A run by the name of its execution, its run id, or how either begins; "last" is the newest that worked or
    failed. Raises NotThere, and Unclear where several begin so."""
    most = 20 if name == "last" else 100
    found = [run for pipeline in dataset.pipelines for run in listed(aws, dataset, pipeline, most)]
    found.sort(key=lambda run: run.started, reverse=True)
    if name == "last":
        worked = [run for run in found if run.running or run.published or run.failed] or found
        matching = worked[:1]
    else:
        exact = [run for run in found if name in (run.name, run.run, run.arn)]
        matching = exact or [run for run in found if run.name.startswith(name) or run.run.startswith(name)]
    if not matching:
        raise NotThere(f"{name}: no such run of {dataset.name}", f"storecast runs {dataset.name} lists them")
    if len(matching) > 1:
        names = ", ".join(run.name for run in matching[:5])
        raise Unclear(f"{name}: {len(matching)} runs begin so: {names}", "write more of the name")
    return detail(aws, dataset, matching[0])


def detail(aws: Aws, dataset: Dataset, run: Run) -> RunDetail:
    """The run with its steps."""
    pages = aws.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=run.arn)
    steps = _steps((event for page in pages for event in page["events"]), run)
    advice = next_step(f"{run.error} {run.outcome}") if run.failed else ""
    for words in ("start the state machine with {}", "start with {}"):
        advice = advice.replace(words, f"run storecast start {dataset.name} --pipeline {run.pipeline}")
    summary = results.summary(aws, dataset, run.pipeline, run.run) if run.published else None
    return RunDetail(run, tuple(steps), advice, console_url(run.arn), summary)


def console_url(arn: str) -> str:
    """The page of the execution in the AWS console."""
    region = arn.split(":")[3]
    return f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{arn}"


def start(aws: Aws, dataset: Dataset, pipeline: Pipeline, *, force: bool = False, dry_run: bool = False) -> Run:
    """Start a run: with `force` it imports and trains also where nothing changed, with `dry_run` it ends with its
    plan and changes nothing."""
    _known(dataset, pipeline)
    given = {name: True for name, wanted in (("force", force), ("dry_run", dry_run)) if wanted}
    name = f"{_BY_HAND}{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    arn = aws.client("stepfunctions").start_execution(
        stateMachineArn=dataset.machine(pipeline), name=name, input=json.dumps(given)
    )["executionArn"]
    return _run(aws, pipeline, arn)


def again(aws: Aws, run: Run) -> Run:
    """The run as it is now."""
    return _run(aws, run.pipeline, run.arn)


def output(aws: Aws, run: Run) -> Any:
    """What the run ended with, such as the plan of a dry run; None while it runs."""
    found = aws.client("stepfunctions").describe_execution(executionArn=run.arn).get("output")
    return json.loads(found) if found else None


def _known(dataset: Dataset, pipeline: Pipeline) -> None:
    if pipeline not in dataset.pipelines:
        raise NotThere(f"{dataset.name} has no {pipeline} pipeline", f"it has {', '.join(dataset.pipelines) or 'none'}")


def _run(aws: Aws, pipeline: Pipeline, arn: str) -> Run:
    found = aws.client("stepfunctions").describe_execution(executionArn=arn)
    started = utc(found["startDate"])
    ended = json.loads(found.get("output") or "{}")
    ended = ended if isinstance(ended, dict) else {}
    summary = ended.get("summary") or {}
    cause = found.get("cause") or found.get("error") or ""
    joined = "joined" in ended
    return Run(
        pipeline,
        found["name"],
        arn,
        found["status"],
        started,
        utc(found["stopDate"]) if "stopDate" in found else None,
        trigger=_trigger(found["name"], json.loads(found.get("input") or "{}")),
        run=summary.get("run") or ("" if joined else run_id(arn, started.isoformat())),
        failed_step=cause.partition(":")[0].partition(" (")[0] if found["status"] == "FAILED" else "",
        error=found.get("error", ""),
        outcome=_outcome(found["status"], cause, ended, summary),
        published="run" in summary,
    )


def _outcome(status: str, cause: str, ended: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    if status == RUNNING:
        return ""
    if status == "ABORTED":
        return "stopped by hand" + (f": {cause}" if cause else "")
    if status != "SUCCEEDED":
        return cause or f"{status.lower().replace('_', ' ')}, without a cause"
    if "joined" in ended:
        return f"joined run {ended['joined'].rpartition(':')[2]}"
    if "dryRun" in summary:
        return "dry run: changed nothing"
    if nothing := summary.get("nothingNew"):
        return str(nothing)
    return "published" if "run" in summary else "done"


def _trigger(name: str, given: Any) -> str:
    """What started a run, by its input: EventBridge's event of an upload, or what a schedule gives."""
    if name.startswith(_BY_HAND):
        return "by hand"
    given = given if isinstance(given, dict) else {}
    if given.get("source") == "aws.s3":
        return "upload"
    if "force" in given:
        return "clock"
    return "run before it" if re.fullmatch("[0-9a-f]{32}", name) else "by hand"  # infra/lock.py


def _steps(events: Iterable[Mapping[str, Any]], run: Run) -> list[Step]:
    """The steps in the order in which they began. The states of a wait (describe, choice, wait) are one of them."""
    found: dict[str, _Times] = {}
    causes: dict[str, str] = {}
    by_id: dict[int, Mapping[str, Any]] = {}
    for event in events:
        by_id[event["id"]] = event
        moment = utc(event["timestamp"])
        kind = event["type"]
        if "stateEnteredEventDetails" in event:
            name = event["stateEnteredEventDetails"]["name"]
            if (step := _called(name, kind)) is not None:
                found.setdefault(step[0], _Times(step[1], moment)).enter()
        elif "stateExitedEventDetails" in event:
            name = event["stateExitedEventDetails"]["name"]
            if (step := _called(name, kind)) is not None and step[0] in found:
                found[step[0]].leave(moment)
        elif kind in ("TaskFailed", "TaskTimedOut", "TaskSubmitFailed", "LambdaFunctionFailed", "MapStateFailed"):
            details: Mapping[str, str] = next(
                (value for key, value in event.items() if key.endswith("EventDetails")), {}
            )
            if (name := _state_of(event, by_id)) and (step := _called(name, "TaskStateEntered")):
                causes[step[0]] = _in_words(details.get("error", ""), details.get("cause", ""))
    steps = [times.step(name, run, causes.get(name, "")) for name, times in found.items()]
    return sorted(steps, key=lambda step: step.started)


class _Times:
    """When a step was entered first and left last."""

    def __init__(self, kind: str, started: datetime) -> None:
        self.kind, self.started, self.stopped = kind, started, started
        self.times = self.inside = 0

    def enter(self) -> None:
        self.times, self.inside = self.times + 1, self.inside + 1

    def leave(self, moment: datetime) -> None:
        self.inside, self.stopped = self.inside - 1, moment

    def step(self, name: str, run: Run, cause: str) -> Step:
        status: Literal["succeeded", "failed", "running"] = "succeeded"
        failing = run.failed and (name == run.failed_step or (run.failed_step == "" and self.inside > 0))
        if failing:
            status = "failed"
        elif self.inside > 0:
            status = "running" if run.running else "failed"
        stopped = (None if run.running else run.stopped) if self.inside > 0 else self.stopped
        kind: Any = self.kind
        shown = run.outcome if failing and not cause else cause
        return Step(name, kind, status, self.started, stopped, self.times, shown if status == "failed" else "")


def _called(name: str, event: str) -> tuple[str, str] | None:
    """The name and kind of the step that a state belongs to; None for states that do nothing."""
    if found := re.fullmatch(r"Describe (.+)|Wait for (.+)", name):
        return f"Wait for {found[1] or found[2]}", "wait"
    kind = re.sub(r"State(Entered|Exited)$", "", event)
    if name == "Settle":
        return name, "wait"
    return (name, _KINDS[kind]) if kind in _KINDS and name != "Pipeline" else None


def _state_of(event: Mapping[str, Any], by_id: Mapping[int, Mapping[str, Any]]) -> str:
    """The state that an event happened in: the one that was entered before it in its chain."""
    while event and "stateEnteredEventDetails" not in event:
        event = by_id.get(event.get("previousEventId", 0), {})
    name: str = event.get("stateEnteredEventDetails", {}).get("name", "")
    return name


def _in_words(error: str, cause: str) -> str:
    words = in_words(cause)
    return f"{error}: {words}" if error and error not in words else words or error
