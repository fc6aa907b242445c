"""Jobs: each in its own process, a few at a time, so that the API stays quick while models train.

A job is a resource that goes through pending -> in progress -> active or failed with a reason. A job that a crash or a
restart cut off ends failed too, never in limbo.
"""

import contextlib
import contextvars
import functools
import heapq
import itertools
import logging
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Concatenate, TypeVar

from localaws.errors import JobFailed, ServiceError
from localaws.faults import Switch
from localaws.resource_types import ResourceType, ResourceTypes
from localaws.resources import CannotStore, Resource, Store
from localaws.s3 import Access

logger = logging.getLogger("storecast.jobs")


# forkserver: workers start in milliseconds, with the engines imported, and without the threads of the API's process.
_CONTEXT = multiprocessing.get_context("forkserver")


SETTLING_SECONDS = 0.05  # on AWS it is seconds to minutes

A = TypeVar("A")
_Due = tuple[float, int, Callable[[], None]]  # when in monotonic seconds, the how manieth, what
_RETRY_SECONDS = 1
_START_SECONDS = 0.2
_REPORT_SECONDS = 1.0
_ESTIMATE = "EstimatedTimeRemainingInMinutes"  # as Forecast's API calls it; Personalize's has none
_sender: Connection | None = None  # in the process of a job: the way to the server
_reported = 0.0


@dataclass
class Result:
    """What a job found: members that join the resource's record, and what no API shows."""

    record: dict[str, Any] = field(default_factory=dict)
    private: dict[str, Any] = field(default_factory=dict)
    notes: str = ""  # for the log: a service says nothing about a job that succeeded


