"""The embedded AWS inside this process, under a clock of its own.

State machines, steps, services and their jobs are the real ones. What is replaced is what costs time: HTTP and TLS
between client and server, the processes of Lambda functions and jobs, threads, and waiting.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.useragent import UserAgentString
from jsonata.parser import Parser
from jsonata.timebox import Timebox

from localaws.faults import Fault, Switch
from localaws.jobs import Jobs
from localaws.services.glue.api import job_runs
from localaws.services.glue.resource_types import TYPES as GLUE
from localaws.settings import prepare, server_environment
from tests.faults.calls import at_once, bring_inside
from tests.faults.clock import Clock
from tests.faults.job import run_by_hand

LAMBDAS = Path(__file__).resolve().parents[2] / "lambdas"
LONGEST_JOB = 15  # seconds


KILLED = "Killed"  # a fault's error: the process ends before the call


class Crash(BaseException):
    """The embedded AWS's process is killed."""


class Counting(Switch):
    """Counts the faults that were met; while `calm`, there are none.

    `place` is the state or the job that calls: a rule that contains `within(place)` holds there alone. Every call is
    noted in `calls`, with its place, while that is a set.
    """

    def __init__(self, path: Path):
        super().__init__(path)
        self.met: Counter[Fault] = Counter()
        self.calm = False
        self.place = ""
        self.calls: set[tuple[str, str]] | None = None

    @property
    def on(self) -> bool:
        return not self.calm and (self.calls is not None or super().on)

    def hits(self, operation: str, text: str = "") -> list[Fault]:
        if self.calls is not None and self.place:
            self.calls.add((self.place, operation))
        found = super().hits(operation, within(self.place) + text)
        self.met.update(found)
        if any(fault.error == KILLED for fault in found):
            raise Crash
        return found

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        before, self.place = self.place, place
        try:
            yield
        finally:
            self.place = before


def within(place: str) -> str:
    return f"<{place}>"


class JobsInside(Jobs):
    """Each job is done at one go, some seconds after it was asked for; `lasting` says how many, by kind as in ARNs."""

    def __init__(self, store: Any, services: list, switch: Counting, clock: Clock):
        super().__init__(store, [*(each.types for each in services), GLUE], slots=1, switch=switch)
        self.switch, self.clock, self.chance = switch, clock, random.Random(0)
        self.lasting: dict[str, float] = {}

    def submit(
        self,
        arn: str,
        function: Any,
        arguments: Any,
        access: Any = None,
        then: Any = lambda result: None,
        mark: Any = None,
    ) -> None:
        kind, seconds = arn.split(":")[5].partition("/")[0], self.chance.uniform(0, LONGEST_JOB)
        given = (arn, function, arguments, access, then, mark or partial(self._mark, arn))
        self.clock.at(self.lasting.get(kind, seconds), partial(self._run_at, f"job {kind}", *given))

    def _run_at(self, place: str, *given: Any) -> None:
        with self.switch.at(place):
            self._run(*given)

    def later(self, function: Callable[..., object], *arguments: Any, step: int = 1, seconds: float = 0.0) -> None:
        self.clock.at(seconds or step, partial(self._quietly, function, *arguments))

    def _in_process(self, arn: str, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)


