"""What the states of a job run become, and where its logs go."""

from pathlib import Path
from typing import Any

import pytest

from localaws.jobs import Jobs
from localaws.resources import Store
from localaws.services.glue.api import job_runs
from localaws.services.glue.resource_types import RUN, TYPES

ARN = "arn:aws:glue:us-east-1:000000000000:jobRun/job/jr_1"


class Stopped:
    """Jobs of which one was stopped."""

    def __init__(self) -> None:
        self.arns: list[str] = []

    def stop(self, arn: str) -> bool:
        self.arns.append(arn)
        return True


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    store.add(ARN, RUN, "jr_1", "STARTING", {"JobName": "job", "Id": "jr_1"})
    return store


def test_a_run_that_times_out_ends_so_whatever_its_process_says_then(store: Store) -> None:
    jobs: Any = Stopped()
    store.update(ARN, "RUNNING")
    job_runs._time_out(store, jobs, ARN, 120)
    job_runs._mark(store, jobs, ARN, 120, "FAILED", "The job's process ended unexpectedly (signal SIGTERM).")
    run = job_runs.shown(store.get(ARN))
    assert (run["JobRunState"], run["ErrorMessage"]) == ("TIMEOUT", "Job timed out after 2 minutes")
    assert jobs.arns == [ARN] and run["CompletedOn"] >= run["StartedOn"]


def test_a_run_begins_its_timeout_when_it_runs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple] = []

    class Timer:
        def __init__(self, seconds: float, function: Any, arguments: tuple) -> None:
            self.made = (seconds, function, arguments)

        def start(self) -> None:
            assert self.daemon  # type: ignore[attr-defined]
            made.append(self.made)

    monkeypatch.setattr(job_runs.threading, "Timer", Timer)
    jobs: Any = Stopped()
    job_runs._mark(store, jobs, ARN, 60, "RUNNING")
    assert made == [(60, job_runs._time_out, (store, jobs, ARN, 60))]
    job_runs._mark(store, jobs, ARN, 60, "SUCCEEDED")
    job_runs._time_out(store, jobs, ARN, 60)
    assert store.get(ARN).status == "SUCCEEDED" and jobs.arns == []


def test_a_run_that_is_being_stopped_does_not_fail(store: Store) -> None:
    jobs: Any = Stopped()
    store.update(ARN, "STOPPING")
    job_runs._mark(store, jobs, ARN, 60, "FAILED", "The job's process ended unexpectedly (signal SIGTERM).")
    assert store.get(ARN).status == "STOPPING"


def test_after_a_restart_what_ran_has_failed_and_what_was_stopping_has_stopped(store: Store) -> None:
    other = ARN.replace("jr_1", "jr_2")
    store.add(other, RUN, "jr_2", "STOPPING", {"JobName": "job", "Id": "jr_2"})
    store.update(ARN, "RUNNING")
    jobs = Jobs(store, [TYPES])
    jobs.recover()
    jobs.close()
    ended = job_runs.shown(store.get(ARN))
    assert ended["JobRunState"] == "FAILED" and "stopped before this job had finished" in ended["ErrorMessage"]
    assert ended["CompletedOn"] >= ended["StartedOn"] and ended["ExecutionTime"] == 0
    assert store.get(other).status == "STOPPED"


@pytest.mark.parametrize(
    ("arguments", "security", "groups"),
    [
        ({}, None, ("/aws-glue/jobs/output", "/aws-glue/jobs/error", None)),
        ({}, "locked", ("/aws-glue/jobs-me-locked/output", "/aws-glue/jobs-me-locked/error", None)),
        (
            {"--enable-continuous-cloudwatch-log": "true"},
            "locked",
            (
                "/aws-glue/jobs-me-locked/output",
                "/aws-glue/jobs-me-locked/error",
                "/aws-glue/jobs/logs-v2-locked",
            ),
        ),
        (
            {"--enable-continuous-cloudwatch-log": "true", "--continuous-log-logGroup": "/ours"},
            None,
            ("/aws-glue/jobs/output", "/aws-glue/jobs/error", "/ours"),
        ),
        ({"--custom-logGroup-prefix": "/ours"}, None, ("/ours/output", "/ours/error", None)),
        ({"--custom-logGroup-prefix": "/ours"}, "locked", ("/ours/output", "/ours/error", None)),
        ({"--continuous-log-logGroup": "/ours"}, None, ("/aws-glue/jobs/output", "/aws-glue/jobs/error", None)),
    ],
)
def test_where_the_logs_go(arguments: dict[str, str], security: str | None, groups: tuple) -> None:
    logs = job_runs._logs("jr_1", arguments, "arn:aws:iam::000000000000:role/me", security)
    assert (logs.output, logs.error, logs.continuous) == groups