class Jobs:
    """Runs the jobs of the resources whose types are in `tables`.

    A job is a function at the top of a module and a dataclass of its arguments. multiprocessing sends the function by
    its name. The modules of jobs cost the API's process nothing: the engines import what takes seconds (numba,
    statsforecast, torch) when they first need it, and the fork server has imported that already.
    """

    def __init__(
        self,
        store: Store,
        tables: Iterable[ResourceTypes],
        slots: int | None = None,
        preload: tuple[str, ...] = (),
        switch: Switch | None = None,
    ):
        self._store = store
        self._tables = {each.service: each for each in tables}
        self._switch = switch
        self._threads = ThreadPoolExecutor(slots or os.cpu_count(), thread_name_prefix="job")
        # What is due first comes first, in one thread: the states that a resource goes through keep their order.
        self._light: list[_Due] = []
        self._numbers = itertools.count()
        self._more_light = threading.Condition()
        self._light_thread = threading.Thread(target=self._do_light, name="light-job", daemon=True)
        self._running: dict[str, BaseProcess] = {}
        self._lock = threading.Lock()
        self._stopping = False
        self._closed = threading.Event()
        _CONTEXT.set_forkserver_preload(list(preload))
        if preload:
            self._threads.submit(self._warm_up)

    def submit(
        self,
        arn: str,
        function: Callable[Concatenate[A, ...], Result],
        arguments: A,
        access: Callable[[], Access] | None = None,
        then: Callable[[Result], None] = lambda result: None,
        mark: Callable[..., None] | None = None,
    ) -> None:
        """Runs `function(arguments)` in a process; its Result joins the resource.

        `access` is called when the job starts, and its answer is the function's second argument: a role that may not
        be assumed fails the job, not the call. `then` runs in the API's process before the resource becomes active.
        `mark(status, message)` notes each state, by default as the resource's own status.
        """
        run = functools.partial(
            self._run, arn, function, arguments, access, then, mark or functools.partial(self._mark, arn)
        )
        self._threads.submit(contextvars.copy_context().run, run)

    def later(self, function: Callable[..., object], *arguments: Any, step: int = 1, seconds: float = 0.0) -> None:
        """Runs what an API call should not wait for and needs no process (deletions, empty resources).

        `step` counts the states that the call leads to: each one can be seen for SETTLING_SECONDS, so that a caller
        that does not wait for it meets it here as on AWS. `seconds` is for a state that lasts longer.
        """
        due = time.monotonic() + (seconds or step * SETTLING_SECONDS)
        run = functools.partial(contextvars.copy_context().run, self._quietly, function, *arguments)
        with self._more_light:
            if not self._light_thread.is_alive() and not self._closed.is_set():
                self._light_thread.start()
            entry: _Due = (due, next(self._numbers), run)
            heapq.heappush(self._light, entry)
            self._more_light.notify()

    def _do_light(self) -> None:
        while not self._closed.is_set():
            with self._more_light:
                wait = self._light[0][0] - time.monotonic() if self._light else None
                if wait is None or wait > 0:
                    self._more_light.wait(wait)
                    continue
                _, _, run = heapq.heappop(self._light)
            run()

    def every(self, seconds: float, function: Callable[..., object], *arguments: Any) -> None:
        """Runs what is to happen by the clock again and again, until the jobs are closed."""

        def run() -> None:
            while not self._closed.wait(seconds):
                self._quietly(function, *arguments)

        threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()

    def stop(self, arn: str) -> bool:
        """Ends a running job's process; its resource is the caller's to mark. False when it does not run."""
        with self._lock:
            process = self._running.pop(arn, None)
        if process:
            process.terminate()
        return process is not None

    def close(self) -> None:
        self._stopping = True
        self._closed.set()
        for arn in list(self._running):
            self.stop(arn)
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._more_light:
            self._more_light.notify()

    def recover(self) -> None:
        """After a start: what was under way when the last process ended has failed, and deletions are finished."""
        message = "The embedded AWS stopped before this job had finished. Create it again under a new name."
        for resource in self._store.everything():
            resource_type, members = self._type_of(resource), self._tables[resource.service].members
            states, status = resource_type.states, resource.status
            if status and status == states.deleting:
                self._store.remove(resource.arn)
                continue
            if status and status == states.stopping:
                self._store.update(resource.arn, states.stopped)
            elif status in states.settles:
                self._store.update(resource.arn, states.settles[status])
            elif states.busy(status):
                self._mark(resource.arn, states.failed, message)
            update = resource.record.get(resource_type.update, {})
            if states.busy(update.get(members.status, "")):
                ended = update | {members.status: states.failed, members.failure: message}
                self._store.update(resource.arn, **{resource_type.update: ended})

    def _type_of(self, resource: Resource) -> ResourceType:
        return self._tables[resource.service].types[resource.type]

    def _run(
        self,
        arn: str,
        function: Callable[..., Result],
        arguments: object,
        access: Callable[[], Access] | None,
        then: Callable[[Result], None],
        mark: Callable[..., None],
    ) -> None:
        resource = self._store.find(arn)
        if resource is None or self._over(arn):
            return
        states = self._type_of(resource).states
        try:
            mark(states.in_progress)
            self._meet_faults(resource)
            if self._over(arn):
                return
            result = self._in_process(arn, function, arguments, *([access()] if access else []))
            then(result)
            self._type_of(resource).check_private(result.private)
            self._store.update(arn, private=result.private, **result.record)
            if result.notes:
                logger.warning("%s: %s", arn, result.notes)
            mark(states.done)
        except (JobFailed, ServiceError, OSError) as error:
            if not self._stopping:
                self._stored(mark, states.failed, _cause(error))
        except Exception:
            logger.exception("job %s of %s", function.__qualname__, arn)
            self._stored(mark, states.failed, "An internal error occurred; see the log of the embedded AWS.")

    def _meet_faults(self, resource: Resource) -> None:
        for fault in self._switch.hits(f"job:{resource.service}:{resource.type}", resource.arn) if self._switch else ():
            until = time.monotonic() + fault.delay
            while time.monotonic() < until and not self._stopping and not self._over(resource.arn):
                time.sleep(0.05)
            if fault.error:
                raise JobFailed(fault.message)

    def _in_process(self, arn: str, function: Callable[..., Result], *arguments: object) -> Result:
        receiver, sender = _CONTEXT.Pipe(duplex=False)
        process = _started(arn, sender, function, *arguments)
        with self._lock:
            self._running[arn] = process
        if self._over(arn):  # stopped or deleted before there was a process to end
            self.stop(arn)
        sender.close()
        begun = time.monotonic()
        try:
            kind, value = receiver.recv()
            while kind == "progress":
                self._note_progress(arn, time.monotonic() - begun, *value)
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

    def _note_progress(self, arn: str, seconds: float, share: float, what: str) -> None:
        """The log says how far the job is, and so does Describe where the service's API has an estimate."""
        minutes = math.ceil(seconds * (1 - share) / share / 60)
        logger.warning("%s: %.0f%% (%s), about %d min remaining", arn, 100 * share, what, minutes)
        with contextlib.suppress(ServiceError):  # deleted meanwhile; or the disk is full, which its end will say
            noted: dict[str, Any] = {_ESTIMATE: minutes}
            self._store.update(arn, **noted)

    def _mark(self, arn: str, status: str, message: str | None = None) -> None:
        resource = self._store.find(arn)
        if resource is not None and not self._stopped(resource):
            failure = self._tables[resource.service].members.failure
            reason: dict[str, Any] = {failure: message} if message else {}
            if _ESTIMATE in resource.record and not self._type_of(resource).states.busy(status):
                reason[_ESTIMATE] = None
            write = self._store.insist if status == self._type_of(resource).states.failed else self._store.update
            write(arn, status, **reason)

    def _stopped(self, resource: Resource) -> bool:
        states = self._type_of(resource).states
        return bool(resource.status) and resource.status in (states.stopping, states.stopped)

    def _over(self, arn: str) -> bool:
        """Whether a customer has stopped or deleted the job."""
        resource = self._store.find(arn)
        return resource is None or self._type_of(resource).states.over(resource.status)

    def _quietly(self, function: Callable[..., object], *arguments: Any) -> None:
        try:
            self._stored(function, *arguments)
        except Exception:
            logger.exception("light job %s%r", function, arguments)

    def _stored(self, function: Callable[..., object], *arguments: Any) -> None:
        """Calls a function again and again while the disk takes nothing more."""
        while not self._stopping:
            try:
                function(*arguments)
                return
            except CannotStore as error:
                logger.error("%s%r waits: %s", function, arguments, error)
                time.sleep(_RETRY_SECONDS)

    def _warm_up(self) -> None:
        process = _CONTEXT.Process(target=_nothing)
        process.start()
        process.join()


