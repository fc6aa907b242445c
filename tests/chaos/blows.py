"""The blows: what is done to a shop while it works, and what must hold after each of them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from localaws import process
from localaws.faults import Fault, write
from tests.chaos.shop import Shop, family, rows

STATES = {
    "forecasting": (
        *("Plan", "Ensure", "Load", "Describe dataset import job", "Train", "Describe predictor", "Compare"),
        *("Forecast", "Describe forecast", "Export forecast", "Publish", "Notify"),
    ),
    "recommending": (
        *("Plan", "Ensure", "Load", "Describe dataset import job", "Recommend", "Describe recommender"),
        *("Evaluate", "Publish", "Notify"),
    ),
}
HOSTILE = {
    "cut.csv": b"milk\n",
    "latin.csv": "caf\u00e9,2026-01-01,1\n".encode("latin-1"),
    "binary.csv": bytes(range(256)) * 40,
    "open-quote.csv": b'"milk,2026-01-01,1\n',
    "words.csv": b"milk,2026-01-01,many\n",
    "nothing-but-lines.csv": b"\n\n\n",
    "unicode-lines.csv": "a\u2028b,2026-01-01,1\n".encode(),
}


_FEW = 10
_HELD_SECONDS = 2.0


@dataclass
class Result:
    """What all blows together did, and what they found; `lost` and `findings` should be empty."""

    survived: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)  # the run was faster than the blow
    uploads: int = 0
    lost: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def holding(pipeline: str, state: str) -> Fault:
    """The state's call takes its time, so that a blow in it meets it on a machine of any speed."""
    what, *words = state.split()
    if what == "Describe":
        service = {"forecasting": "forecast", "recommending": "personalize"}[pipeline]
        resource = "".join(word.capitalize() for word in words)
        return Fault(f"{service}:Describe{resource}", delay=_HELD_SECONDS, times=1)
    return Fault("lambda:InvokeFunction", f"-{what.lower()} ", delay=_HELD_SECONDS, times=1)


Blow = Callable[[Shop, random.Random, str], bool]  # whether it struck


def strike(shop: Shop, queue: str, name: str, blow: Blow, state: str, rng: random.Random, result: Result) -> None:
    """One upload, one blow in the state, and the checks after everything has settled."""
    before = {each["executionArn"] for each in shop.executions()}
    by_hand, uploads = shop.by_hand, len(shop.uploads)
    write(shop.settings.faults, [holding(shop.pipeline, state)])
    shop.upload(f"{name}-{state.replace(' ', '-').lower()}-{len(shop.uploads)}.csv")
    where = f"{name} in {state}"
    try:
        struck = blow(shop, rng, state)
        shop.settle()
    except TimeoutError as error:
        result.findings.append(f"{where}: {error}")
        return
    write(shop.settings.faults, [])
    result.uploads += len(shop.uploads) - uploads
    (result.survived if struck else result.unseen)[where] += 1
    result.lost += [f"{where}: {each}" for each in shop.lost()]
    time.sleep(1)  # a mail is on its way
    mails = shop.mails(queue)
    unreported = [each for each in shop.unreported(mails) if each.partition(": ")[0] not in before]
    result.findings += [f"{where}: {each}" for each in unreported]
    result.findings += [f"{where}: runs worked at once: {pair}" for pair in shop.together()]
    if shop.by_hand > by_hand:
        result.findings.append(f"{where}: the next run did not start automatically")


def kill_server(shop: Shop, rng: random.Random, state: str) -> bool:
    """Kill -9 of the server, and a start."""
    found = shop.until(state)
    pid = process.running(shop.settings)
    assert pid
    os.kill(pid, signal.SIGKILL)
    while process.running(shop.settings):
        time.sleep(0.02)
    shop.restart()
    return found is not None


def kill_worker(shop: Shop, rng: random.Random, state: str) -> bool:
    """Kill -9 of everything that the server started: Lambda's workers, jobs."""
    found = shop.until(state)
    pid = process.running(shop.settings)
    assert pid
    children = list(family(pid))
    for child, _ in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    return found is not None and bool(children)


def stop_run(shop: Shop, rng: random.Random, state: str) -> bool:
    """StopExecution, and a start by hand, as the mail about it says."""
    found = shop.until(state)
    if not found:
        return False
    try:
        shop.client("stepfunctions").stop_execution(executionArn=found, error="Chaos", cause="stopped by hand")
    except ClientError:  # it ended a moment ago
        return False
    shop.client("stepfunctions").start_execution(stateMachineArn=shop.machine, input="{}")
    return True


def upload_in_mid_run(shop: Shop, rng: random.Random, state: str) -> bool:
    """Another file arrives, the one before it is replaced."""
    found = shop.until(state)
    last = next(reversed(shop.uploads)).rpartition("/")[2]
    shop.upload(f"late-{len(shop.uploads)}.csv")
    shop.upload(last, rows(shop.pipeline, f"new{last}"))
    return found is not None


def hostile_files(shop: Shop, rng: random.Random, state: str) -> bool:
    """Files that nobody can import arrive while a run works: each goes to quarantine, the run ends well."""
    found = shop.until(state)
    for name, body in rng.sample(sorted(HOSTILE.items()), 2):
        shop.upload(f"{len(shop.uploads)}-{name}", body)
    return found is not None


def storm(shop: Shop, rng: random.Random, state: str) -> bool:
    """300 uploads in 30 s; one run at work, and one after it."""
    before = len(shop.executions())
    begun = time.monotonic()
    for number in range(300):
        shop.upload(f"storm-{number:03d}-{len(shop.uploads)}.csv")
        time.sleep(max(0.0, begun + number / 10 - time.monotonic()))
    return len(shop.executions()) > before


def faults(shop: Shop, rng: random.Random, state: str) -> bool:
    """Every call of every service fails with a chance, for some of them with the answer lost, until ten failed."""
    errors = (("ThrottlingException", 400), ("InternalServerException", 500), ("ServiceUnavailable", 503))
    code, status = rng.choice(errors)
    service = rng.choice(("forecast", "personalize", "s3", "dynamodb", "lambda", "states", "sns"))
    rule = Fault(
        f"{service}:*",
        error=code,
        status=status,
        after=rng.random() < 0.3,
        times=10,
        chance=0.3,
        seed=rng.randrange(10**6),
    )
    write(shop.settings.faults, [rule])
    return True


BLOWS: dict[str, Blow] = {
    "kill -9 of the server": kill_server,
    "kill -9 of all workers": kill_worker,
    "stop of the run": stop_run,
    "uploads in mid-run": upload_in_mid_run,
    "hostile files": hostile_files,
    "faults": faults,
}


def plan(pipeline: str, rng: random.Random, count: int | None) -> list[tuple[str, Blow, str]]:
    """All blows in all states, or `count` of them, by the seed; the storm at the end, unless they are but a few."""
    everything = [(name, blow, state) for state in STATES[pipeline] for name, blow in BLOWS.items()]
    rng.shuffle(everything)
    last = [("300 uploads in 30 s", storm, "any state")] if count is None or count > _FEW else []
    return [*everything[:count], *last]
