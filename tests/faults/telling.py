"""Stories told one after the other, and the figures of all of them."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from localaws.faults import Fault, write
from tests.faults.promises import broken, in_use, left_over
from tests.faults.stories import Story, story
from tests.faults.world import World

EVERY = 8  # of so many stories, one ends with another delivery, after which leftovers are counted


def tell(world: World, told: Story) -> list[str]:
    """Which promises the story breaks."""
    world.begin(told.seed, told.faults, told.pipeline)
    for event in told.events:
        world.clock.at(event.second, lambda event=event: getattr(world, event.what)(*event.given), outside=True)
    world.go()
    write(world.inside.settings.faults, [])
    sweep(world)
    found = broken(world, told, world.told())
    if not found and told.seed % EVERY == 0 and world.newest():
        before, chance = in_use(world), random.Random(told.seed)
        for kind in told.pipeline.kinds:
            world.upload(f"{kind}/a.csv", told.pipeline.text(chance, kind))
        world.go()
        found = list(left_over(world, before))
    return found


def sweep(world: World) -> None:
    """As every day; the first one may have to put the last file of its kind aside, the second one then waits."""
    for _ in range(2):
        world.start({})
        world.go()
        if "in quarantine now" not in world.runs()[-1].cause:
            break


def kind_of(fault: Fault) -> str:
    if fault.operation.startswith("job:"):
        return "failed job"
    if fault.error == "Sandbox.Timedout":
        return "Lambda timeout after its call" if fault.after else "Lambda timeout before its call"
    if fault.after:
        return "answer lost"
    return {"ThrottlingException": "throttling", "LimitExceededException": "quota full"}.get(fault.error, "5xx")


def figures(world: World, seeds: Iterable[int]) -> dict[str, Any]:
    """All stories of these seeds: what happened in them, and which seeds broke which promises."""
    begun = time.process_time()
    counted: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    failing: dict[int, list[str]] = {}
    for seed in seeds:
        one = story(seed)
        if words := tell(world, one):
            failing[seed] = words
        counted[one.pipeline.name] += 1
        counted["quarantined"] += sum(not key.endswith(".reason.txt") for key in world.files("quarantine/"))
        counted.update(event.what for event in one.events)
        runs.update(run.status if run.passed("Plan") else "joined or refused" for run in world.runs())
        for fault, times in world.inside.switch.met.items():
            faults[kind_of(fault)] += times
    seconds = round(time.process_time() - begun)
    return {**counted, "runs": runs, "faults": faults, "CPU seconds": seconds, "failing": failing}