def report(share: float, what: str) -> None:
    """Called by a job: how much of it is done, and what was done last. Not more often than every few seconds counts."""
    global _reported
    if _sender is not None and 0 < share < 1 and time.monotonic() - _reported > _REPORT_SECONDS:
        _reported = time.monotonic()
        _sender.send(("progress", (share, what)))


def _cause(error: Exception) -> str:
    """Of a failure, for its resource to show; an OSError is of this machine, most of all of its disk."""
    return f"The embedded AWS could not read or write a file: {error}" if isinstance(error, OSError) else str(error)


def _started(name: str, *arguments: object) -> BaseProcess:
    """The process of a job. multiprocessing starts another fork server when it finds that the last one has ended, and
    may find out by the first attempt."""
    for last in (False, False, True):
        process = _CONTEXT.Process(target=_work, args=arguments, name=name)
        try:
            process.start()
            return process
        except (EOFError, OSError):
            if last:
                raise
            time.sleep(_START_SECONDS)
    raise AssertionError("unreachable")


def _how_it_ended(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"signal {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"


def _nothing() -> None:
    """What the first process does: bring the fork server up with the engines imported."""


def _end_with_the_api() -> None:
    """A job whose API process has crashed would run on for nobody."""
    if api := multiprocessing.parent_process():
        api.join()
    os._exit(1)


def _work(sender: Connection, function: Callable[..., Result], *arguments: object) -> None:
    global _sender
    _sender = sender
    threading.Thread(target=_end_with_the_api, daemon=True).start()
    try:
        sender.send(("done", function(*arguments)))
    except (JobFailed, ServiceError, OSError) as error:
        sender.send(("failed", _cause(error)))
    except Exception as error:
        logger.exception("%s", function.__qualname__)
        sender.send(("error", f"{type(error).__name__}: {error}"))
