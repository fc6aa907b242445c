"""The long work: each job in a process of its own, a few at a time, so that the API stays quick while models train.

A job is a resource that goes through pending -> in progress -> active or failed with a reason. A job that a crash or a
restart cut off ends failed too, never in limbo.
"""

import contextvars
import functools
import importlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from localaws.errors import JobFailed, ServiceError
from localaws.faults import Switch
from localaws.resources import Resource, Store

logger = logging.getLogger("storecast.jobs")


@dataclass(frozen=True)
class States:
    """The names of a job's states; services spell them differently."""

    pending: str
    in_progress: str
    done: str
    failed: str


FORECAST = States("CREATE_PENDING", "CREATE_IN_PROGRESS", "ACTIVE", "CREATE_FAILED")
PERSONALIZE = States("CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE", "CREATE FAILED")
BATCH_INFERENCE = States("PENDING", "IN PROGRESS", "ACTIVE", "CREATE FAILED")  # API_BatchInferenceJob.md
_STATES = {"forecast": FORECAST, "personalize": PERSONALIZE, "BatchInferenceJob": BATCH_INFERENCE}
# What a change of state without work of its own comes to: a recommender's or a monitor's stop and start.
_SETTLES_AS = {
    "CREATE_STOPPING": "CREATE_STOPPED",
    "CREATE STOPPING": "CREATE STOPPED",
    "ACTIVE_STOPPING": "ACTIVE_STOPPED",
    "UPDATE_IN_PROGRESS": "ACTIVE",
    "STOP PENDING": "INACTIVE",
    "STOP IN_PROGRESS": "INACTIVE",
    "START PENDING": "ACTIVE",
    "START IN_PROGRESS": "ACTIVE",
}
_UPDATES = ("latestRecommenderUpdate", "latestCampaignUpdate", "latestSolutionUpdate")
_STOPPED = ("CREATE_STOPPING", "CREATE_STOPPED", "CREATE STOPPING", "CREATE STOPPED")
_DELETING = ("DELETE_PENDING", "DELETE_IN_PROGRESS", "DELETE PENDING", "DELETE IN_PROGRESS", "Deleting")

# forkserver: workers start in milliseconds, with the engines imported, and without the threads of the API's process.
_CONTEXT = multiprocessing.get_context("forkserver")


