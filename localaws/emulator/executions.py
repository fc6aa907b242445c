"""Executions of state machines are on disk at each of their transitions: a journal each, a line of JSON per event.

What a crash cut off has failed with States.Runtime, which nothing catches, as on AWS when its history is full. An
event's delivery that cannot be known to have succeeded is repeated (docs/aws-sources.md#eventbridge-eb-delivery: at
least once): an execution that was cut off is started again where a rule or a schedule has its state machine as target.
"""

import contextvars
import functools
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ministack.core import persistence
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    set_request_account_id,
    set_request_region,
)
from ministack.services import eventbridge, scheduler, stepfunctions

from localaws.files import StateError

logger = logging.getLogger("storecast.emulator")

_FAILURE = "States.Runtime"
_CAUSE = "The embedded AWS stopped while this execution was running: it was ended, or it crashed."


class _Journal:
    """The file of an execution, which grows by what has happened since the last time."""

    def __init__(self, path: Path, written: int = 0, size: int = 0):
        self.path, self.written, self.size = path, written, size
        self.lock = threading.Lock()

    def write(self, execution: dict) -> None:
        """Raises OSError, and leaves the file as it was."""
        with self.lock:
            events = execution["events"][self.written :]
            about = {name: value for name, value in execution.items() if name != "events"}
            ended = execution["status"] != "RUNNING"
            lines = [{"execution": about}] if not self.written or ended else []
            text = "".join(
                json.dumps(line, default=persistence._json_default) + "\n"
                for line in [*lines, *({"event": event} for event in events)]
            ).encode()
            place = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                with open(place, "wb", closefd=False) as file:
                    file.seek(self.size)
                    file.write(text)
                if lines:
                    os.fsync(place)
            except OSError:
                os.ftruncate(place, self.size)
                raise
            finally:
                os.close(place)
            self.size += len(text)
            self.written += len(events)


_journals: dict[str, _Journal] = {}
_behind: set[str] = set()  # executions with events that could not be written


def register() -> None:
    if not persistence.PERSIST_STATE:
        return
    _folder().mkdir(parents=True, exist_ok=True)
    stepfunctions.get_state = _state_without_executions
    stepfunctions._add_event = _journaled(stepfunctions._add_event)
    stepfunctions._start_execution = _durable(stepfunctions._start_execution)


def _folder() -> Path:
    return Path(persistence.STATE_DIR) / "executions"


def _journal(arn: str) -> _Journal:
    name = hashlib.sha256(arn.encode()).hexdigest()[:32]
    return _journals.setdefault(arn, _Journal(_folder() / f"{name}.jsonl"))


def _state_without_executions() -> dict:
    """For ministack's own file; deletes the journals of state machines that are gone."""
    there = {key[-1] for key in list(stepfunctions._executions._data)}
    for arn in [arn for arn in _journals if arn not in there]:
        _journals.pop(arn).path.unlink(missing_ok=True)
    kept = ("state_machines", "tags", "activities", "state_machine_versions", "state_machine_aliases", "map_runs")
    return {name: getattr(stepfunctions, f"_{name}") for name in kept} | {"executions": AccountRegionScopedDict()}


def _journaled(add_event: Callable) -> Callable:
    @functools.wraps(add_event)
    def added(execution: dict, *arguments: Any) -> Any:
        event = add_event(execution, *arguments)
        if not execution.get("sync"):
            _note(execution)
        return event

    return added


def _note(execution: dict) -> None:
    arn = execution["executionArn"]
    try:
        _journal(arn).write(execution)
        _behind.discard(arn)
    except OSError as error:
        _behind.add(arn)
        logger.error("%s was not written: %s", arn, error)
        if execution["status"] == "RUNNING":
            raise stepfunctions._ExecutionError(
                _FAILURE, f"The state of the execution could not be written: {error}"
            ) from None


