"""Jobs: what becomes of a resource whose job succeeds, fails, dies, is stopped, or is cut off by a crash."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

from localaws.errors import JobFailed
from localaws.faults import Fault, Switch, write
from localaws.jobs import SETTLING_SECONDS, Jobs, Result
from localaws.resources import Resource, Store
from localaws.services.forecast.resource_types import TYPES as FORECAST_TYPES
from localaws.services.personalize.resource_types import TYPES as PERSONALIZE_TYPES
from localaws.services.sagemaker.resource_types import TYPES as SAGEMAKER_TYPES
from tests.unit.localaws.job_functions import (
    Nothing,
    Reason,
    Started,
    Value,
    blunder,
    die,
    fail,
    half_done,
    keep_more,
    leave,
    linger,
    succeed,
    succeed_openly,
)

FORECAST = "arn:aws:forecast:us-east-1:000000000000:predictor/p"
PERSONALIZE = "arn:aws:personalize:us-east-1:000000000000:recommender/r"
NOTEBOOK = "arn:aws:sagemaker:us-east-1:000000000000:notebook-instance/n"
TABLES = (FORECAST_TYPES, PERSONALIZE_TYPES, SAGEMAKER_TYPES)
TYPE_OF = {FORECAST: "Predictor", PERSONALIZE: "Recommender", NOTEBOOK: "NotebookInstance"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


@pytest.fixture
def jobs(store: Store) -> Iterator[Jobs]:
    made = Jobs(store, TABLES, slots=2)
    yield made
    made.close()


def wait_for(accepted: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not accepted():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(store: Store, arn: str) -> Resource:
    wait_for(lambda: "PENDING" not in store.get(arn).status and "IN_PROGRESS" not in store.get(arn).status)
    return store.get(arn)


def submit(
    store: Store,
    jobs: Jobs,
    function: Callable,
    arguments: Any,
    arn: str = FORECAST,
    then: Callable[[Result], None] = lambda result: None,
    access: Callable | None = None,
) -> None:
    store.add(arn, TYPE_OF.get(arn, "Predictor"), "p", "CREATE_PENDING", {})
    jobs.submit(arn, function, arguments, access, then)


def test_what_a_job_answers_joins_the_record(store: Store, jobs: Jobs) -> None:
    seen = []
    submit(store, jobs, succeed, Value(7), then=lambda result: seen.append((result, store.get(FORECAST).status)))
    found = ended(store, FORECAST)
    assert found.status == "ACTIVE" and found.record == {"Value": 7}
    assert found.private["evaluation"] != os.getpid()
    assert seen == [(Result({"Value": 7}, found.private), "CREATE_IN_PROGRESS")]


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (fail, Reason("row 3 is wrong"), "row 3 is wrong"),
        (die, Nothing(), "signal SIGKILL"),
        (leave, Nothing(), "exit code 3"),
        (blunder, Nothing(), "internal error"),
        (keep_more, Value(1), "internal error"),
    ],
)
def test_a_failure_has_a_reason(store: Store, jobs: Jobs, function: Callable, arguments: Any, message: str) -> None:
    submit(store, jobs, function, arguments)
    found = ended(store, FORECAST)
    assert found.status == "CREATE_FAILED" and message in found.record["Message"]
    assert "not for the caller" not in found.record["Message"]


def test_states_and_reasons_are_spelled_as_the_service_does(store: Store, jobs: Jobs) -> None:
    submit(store, jobs, fail, Reason("too few"), PERSONALIZE)
    found = ended(store, PERSONALIZE)
    assert (found.status, found.record) == ("CREATE FAILED", {"failureReason": "too few"})


def test_the_role_is_assumed_when_the_job_starts_and_may_fail_it(store: Store, jobs: Jobs) -> None:
    def refuse() -> int:
        raise JobFailed("may not be assumed")

    submit(store, jobs, succeed, Value(), access=refuse)
    assert ended(store, FORECAST).record["Message"] == "may not be assumed"
    submit(store, jobs, succeed_openly, Value(), PERSONALIZE, access=lambda: 8)
    assert ended(store, PERSONALIZE).record == {"Value": 8}


def test_a_stopped_job_ends(store: Store, jobs: Jobs, tmp_path: Path) -> None:
    submit(store, jobs, linger, Started(tmp_path / "started"))
    wait_for((tmp_path / "started").exists)
    assert jobs.stop(FORECAST)
    assert "SIGTERM" in ended(store, FORECAST).record["Message"]
    assert not jobs.stop(FORECAST)


def test_a_job_that_is_stopped_while_a_fault_delays_it_never_runs(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "faults.json", [Fault("job:forecast:Predictor", delay=3)])
    jobs, asked = Jobs(store, TABLES, slots=1, switch=Switch(tmp_path / "faults.json")), []
    store.add(FORECAST, "Predictor", "forecast", "CREATE_PENDING", {})
    jobs.submit(FORECAST, succeed, Value(), lambda: asked.append(1) or 1)
    wait_for(lambda: store.get(FORECAST).status == "CREATE_IN_PROGRESS")
    store.update(FORECAST, "CREATE_STOPPED")
    jobs._threads.shutdown()
    assert store.get(FORECAST).status == "CREATE_STOPPED" and not asked


def test_a_job_of_a_resource_that_goes_does_nothing(store: Store, jobs: Jobs) -> None:
    submit(store, jobs, succeed, Value(), access=lambda: store.remove(FORECAST) or 1)
    submit(store, jobs, succeed_openly, Value(2), PERSONALIZE)
    ended(store, PERSONALIZE)
    jobs._threads.shutdown()
    assert store.find(FORECAST) is None


def test_closing_ends_what_runs_and_leaves_it_to_the_next_start(tmp_path: Path) -> None:
    store = Store(tmp_path)
    jobs = Jobs(store, TABLES, slots=1)
    submit(store, jobs, linger, Started(tmp_path / "started"))
    submit(store, jobs, succeed, Value(1), FORECAST + "2")
    wait_for((tmp_path / "started").exists)
    jobs.close()
    jobs._threads.shutdown(wait=True)
    assert store.get(FORECAST).status == "CREATE_IN_PROGRESS" and store.get(FORECAST + "2").status == "CREATE_PENDING"
    Jobs(store, TABLES).recover()
    for arn in (FORECAST, FORECAST + "2"):
        assert store.get(arn).status == "CREATE_FAILED" and "new name" in store.get(arn).record["Message"]
    store.close()


CRASHING = """
import time
from pathlib import Path
from localaws.faults import Fault, Switch, write
from localaws.jobs import Jobs
from localaws.resources import Store
from localaws.services.forecast.resource_types import TYPES
from tests.unit.localaws.job_functions import Started, linger
folder, arn = Path({folder!r}), {arn!r}
store = Store(folder)
store.add(arn, "Predictor", "p", "CREATE_PENDING", {{}})
Jobs(store, [TYPES]).submit(arn, linger, Started(folder / "started"))
time.sleep(600)
"""


def test_a_crash_ends_the_jobs_too(tmp_path: Path) -> None:
    """Else they would train on for nobody, beside those of the next start."""
    code = CRASHING.format(folder=str(tmp_path), arn=FORECAST)
    api = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[3])
    wait_for((tmp_path / "started").exists)
    job = int((tmp_path / "started").read_text())
    assert alive(job)
    api.kill()
    api.wait()
    wait_for(lambda: not alive(job))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("arn", "before", "after"),
    [
        (FORECAST, "CREATE_PENDING", "CREATE_FAILED"),
        (FORECAST, "CREATE_IN_PROGRESS", "CREATE_FAILED"),
        (FORECAST, "ACTIVE", "ACTIVE"),
        (FORECAST, "DELETE_IN_PROGRESS", None),
        (PERSONALIZE, "CREATE IN_PROGRESS", "CREATE FAILED"),
        (PERSONALIZE, "DELETE PENDING", None),
        (PERSONALIZE, "STOP IN_PROGRESS", "INACTIVE"),
        (PERSONALIZE, "START PENDING", "ACTIVE"),
        (NOTEBOOK, "Deleting", None),
    ],
)
def test_nothing_stays_in_limbo_after_a_crash(
    store: Store, jobs: Jobs, arn: str, before: str, after: str | None
) -> None:
    store.add(arn, TYPE_OF[arn], "name", before, {})
    jobs.recover()
    found = store.find(arn)
    assert (found.status if found else None) == after


def test_a_kind_with_statuses_of_its_own_fails_after_a_crash_as_well(store: Store, jobs: Jobs) -> None:
    store.add(PERSONALIZE, "BatchInferenceJob", "b", "CREATE IN_PROGRESS", {})
    jobs.recover()
    assert store.get(PERSONALIZE).status == "CREATE FAILED"


@pytest.mark.parametrize("kind", ["Recommender", "Campaign", "Solution"])
def test_an_update_that_a_crash_cut_off_failed_and_what_it_updated_serves_on(
    store: Store, jobs: Jobs, kind: str
) -> None:
    store.add(PERSONALIZE, kind, "r", "ACTIVE", {f"latest{kind}Update": {"status": "CREATE IN_PROGRESS"}})
    jobs.recover()
    found = store.get(PERSONALIZE)
    assert found.status == "ACTIVE"
    assert found.record[f"latest{kind}Update"]["status"] == "CREATE FAILED"


def test_light_work_is_done_in_the_order_it_was_asked_for(store: Store, jobs: Jobs) -> None:
    """Else a dataset group could become ACTIVE first and CREATE IN_PROGRESS for ever after."""
    held, order = threading.Event(), []
    jobs.later(lambda: (held.wait(30), order.append("first")))
    jobs.later(lambda: order.append("second"))
    held.set()
    wait_for(lambda: len(order) == 2)
    assert order == ["first", "second"]


def test_a_state_that_lasts_long_holds_up_no_other(store: Store, jobs: Jobs) -> None:
    """A dataset group is DELETE PENDING for seconds; another one becomes ACTIVE meanwhile."""
    done = threading.Event()
    jobs.later(lambda: None, seconds=3600)
    jobs.later(done.set)
    assert done.wait(60)


def test_each_state_of_light_work_can_be_seen(store: Store, jobs: Jobs) -> None:
    """A caller that does not wait until a dataset group is ACTIVE would otherwise find it so by chance."""
    asked, done = time.monotonic(), []
    for step in (1, 2):
        jobs.later(lambda: done.append(time.monotonic() - asked), step=step)
    wait_for(lambda: len(done) == 2)
    assert done[0] >= SETTLING_SECONDS and done[1] >= 2 * SETTLING_SECONDS


def test_light_work_that_fails_stops_nothing(store: Store, jobs: Jobs) -> None:
    done = threading.Event()
    jobs.later(lambda: 1 / 0)
    jobs.later(done.set)
    assert done.wait(30)


def test_a_job_says_how_far_it_is_and_how_long_it_will_take(
    store: Store, jobs: Jobs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    submit(store, jobs, half_done, Started(tmp_path / "go on"))
    wait_for(lambda: store.get(FORECAST).record.get("EstimatedTimeRemainingInMinutes"))
    assert store.get(FORECAST).record["EstimatedTimeRemainingInMinutes"] == 1, "three times what it took, in minutes"
    assert f"{FORECAST}: 25% (ETS fitted), about 1 min remaining" in caplog.text
    (tmp_path / "go on").touch()
    assert ended(store, FORECAST).status == "ACTIVE"
    assert store.get(FORECAST).record["EstimatedTimeRemainingInMinutes"] is None


def test_jobs_run_on_after_the_fork_server_was_killed(store: Store, jobs: Jobs) -> None:
    submit(store, jobs, succeed, Value(1))
    assert ended(store, FORECAST).status == "ACTIVE"
    pid = forkserver._forkserver._forkserver_pid
    os.kill(pid, signal.SIGKILL)
    other = FORECAST + "2"
    submit(store, jobs, succeed, Value(2), other)
    assert ended(store, other).status == "ACTIVE", store.get(other).record
    assert forkserver._forkserver._forkserver_pid != pid


def test_a_stop_while_the_process_is_about_to_start_ends_it(store: Store, tmp_path: Path) -> None:
    """Else it would run on for nobody, in a slot that others wait for."""
    jobs = Jobs(store, TABLES, slots=1)
    other = FORECAST.replace("/p", "/q")

    def stopped_meanwhile() -> bool:  # the last that happens before the process starts
        store.update(FORECAST, "CREATE_STOPPING")
        return jobs.stop(FORECAST)

    submit(store, jobs, linger, Started(tmp_path / "started"), access=stopped_meanwhile)
    submit(store, jobs, succeed, Value(1), other)
    assert ended(store, other).status == "ACTIVE" and store.get(FORECAST).status == "CREATE_STOPPING"
    jobs.close()