class Jobs:
    def __init__(
        self, store: Store, slots: int | None = None, preload: tuple[str, ...] = (), switch: Switch | None = None
    ):
        self._store = store
        self._switch = switch
        self._threads = ThreadPoolExecutor(slots or os.cpu_count(), thread_name_prefix="job")
        # One thread: the states that a resource goes through come in the order in which they were asked for.
        self._light = ThreadPoolExecutor(1, thread_name_prefix="light-job")
        self._running: dict[str, multiprocessing.Process] = {}
        self._lock = threading.Lock()
        self._stopping = False
        _CONTEXT.set_forkserver_preload(list(preload))
        if preload:
            self._threads.submit(self._warm_up)

    def submit(
        self,
        arn: str,
        function: str,
        arguments: dict[str, Any],
        then: Callable[[dict], None] = lambda result: None,
        mark: Callable[..., None] | None = None,
    ) -> None:
        """Runs `function` ("module:name") with keyword `arguments` in a process; what it returns joins the record.

        An argument that is callable is called when the job starts (a role is assumed then: a role that may not be
        assumed fails the job). The function answers {"record": {...}, "private": {...}, "notes": "..."}; the notes go
        to the log, as a service says nothing about a job that succeeded. `then` runs in the API's process before the
        resource becomes active. `mark(status, message)` notes each state, by default as the
        resource's own status.
        """
        work = (self._run, arn, function, arguments, then, mark or functools.partial(self._mark, arn))
        self._threads.submit(contextvars.copy_context().run, *work)

    def later(self, function: Callable[..., object], *arguments: Any) -> None:
        """Light work that an API call should not wait for (deletions, empty resources)."""
        self._light.submit(contextvars.copy_context().run, self._quietly, function, *arguments)

    def stop(self, arn: str) -> bool:
        """Ends a running job's process; its resource is the caller's to mark. False when it does not run."""
        with self._lock:
            process = self._running.pop(arn, None)
        if process:
            process.terminate()
        return process is not None

    def close(self) -> None:
        self._stopping = True
        for arn in list(self._running):
            self.stop(arn)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._light.shutdown(wait=False, cancel_futures=True)

    def recover(self) -> None:
        """After a start: what was under way when the last process ended has failed, and deletions are finished."""
        message = "The embedded AWS stopped before this job had finished. Create it again under a new name."
        for resource in self._store.everything():
            states = _states_of(resource)
            if resource.status in _DELETING:
                self._store.remove(resource.arn)
            elif resource.status in _SETTLES_AS:
                self._store.update(resource.arn, _SETTLES_AS[resource.status])
            elif states and resource.status in (states.pending, states.in_progress):
                self._mark(resource.arn, states.failed, message)
            for member in _UPDATES:
                update = resource.record.get(member, {})
                if states and update.get("status") in (states.pending, states.in_progress):
                    ended = update | {"status": states.failed, "failureReason": message}
                    self._store.update(resource.arn, **{member: ended})

    def _run(
        self,
        arn: str,
        function: str,
        arguments: dict,
        then: Callable[[dict], None],
        mark: Callable[..., None],
    ) -> None:
        resource = self._store.find(arn)
        if _over(resource):
            return
        states = _states_of(resource)
        mark(states.in_progress)
        try:
            self._meet_faults(resource)
            if _over(self._store.find(arn)):
                return
            called = {name: value() if callable(value) else value for name, value in arguments.items()}
            result = self._in_process(arn, function, called)
            then(result)
            self._store.update(arn, private=result.get("private"), **result.get("record", {}))
            if result.get("notes"):
                logger.warning("%s: %s", arn, result["notes"])
            mark(states.done)
        except (JobFailed, ServiceError) as error:
            if not self._stopping:
                mark(states.failed, str(error))
        except Exception:
            logger.exception("job %s of %s", function, arn)
            mark(states.failed, "An internal error occurred; the log of the embedded AWS tells more.")

    def _meet_faults(self, resource: Resource) -> None:
        for fault in self._switch.hits(f"job:{resource.service}:{resource.kind}", resource.arn) if self._switch else ():
            until = time.monotonic() + fault.delay
            while time.monotonic() < until and not self._stopping and not _over(self._store.find(resource.arn)):
                time.sleep(0.05)
            if fault.error:
                raise JobFailed(fault.message)

    def _in_process(self, arn: str, function: str, arguments: dict) -> dict:
        receiver, sender = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=_work, args=(sender, function, arguments), name=arn)
        process.start()
        with self._lock:
            self._running[arn] = process
        sender.close()
        try:
            kind, value = receiver.recv()
        except EOFError:
            process.join()
            raise JobFailed(f"The job's process ended unexpectedly ({_how_it_ended(process.exitcode)}).") from None
        finally:
            with self._lock:
                self._running.pop(arn, None)
        process.join()
        if kind == "failed":
            raise JobFailed(value)
        if kind == "error":
            raise RuntimeError(value)
        return value

    def _mark(self, arn: str, status: str, message: str | None = None) -> None:
        resource = self._store.find(arn)
        if resource is not None and resource.status not in _STOPPED:
            self._store.update(arn, status, **({_message_member(arn): message} if message else {}))

    def _quietly(self, function: Callable[..., object], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception:
            logger.exception("light job %s%r", function, arguments)

    def _warm_up(self) -> None:
        process = _CONTEXT.Process(target=_nothing)
        process.start()
        process.join()


def _over(resource: Resource | None) -> bool:
    """Whether somebody has stopped or deleted the job."""
    return resource is None or resource.status in (*_DELETING, *_STOPPED)


def _states_of(resource: Resource) -> States | None:
    """A kind's own states, else its service's; None for kinds without jobs."""
    return _STATES.get(resource.kind) or _STATES.get(resource.service)


def _message_member(arn: str) -> str:
    return "Message" if arn.split(":")[2] == "forecast" else "failureReason"


def _how_it_ended(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"signal {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"


def _nothing() -> None:
    """What the first process does: bring the fork server up with the engines imported."""


def _end_with_the_api() -> None:
    """A job whose API process has crashed would work on for nobody."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _work(sender, function: str, arguments: dict) -> None:
    threading.Thread(target=_end_with_the_api, daemon=True).start()
    module, _, name = function.partition(":")
    try:
        sender.send(("done", getattr(importlib.import_module(module), name)(**arguments)))
    except JobFailed as error:
        sender.send(("failed", str(error)))
    except Exception as error:
        logger.exception("%s", function)
        sender.send(("error", f"{type(error).__name__}: {error}"))