def _durable(start: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    @functools.wraps(start)
    def started(data: dict) -> tuple:
        answer = start(data)
        if answer[0] != 200:
            return answer
        arn = json.loads(answer[2])["executionArn"]
        try:
            _note(stepfunctions._executions[arn])
        except stepfunctions._ExecutionError as error:
            stepfunctions._executions.pop(arn, None)  # before its thread looks for it
            return error_response_json("ServiceUnavailable", error.cause, 503)
        return answer

    return started


def catch_up() -> None:
    """Writes what could not be written before."""
    for arn in list(_behind):
        execution = next((each for key, each in list(stepfunctions._executions._data.items()) if key[-1] == arn), None)
        if execution is None:
            _behind.discard(arn)
        else:
            _note(execution)


# --- after a start ----------------------------------------------------------------------------------------------------


def load() -> Callable[[], None]:
    """Brings the executions back. Raises StateError for a journal that is damaged.

    What it answers is to be called once requests are served: it says of each execution that was cut off that it has
    failed, and starts it again where its state machine is a target.
    """
    if not persistence.PERSIST_STATE:
        return lambda: None
    for path in _folder().glob("*.jsonl"):
        execution, journal = _read(path)
        if execution is None:
            path.unlink()
            continue
        arn = execution["executionArn"]
        _, _, _, region, account = arn.split(":")[:5]
        stepfunctions._executions._data[account, region, arn] = execution
        _journals[arn] = journal
    for arn, execution in [(key[-1], each) for key, each in stepfunctions._executions._data.items()]:
        if arn not in _journals:  # ministack's file had it
            _note(execution)
    cut_off = [each for each in stepfunctions._executions._data.values() if each["status"] == "RUNNING"]
    for execution in cut_off:
        stop = stepfunctions.now_iso()
        execution |= {"status": "FAILED", "error": _FAILURE, "cause": _CAUSE, "stopDate": stop}
    return functools.partial(_conclude, cut_off)


def _read(path: Path) -> tuple[dict | None, _Journal]:
    """A crash may have cut the last line; what came before it counts."""
    body = path.read_bytes()
    size = body.rfind(b"\n") + 1
    execution: dict | None = None
    events: list[dict] = []
    for number, line in enumerate(body[:size].splitlines(), 1):
        try:
            entry = json.loads(line)
            if "execution" in entry:
                execution = (execution or {}) | entry["execution"]
            else:
                events.append(entry["event"])
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{path}, line {number}, the journal of an execution, is damaged: {error}. Next: restore the file from "
                "a backup, or delete it: the execution is forgotten then."
            ) from None
    if execution is not None:
        execution["events"] = events
    return execution, _Journal(path, len(events), size)


def _conclude(cut_off: list[dict]) -> None:
    again = []
    for execution in cut_off:
        contextvars.copy_context().run(_fail, execution)
        if execution["stateMachineArn"] in set(_targets()):
            again.append(execution)
    for execution in again:
        contextvars.copy_context().run(_start_again, execution)


def _scope(arn: str) -> None:
    set_request_account_id(arn.split(":")[4])
    set_request_region(arn.split(":")[3])


def _fail(execution: dict) -> None:
    """The event goes out before the journal says that it has: once, unless a second crash comes between the two."""
    _scope(execution["executionArn"])
    details = {"executionFailedEventDetails": {"error": _FAILURE, "cause": _CAUSE}}
    stepfunctions._emit_execution_status_event(execution)
    stepfunctions._add_event(execution, "ExecutionFailed", details)


def _targets() -> Iterator[str]:
    """The ARNs that rules and schedules which are on have as targets."""
    for schedule in list(scheduler._schedules._data.values()):
        if schedule.get("State") == "ENABLED":
            yield (schedule.get("Target") or {}).get("Arn", "")
    for targets in list(eventbridge._targets._data.values()):
        yield from (each.get("Arn", "") for each in targets)


def _start_again(execution: dict) -> None:
    arn = execution["stateMachineArn"]
    _scope(arn)
    if stepfunctions._start_execution({"stateMachineArn": arn, "input": execution["input"]})[0] == 200:
        logger.warning("%s was cut off; its state machine was started again", execution["executionArn"])
