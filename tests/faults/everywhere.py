"""Every call of every state, met by each kind of fault, and every state, met by a stop, a kill and a clock that is set.

Nothing is drawn. Scenes bring a pipeline through its states; what each scene calls in which state is noted once. Then
the scene is played for each of these calls that no scene before it makes, and each kind of fault; and for each state.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from localaws.faults import Fault, write
from tests.faults.inside import KILLED, Crash, within
from tests.faults.pipelines import PIPELINES, POISON, RECOMMENDING, Pipeline
from tests.faults.promises import broken, in_use, left_over
from tests.faults.stories import Event, Story
from tests.faults.telling import sweep
from tests.faults.world import DATA, World

_HOUR, _DAY = 3600.0, 86400.0
_IN_MID_RUN = 25.0  # seconds after an upload

# Transient: the run goes on as if nothing had been.
TRANSIENT = {
    "throttled": Fault("", error="ThrottlingException", message="Rate exceeded", times=2),
    "server error": Fault("", error="InternalFailure", message="An internal error occurred.", status=500, times=2),
    "answer lost": Fault("", error="ServiceUnavailable", status=503, after=True, times=1),
}
DENIED = Fault("", error="AccessDeniedException", message="The role is not authorized to perform this.", status=403)
FAULTS = {**TRANSIENT, "denied": DENIED, "killed before": Fault("", error=KILLED, times=1)}
CLOCKS = {"an hour back": -_HOUR, "an hour on": _HOUR, "a day back": -_DAY, "a day on": _DAY}
BLOWS = ("stopped", "killed", *CLOCKS)
# A version or an update from before a clock was set back is younger than the run after it, which takes it for its own
# (docs/chaos.md).
_NOT_BACK = tuple(kind for kind in BLOWS if CLOCKS.get(kind, 0) >= 0)


@dataclass(frozen=True)
class Scene:
    """`play` says what happens; with `smooth`, each run of it succeeds if nothing but a transient fault happens."""

    name: str
    play: Callable[[World, Pipeline, random.Random], None]
    faults: Callable[[Pipeline], list[Fault]] = lambda pipeline: []
    smooth: bool = True
    fresh: bool = False
    stops: bool = False


@dataclass(frozen=True)
class Case:
    """A scene and what happens in it: a fault of a call, or a blow in a state."""

    pipeline: Pipeline
    scene: Scene
    place: str
    call: str  # or "" for a blow
    kind: str

    def __str__(self) -> str:
        return f"{self.pipeline.name}, {self.scene.name}: {self.place}{self.call and ', '}{self.call}: {self.kind}"


@dataclass
class Told:
    """All that was played: how many states and calls there are, how each kind ended, and what was broken."""

    states: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    played: dict[str, Counter[str]] = field(default_factory=dict)
    failing: dict[str, list[str]] = field(default_factory=dict)


def _needed(world: World, pipeline: Pipeline, chance: random.Random, *more: str) -> None:
    for file in (pipeline.files[0], *more):
        world.upload(file, pipeline.text(chance, file.partition("/")[0]))


def _with_optional(world: World, pipeline: Pipeline, chance: random.Random) -> None:
    _needed(world, pipeline, chance, pipeline.files[2])


def _with_poison(world: World, pipeline: Pipeline, chance: random.Random) -> None:
    _needed(world, pipeline, chance)
    world.upload(pipeline.files[1], pipeline.text(chance, pipeline.kinds[0], True))


def _with_one_that_fails(world: World, pipeline: Pipeline, chance: random.Random) -> None:
    """A file that every check lets pass, and the service does not."""
    _needed(world, pipeline, chance)
    row = f"{POISON},2025-01-03,5\n" if not pipeline.header else f"{POISON},i1,View,{10**9}\n"
    world.upload(pipeline.files[1], pipeline.text(chance, pipeline.kinds[0]) + row)


def _its_import_fails(pipeline: Pipeline) -> list[Fault]:
    file = f"s3://{DATA}/{pipeline.folder}{pipeline.files[1]}"
    message = f"The file {file} holds {POISON!r}."
    return [Fault(f"job:{pipeline.service}:DatasetImportJob", error="X", message=message, times=1)]


def _last_job_fails(pipeline: Pipeline) -> list[Fault]:
    return [Fault(f"job:{pipeline.service}:{pipeline.jobs[-1]}", error="X", message="No.", times=1)]


def _one_after_the_other(world: World, pipeline: Pipeline, chance: random.Random) -> None:
    _needed(world, pipeline, chance)
    text = pipeline.text(chance, pipeline.kinds[0])
    world.clock.at(_IN_MID_RUN, lambda: world.upload(pipeline.files[1], text), outside=True)


def _stopped_by_hand(world: World, pipeline: Pipeline, chance: random.Random) -> None:
    _needed(world, pipeline, chance)
    world.clock.at(_IN_MID_RUN, world.stop, outside=True)
    world.clock.at(_IN_MID_RUN + 1, lambda: world.start({}), outside=True)


SCENES = (
    Scene("first delivery", _with_optional, fresh=True),
    Scene("later delivery", _with_optional),
    Scene("a file is refused", _with_poison),
    Scene("an import fails", _with_one_that_fails, _its_import_fails),
    Scene("a job fails", _needed, _last_job_fails, smooth=False),
    Scene("two deliveries", _one_after_the_other),
    Scene("a run is stopped", _stopped_by_hand, smooth=False, stops=True),
)


def everywhere(world: World, every: int = 1, only: str = "") -> dict[str, Any]:
    """Each `every`th case of all whose name has `only` in it."""
    begun, told, number = time.process_time(), Told(), 0
    for pipeline in PIPELINES:
        life = _Life(world, pipeline)
        for case in _cases(life, told):
            if only in str(case):
                number += 1
                if number % every == 0:
                    _play(life, case, told)
        if words := life.leftovers():
            told.failing[f"{pipeline.name}, at the end"] = words
    return {
        "states": told.states,
        "calls": told.calls,
        "cases": sum(counted["cases"] for counted in told.played.values()),
        "played": told.played,
        "CPU seconds": round(time.process_time() - begun),
        "failing": told.failing,
    }


class _Life:
    """A pipeline from its first delivery on; cases that are not about the first one follow each other in it."""

    def __init__(self, world: World, pipeline: Pipeline):
        self.world, self.pipeline, self.goes_on = world, pipeline, False
        self.chance = random.Random(0)  # not begun again: a delivery like the one before would be nothing new

    def begin(self, scene: Scene) -> None:
        """Until the scene may be played."""
        if scene.fresh:
            self.world.begin(0, [], self.pipeline)
            self.goes_on = False
            return
        if not self.goes_on:
            self.world.begin(0, [], self.pipeline)
            for _ in range(4):  # `keep` is 2: the next run deletes what the first one made
                _with_optional(self.world, self.pipeline, self.chance)
                self.world.go()
            self.goes_on = True
        self.world.go_on(self.pipeline.files[1])

    def leftovers(self) -> list[str]:
        """After all these cases."""
        words: list[str] = []
        self.begin(SCENES[1])
        for _ in range(2):
            before = in_use(self.world)
            _with_optional(self.world, self.pipeline, self.chance)
            self.world.go()
            words = list(left_over(self.world, before))
        return words


def _cases(life: _Life, told: Told) -> Iterator[Case]:
    seen: set[tuple[str, str]] = set()
    entered: set[str] = set()
    for scene in SCENES:
        calls, states = _noted(life, scene)
        pipeline = life.pipeline
        told.calls[pipeline.name] += len(calls - seen)
        told.states[pipeline.name] += len(states - entered)
        for place, call in sorted(calls - seen):
            for kind in FAULTS:
                if kind != "answer lost" or not _notifies(place, call):
                    yield Case(pipeline, scene, place, call, kind)
        for state in sorted(states - entered):
            for kind in BLOWS if pipeline is not RECOMMENDING else _NOT_BACK:
                yield Case(pipeline, scene, state, "", kind)
        seen |= calls
        entered |= states


def _notifies(place: str, call: str) -> bool:
    """A notification whose answer is lost, that of the topic or of the step, is sent again (operations guide, what
    cannot be promised)."""
    return call == "sns:Publish" or (call == "lambda:InvokeFunction" and place.startswith("Notify"))


def _noted(life: _Life, scene: Scene) -> tuple[set[tuple[str, str]], set[str]]:
    """The calls that the scene makes, with their places, and the states that it enters."""
    world, states = life.world, set[str]()
    life.begin(scene)
    write(world.inside.settings.faults, scene.faults(life.pipeline))
    world.inside.switch.calls, world.inside.entering = set(), lambda execution, state: states.add(state)
    scene.play(world, life.pipeline, life.chance)
    world.go()
    calls, world.inside.switch.calls = world.inside.switch.calls, None
    world.inside.entering = lambda execution, state: None
    sweep(world)
    return {(place, call) for place, call in calls if not call.startswith("job:")}, states


def _play(life: _Life, case: Case, told: Told) -> None:
    world, struck = life.world, []
    life.begin(case.scene)
    faults = case.scene.faults(case.pipeline) + ([_fault(case)] if case.call else [])
    write(world.inside.settings.faults, faults)
    if not case.call:
        world.inside.entering = partial(_strike, world, case, struck)
    case.scene.play(world, case.pipeline, life.chance)
    world.go()
    world.inside.entering = lambda execution, state: None
    met = struck or any(fault == faults[-1] for fault in world.inside.switch.met)
    runs = world.runs()
    write(world.inside.settings.faults, [])
    sweep(world)
    # Also where nobody may call the step that notifies, or it the topic: nobody can be notified of that.
    unheard = case.kind == "denied" and _notifies(case.place, case.call)
    cut_short = unheard or case.scene.stops or case.kind in ("killed", "killed before", "stopped")
    events = [Event(0, "stop")] if cut_short else []
    story = Story(0, case.pipeline, events, faults)
    words = broken(world, story, world.told(), clock_set=case.kind in CLOCKS)
    if not met and case.scene.fresh:
        words.append("it never happened")
    if case.scene.smooth and case.kind in (*TRANSIENT, *CLOCKS):
        words += [f"a run {run.status}: {run.error} {run.cause}" for run in runs if run.status != "SUCCEEDED"]
    ended = Counter(run.status for run in runs if run.passed("Plan") or run.status != "SUCCEEDED")
    # A later scene goes its way by how long its jobs take.
    told.played.setdefault(case.kind, Counter()).update({"cases": 1, "not met": int(not met)})
    told.played[case.kind].update(ended)
    if words:
        told.failing[str(case)] = words
        life.goes_on = False


# The names that services give these errors: Lambda's for an invocation (Step Functions guide,
# bp-lambda-serviceexception), and S3's.
_NAMED = {
    ("lambda:InvokeFunction", "throttled"): "TooManyRequestsException",
    ("lambda:InvokeFunction", "server error"): "ServiceException",
    ("lambda:InvokeFunction", "answer lost"): "Sandbox.Timedout",
}


def _fault(case: Case) -> Fault:
    fault = replace(FAULTS[case.kind], operation=case.call, containing=within(case.place))
    if case.call.startswith("s3:") and case.kind == "denied":
        return replace(fault, error="AccessDenied")
    return replace(fault, error=_NAMED.get((case.call, case.kind), fault.error))


def _strike(world: World, case: Case, struck: list[str], execution: dict[str, Any], state: str) -> None:
    """The blow, when the state is entered for the first time."""
    if state != case.place or struck:
        return
    struck.append(execution["executionArn"])
    if case.kind == "killed":
        raise Crash
    if case.kind == "stopped":
        with world.calmly():
            world.machines.stop_execution(executionArn=struck[0], cause="by hand")
    else:
        world.clock.set(CLOCKS[case.kind])
