"""What must hold when a story is over, whatever happened in it; each promise says in words how it was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.faults.pipelines import POISON, RECOMMENDING
from tests.faults.stories import Story
from tests.faults.world import DATA, Run, World

_REASON = ".reason.txt"


def broken(world: World, story: Story, told: list[dict[str, Any]], clock_set: bool = False) -> list[str]:
    """After the story's last event, with the faults gone, and one sweep. Where the clock was set, times say nothing of
    the order of runs."""
    runs = world.runs()
    promises = (
        _ended(world, runs),
        _held(world, runs),
        _set_aside(world),
        iter(()) if clock_set else _trained_once(world, runs),
        _one_at_a_time(world),
    )
    return [words for promise in (*promises, _told(world, story, runs, told)) for words in promise]


def _ended(world: World, runs: list[Run]) -> Iterator[str]:
    """The lock is free and every run has come to an end."""
    if holder := world.holder():
        yield f"the lock is held by {holder}"
    for run in runs:
        if run.status == "RUNNING":
            yield f"{run.arn} still runs in {run.entered[-1][0]}"
    if runs[-1].status != "SUCCEEDED":
        yield f"the sweep ended {runs[-1].status}: {runs[-1].error} {runs[-1].cause}"


def _held(world: World, runs: list[Run]) -> Iterator[str]:
    """Every file is in the model that serves; or the pipeline waits for a kind of file, and says so."""
    from common.deliveries import Uploads

    said = runs[-1].output.get("summary", {}).get("nothingNew", "")
    files, folder, kinds = world.files(), world.pipeline.folder, world.pipeline.kinds
    for kind in kinds:
        missing = not any(key.startswith(f"{folder}{kind}/") for key in files)
        if missing and (kind == kinds[0] or world.files(f"quarantine/{folder}{kind}/")):
            if not said.startswith("waits:"):
                yield f"there is no {kind} file, and yet the sweep says {said!r}"
            return
    if (inputs := world.covered()) != (there := Uploads.listed(DATA, folder).checksums(kinds)):
        yield f"what serves was made of {inputs}, the files are {there}"
    for kind in there:
        delivered = [text for key, text in files.items() if key.startswith(f"{folder}{kind}/")]
        if sorted(world.imported(kind)) != sorted(value for text in delivered for value in world.pipeline.values(text)):
            yield f"the dataset {kind} holds other rows than its files"
    if world.pipeline is RECOMMENDING:
        yield from recommended_otherwise(world)


def recommended_otherwise(world: World) -> Iterator[str]:
    """What recommends was trained on the events that are there: it tells the item that most of them are about."""
    events = [text for key, text in world.files().items() if "/interactions/" in key]
    counted = Counter(line.split(",")[1] for text in events for line in text.split()[1:])
    for made, items in world.recommended().items():
        if not items or 2 * counted[items[0]] < max(counted.values()):
            yield f"{made} recommends {items}, the events are about {counted.most_common(2)}"


def _set_aside(world: World) -> Iterator[str]:
    """What is in quarantine was poison and has its reason beside it."""
    there = world.files("quarantine/")
    for key, text in there.items():
        if not key.endswith(_REASON):
            if POISON not in text:
                yield f"{key} is in quarantine and good"
            if POISON not in there.get(f"{key}{_REASON}", ""):
                yield f"{key} has no reason beside it"


def _trained_once(world: World, runs: list[Run]) -> Iterator[str]:
    """Nothing is trained on what the last published run was trained on, unless that was asked for."""
    published = None
    for begun, ended, run in _spans(runs):
        times = _trainings(world, begun, ended) if world.pipeline is RECOMMENDING else run.passed("Train")
        if times > 1:
            yield f"{run.arn} trained {times} versions"
        if times:
            inputs = run.inputs("Ensure")[-1]["inputs"]
            if inputs == published and not run.given.get("force"):
                yield f"{run.arn} trained on what was trained before"
            # A version that was not published is the newest all the same: those before it serve no more.
            published = inputs if run.passed("Notify") else None if world.pipeline is RECOMMENDING else published


def _trainings(world: World, begun: str, ended: str) -> int:
    """The solution versions that were made meanwhile."""
    since, until = (datetime.fromisoformat(when).timestamp() for when in (begun, ended))
    return sum(since <= version.created <= until for version in world.resources("SolutionVersion"))


def _one_at_a_time(world: World) -> Iterator[str]:
    """From its first look at the files to its end, a run is alone."""
    yield from (f"{second} began while {first} was at work" for first, second in world.inside.together)


def _spans(runs: list[Run]) -> list[tuple[str, str, Run]]:
    """Of the runs that looked at the files: when they did so first, and their ends, in this order."""
    looks = [(next(when for name, when, _ in run.entered if name == "Plan"), run) for run in runs if run.passed("Plan")]
    return [(when, run.ended, run) for when, run in sorted(looks, key=lambda look: look[0])]


def _told(world: World, story: Story, runs: list[Run], told: list[dict[str, Any]]) -> Iterator[str]:
    """Each failure, each publication and each file in quarantine is told once."""
    cut_short = any(event.what in ("stop", "crash") for event in story.events)
    failures = Counter(each["execution"] for each in told if " FAILED in " in each["subject"])
    successes = Counter(each["execution"] for each in told if " succeeded" in each["subject"])
    for run in runs:
        if run.status == "SUCCEEDED" and successes[run.arn] != run.passed("Notify"):
            yield f"{run.arn} told {successes[run.arn]} successes"
        untold = run.error in ("Storecast.Busy", "States.ServiceRestart") or run.status == "ABORTED"
        expected = {0, 1} if untold and cut_short else {int(run.status == "FAILED" and not untold)}
        if failures[run.arn] not in expected:
            yield f"{run.arn}, {run.status} with {run.error}, told {failures[run.arn]} failures: {run.cause}"
    files = [key for key in world.files("quarantine/") if not key.endswith(_REASON)]
    for key in files:
        moved = [file["movedTo"] for each in told for file in each.get("files", [each]) if "movedTo" in file]
        times = moved.count(f"s3://{DATA}/{key}")
        if times != 1 and not (cut_short and times == 0):
            yield f"{key} in quarantine was told {times} times"


def in_use(world: World) -> set[str]:
    """What serves: its ARNs; of forecasting also the run's name, each dataset's newest import, and what
    a predictor was trained on."""
    newest, jobs = world.newest(), world.resources("DatasetImportJob")
    if world.pipeline is RECOMMENDING:
        made = [*newest["recommenders"], *newest["solutions"]]
        arns = {value for each in made for key, value in each.items() if key.endswith("Arn")}
        return arns | set(newest["filters"].values())
    imports = {job.record["DatasetArn"]: job.arn for job in jobs if job.status == "ACTIVE"}
    # Forecast deletes no import that a predictor was trained on: it goes with the run after the predictor's.
    held = {arn for each in world.resources("Predictor") for arn in each.record.get("DatasetImportJobArns", ())}
    forecasts = {made["forecastArn"] for made in newest["forecasts"].values()}
    return {newest["run"], newest["predictorArn"], *forecasts, *imports.values(), *held}


def left_over(world: World, before: set[str]) -> Iterator[str]:
    """After one more delivery: what belongs neither to its run nor to what served `before` it.

    Of recommending, what serves stays, but for its versions, which the service keeps; a second one would be left over.
    """
    if world.pipeline is RECOMMENDING:
        for kind in ("Recommender", "Solution", "Campaign", "Filter", "EventTracker"):
            others = [each.arn for each in world.resources(kind) if each.arn not in before]
            yield from (f"{arn} is left over" for arn in others if kind != "EventTracker" or len(others) > 1)
        return
    run = world.newest()["run"]
    for kind in ("Predictor", "Forecast", "DatasetImportJob", "ForecastExportJob", "PredictorBacktestExportJob"):
        for each in world.resources(kind):
            of = {each.arn, each.name[-19:], each.record.get("ForecastArn"), each.record.get("PredictorArn")}
            if not each.name[-19:].startswith(run[:15]) and not of & before:
                yield f"{each.arn} is left over"
