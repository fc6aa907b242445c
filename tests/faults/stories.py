"""A story: what happens to a pipeline, when, and which faults its calls and jobs meet, all drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from localaws.faults import Fault
from tests.faults.pipelines import FORECASTING, RECOMMENDING, Pipeline

LENGTH = 150  # seconds: a run takes about a minute
_INTERNAL = "An internal error occurred."


@dataclass(frozen=True)
class Event:
    """`World`'s method `what`, with `given`, so many seconds after the story's beginning."""

    second: float
    what: str
    given: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Story:
    seed: int
    pipeline: Pipeline
    events: list[Event]
    faults: list[Fault]


def story(seed: int) -> Story:
    """A delivery, up to three things that happen during its run or after it, up to four kinds of faults.

    Every third story is about recommending."""
    chance, pipeline = random.Random(seed), RECOMMENDING if seed % 3 == 2 else FORECASTING
    needed, _, optional = pipeline.files
    events = [_upload(chance, pipeline, needed, chance.uniform(0, 8))]
    if chance.random() < 0.3:
        events.append(_upload(chance, pipeline, optional, chance.uniform(0, 8)))
    if chance.random() < 0.1:
        del events[0]  # half a delivery
    for _ in range(chance.randint(0, 3)):
        events.append(_happening(chance, pipeline, events))
    faults = [_fault(chance, pipeline) for _ in range(chance.randint(0, 4))]
    return Story(seed, pipeline, sorted(events, key=lambda event: event.second), faults)


def _upload(
    chance: random.Random, pipeline: Pipeline, file: str, second: float, *announced: bool, poison: bool = False
) -> Event:
    text = pipeline.text(chance, file.partition("/")[0], poison)
    return Event(second, "upload", (file, text, *announced))


def _happening(chance: random.Random, pipeline: Pipeline, before: list[Event]) -> Event:
    second = chance.uniform(0, LENGTH)
    first, another, optional = pipeline.files
    file = chance.choice([first, another, another, optional])
    uploads = [event.given[:2] for event in before if event.what == "upload"]
    match chance.choice(["more", "more", "again", "poison", "poison", "delete", "start", "force", "stop", "crash"]):
        case "more":  # one in eight events never comes
            event = _upload(chance, pipeline, file, second, chance.random() > 1 / 8)
        case "again" if uploads:
            event = Event(second, "upload", chance.choice(uploads))
        case "poison":
            event = _upload(chance, pipeline, file, second, poison=True)
        case "delete":
            event = Event(second, "delete", (file,))
        case "force":
            event = Event(second, "start", ({"force": True},))
        case "stop" | "crash" as what:
            event = Event(second, what)
        case _:
            event = Event(second, "start", ({},))
    return event


def _fault(chance: random.Random, pipeline: Pipeline) -> Fault:
    times, after = chance.choice([1, 1, 2, 3, 6]), chance.random() < 0.5
    service, job = pipeline.service, chance.choice(pipeline.jobs)
    operation = chance.choice([*pipeline.calls, "dynamodb:*", "states:*", "s3:*", "s3:GetObject", "s3:PutObject"])
    common = {"times": times, "chance": chance.choice([1.0, 0.3]), "seed": chance.randrange(1000)}
    match chance.choice(["throttle", "5xx", "lost", "limit", "job", "cut off", "long"]):
        case "throttle":
            return Fault(operation, error="ThrottlingException", message="Rate exceeded", **common)
        case "5xx":
            return Fault(operation, error="InternalFailure", status=500, message=_INTERNAL, **common)
        case "lost":
            return Fault(operation, error="ServiceUnavailable", status=503, after=True, **common)
        case "limit":
            full = common | {"times": chance.choice([3, 12, 40])}
            return Fault(f"{service}:Create{job}", error="LimitExceededException", **full)
        case "job":
            return Fault(f"job:{service}:{job}", error="X", message=_INTERNAL, **common)
        case "cut off":
            step = f"{pipeline.name}.{chance.choice(pipeline.steps)}"
            out_of_time = {"error": "Sandbox.Timedout", "message": "Task timed out"}
            return Fault("lambda:InvokeFunction", step, after=after, **out_of_time, **common)
        case _:  # longer than anybody is patient
            describes = [f"{service}:Describe{kind}" for kind in pipeline.jobs]
            wanted = chance.choice([*describes, f"{service}:Create*", "dynamodb:*"])
            return Fault(wanted, error="ThrottlingException", message="Rate exceeded", times=90)
