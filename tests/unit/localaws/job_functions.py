"""What the jobs of test_jobs.py run, in a module of its own: their processes import it, and need not import pytest."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from localaws.errors import JobFailed
from localaws.jobs import Result, report


@dataclass(frozen=True)
class Nothing:
    pass


@dataclass(frozen=True)
class Reason:
    reason: str


@dataclass(frozen=True)
class Value:
    value: int = 0


@dataclass(frozen=True)
class Started:
    started: Path


def succeed(job: Value, access: int = 0) -> Result:
    return Result({"Value": job.value + access}, {"evaluation": os.getpid()})


def succeed_openly(job: Value, access: int = 0) -> Result:
    return Result({"Value": job.value + access})


def keep_more(job: Value) -> Result:
    return Result(private={"undeclared": job.value})


def fail(job: Reason) -> Result:
    raise JobFailed(job.reason)


def blunder(job: Nothing) -> Result:
    raise KeyError("not for the caller's eyes")


def die(job: Nothing) -> Result:
    os.kill(os.getpid(), signal.SIGKILL)
    return Result()


def leave(job: Nothing) -> Result:
    os._exit(3)


def linger(job: Started, access: object = None) -> Result:
    partial = job.started.with_suffix(".partial")
    partial.write_text(str(os.getpid()))
    partial.rename(job.started)
    time.sleep(600)
    return Result()


def half_done(job: Started) -> Result:
    """Reports that it is at a quarter, and goes on when the file is there."""
    time.sleep(1.1)
    report(0.25, "ETS fitted")
    while not job.started.exists():
        time.sleep(0.01)
    return Result()