class Inside:
    """One embedded AWS; this process's AWS clients talk to it. A Lambda function's ARN is its handler's module.

    `entering` is called with each execution and the state that it enters. `together` are pairs of executions that
    worked at the same time, from Plan on.
    """

    def __init__(self, folder: Path):
        self.entering: Callable[[dict[str, Any], str], None] = lambda execution, state: None
        self.together: list[tuple[str, str]] = []
        self._planned: set[str] = set()
        self.clock = clock = Clock()
        self.settings = prepare(folder)
        alone = {"AUTH": "false", "PERSIST_STATE": "0", "S3_PERSIST": "0"}
        os.environ.update(server_environment(self.settings) | alone)
        # ministack reads the environment when it is imported.
        import ministack.app as ministack
        from ministack.services import glue, s3, stepfunctions

        import localaws.s3
        from localaws import emulator, operations, resources
        from localaws.emulator.faults import around
        from localaws.services.forecast import service as forecast
        from localaws.services.personalize import service as personalize

        self.states = stepfunctions
        self.store, self.switch = resources.Store(folder), Counting(self.settings.faults)
        services = [forecast.REGISTRATION, personalize.REGISTRATION]
        self.jobs = JobsInside(self.store, services, self.switch, clock)
        _replace(ministack, call_service_handler_sync=lambda handler, *call: at_once(handler(*call)))
        for module in (resources, operations):
            _replace(module, time=SimpleNamespace(time=clock.time))
        _replace(s3, now_iso=clock.iso)
        _replace(
            stepfunctions,
            now_iso=clock.iso,
            time=SimpleNamespace(sleep=lambda seconds: None, time=clock.time),
            _scaled_sleep=clock.sleep,
            threading=SimpleNamespace(**vars(threading) | {"Thread": self._thread}),
            ThreadPoolExecutor=_AtOnce,
            _call_lambda=self._invoke,
            _resolve_lambda_function_ref=lambda name, optimized: name,
        )
        _replace(Timebox, current_milli_time=staticmethod(lambda: int(1000 * clock.time())))
        _replace(glue, run_reentrant=_here)
        # What would be built again and again for the same thing: parsed expressions, clients, a line of text.
        _replace(Parser, parse=cache(Parser.parse))
        s3_client = boto3.client("s3")
        _replace(localaws.s3, client=lambda access, service="s3": s3_client)
        _replace(UserAgentString, to_string=lambda agent: "faults")
        _replace(emulator.glue, time=SimpleNamespace(sleep=clock.sleep))
        _replace(
            job_runs,
            time=SimpleNamespace(time=clock.time),
            threading=SimpleNamespace(Timer=self._timer),
            run_script=run_by_hand,
        )
        emulator.register(services, self.settings, self.store, self.jobs, self.switch)
        _replace(
            stepfunctions,
            _execute_task=self._placed(stepfunctions._execute_task),
            _add_event=self._entered(stepfunctions._add_event),
        )
        bring_inside(around(ministack.app, self.switch), clock.sleep)
        sys.path.insert(0, str(LAMBDAS))

    def restart(self) -> None:
        """As after the process was killed and started again."""
        self.clock.forget()
        self.states._restore_state(self.states.get_state())
        self.jobs.recover()

    def forget_everything(self) -> None:
        """All resources of Forecast and Personalize and all executions are gone."""
        for resource in self.store.everything():
            self.store.remove(resource.arn)
        self.forget_executions()

    def forget_executions(self) -> None:
        self.together.clear()
        self._planned.clear()  # names of executions come again
        for arn in list(self.states._executions):
            del self.states._executions[arn]

    def _placed(self, execute_task: Callable) -> Callable:
        def execute(state: dict, given: Any, execution: dict, context: dict) -> Any:
            with self.switch.at(context["State"]["Name"]):
                return execute_task(state, given, execution, context)

        return execute

    def _entered(self, add_event: Callable) -> Callable:
        def add(execution: dict, kind: str, *details: Any) -> Any:
            event = add_event(execution, kind, *details)
            if state := kind.endswith("StateEntered") and details[0]["stateEnteredEventDetails"]["name"]:
                if state == "Plan":
                    self._plans(execution["executionArn"])
                self.entering(execution, state)
            return event

        return add

    def _plans(self, arn: str) -> None:
        others = [each for key, each in self.states._executions.items() if key in self._planned and key != arn]
        self.together += [(each["executionArn"], arn) for each in others if each["status"] == "RUNNING"]
        self._planned.add(arn)

    def _thread(self, target: Callable[..., Any], args: tuple, daemon: bool = True) -> SimpleNamespace:
        """An execution begins in a moment; a branch runs at once."""
        if self.states._run_execution in args:
            return SimpleNamespace(start=lambda: self.clock.at(0.1, partial(target, *args)))
        return SimpleNamespace(start=lambda: target(*args), join=lambda: None)

    def _timer(self, seconds: float, function: Callable[..., Any], args: tuple) -> SimpleNamespace:
        return SimpleNamespace(start=lambda: self.clock.at(seconds, partial(function, *args)))

    def _invoke(self, module: str, event: Any) -> Any:
        handler = importlib.import_module(module).handler
        try:
            return json.loads(json.dumps(handler(json.loads(json.dumps(event)), None)))
        except Exception as error:
            kind = type(error).__name__
            told = {"errorType": kind, "errorMessage": str(error)}
            raise self.states._ExecutionError(kind, json.dumps(told)) from error


def _replace(owner: Any, **values: Any) -> None:
    """Attributes of a module or class. Raises AttributeError for one that the owner lacks: it was renamed there."""
    for name, value in values.items():
        getattr(owner, name)
        setattr(owner, name, value)


async def _here(function: Callable[..., Any], *arguments: Any, thread_name: str) -> Any:
    """In place of a thread."""
    return function(*arguments)


class _AtOnce:
    """In place of a pool of threads: what is submitted runs at once."""

    def __init__(self, max_workers: int) -> None: ...

    def __enter__(self) -> _AtOnce:
        return self

    def __exit__(self, *_: Any) -> None: ...

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        done: Future = Future()
        done.set_result(function(*arguments))
        return done
