"""A story: what happens to a pipeline, when, and which faults its calls and jobs meet, all drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from localaws.faults import Fault

LENGTH = 150  # seconds: a run takes about a minute
POISON = "poison"
_STEPS = ("plan", "ensure", "load", "train", "compare", "forecast", "export", "publish")
_JOBS = ("DatasetImportJob", "Predictor", "PredictorBacktestExportJob", "Forecast", "ForecastExportJob")
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
    events: list[Event]
    faults: list[Fault]


def story(seed: int) -> Story:
    """A delivery, up to three things that happen during its run or after it, up to four kinds of faults."""
    chance = random.Random(seed)
    events = [Event(chance.uniform(0, 8), "upload", ("target/a.csv", rows(chance)))]
    if chance.random() < 0.3:
        events.append(Event(chance.uniform(0, 8), "upload", ("related/a.csv", rows(chance, days=16))))
    if chance.random() < 0.1:
        del events[0]  # half a delivery
    for _ in range(chance.randint(0, 3)):
        events.append(_happening(chance, events))
    faults = [_fault(chance) for _ in range(chance.randint(0, 4))]
    return Story(seed, sorted(events, key=lambda event: event.second), faults)


def rows(chance: random.Random, days: int = 12, poison: bool = False) -> str:
    """A file of two items; one value of a poisoned one is no number."""
    lines = [
        f"{item},2026-01-{day:02d},{chance.randrange(100)}" for item in ("milk", "bread") for day in range(1, days)
    ]
    if poison:
        lines[chance.randrange(len(lines))] = f"milk,2026-01-{chance.randint(1, 9):02d},{POISON}"
    return "\n".join(lines) + "\n"


def _happening(chance: random.Random, before: list[Event]) -> Event:
    second = chance.uniform(0, LENGTH)
    file = chance.choice(["target/a.csv", "target/b.csv", "target/b.csv", "related/a.csv"])
    uploads = [event.given[:2] for event in before if event.what == "upload"]
    match chance.choice(["more", "more", "again", "poison", "poison", "delete", "start", "force", "stop", "crash"]):
        case "more":  # one in eight events never comes
            days = 16 if file.startswith("related") else chance.randint(8, 14)  # related series reach over the horizon
            event = Event(second, "upload", (file, rows(chance, days), chance.random() > 1 / 8))
        case "again" if uploads:
            event = Event(second, "upload", chance.choice(uploads))
        case "poison":
            event = Event(second, "upload", (file, rows(chance, poison=True)))
        case "delete":
            event = Event(second, "delete", (file,))
        case "force":
            event = Event(second, "start", ({"force": True},))
        case "stop" | "crash" as what:
            event = Event(second, what)
        case _:
            event = Event(second, "start", ({},))
    return event


def _fault(chance: random.Random) -> Fault:
    times, after = chance.choice([1, 1, 2, 3, 6]), chance.random() < 0.5
    services = ["forecast:Create*", "forecast:Describe*", "forecast:List*", "forecast:Delete*", "forecast:*"]
    operation = chance.choice([*services, "dynamodb:*", "states:*", "glue:*", "s3:*", "s3:GetObject", "s3:PutObject"])
    common = {"times": times, "chance": chance.choice([1.0, 0.3]), "seed": chance.randrange(1000)}
    match chance.choice(["throttle", "5xx", "lost", "limit", "job", "cut off", "long"]):
        case "throttle":
            return Fault(operation, error="ThrottlingException", message="Rate exceeded", **common)
        case "5xx":
            return Fault(operation, error="InternalFailure", status=500, message=_INTERNAL, **common)
        case "lost":
            return Fault(operation, error="ServiceUnavailable", status=503, after=True, **common)
        case "limit":
            wanted = f"forecast:Create{chance.choice(_JOBS)}"
            return Fault(wanted, error="LimitExceededException", **common | {"times": chance.choice([3, 12, 40])})
        case "job":
            return Fault(f"job:forecast:{chance.choice(_JOBS)}", error="X", message=_INTERNAL, **common)
        case "cut off":
            step = f"forecasting.{chance.choice(_STEPS)}"
            out_of_time = {"error": "Sandbox.Timedout", "message": "Task timed out"}
            return Fault("lambda:InvokeFunction", step, after=after, **out_of_time, **common)
        case _:  # longer than anybody is patient
            wanted = chance.choice([*(f"forecast:Describe{kind}" for kind in _JOBS), "forecast:Create*", "dynamodb:*"])
            return Fault(wanted, error="ThrottlingException", message="Rate exceeded", times=90)
