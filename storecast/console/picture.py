"""A run as a picture of its state machine, in Graphviz's language: what it did, how long, where it failed.

A state machine has about a hundred states; most only wait, choose or clean up. The picture has those that do something,
as `Step` names them, and of the others none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from storecast.client.model import RunDetail, State, Step
from storecast.console import words

_COLOURS = {"succeeded": "#3fb950", "failed": "#e5534b", "running": "#2f81f7", "": "#8793a3"}
_SELDOM = ("lock", "refused", "quarantine", "failure", "failed", "Start the next run", "nothing else", "holder")
_OUTER = "Pipeline"  # holds all that does the work
_HELD = ("Parallel", "Map")


@dataclass(frozen=True)
class _Shown:
    """A node of the picture, or a box around nodes."""

    name: str
    container: str
    step: Step | None


def dot(states: Sequence[State], detail: RunDetail) -> str:
    """The picture as a digraph, from top to bottom."""
    shown = _shown(states, detail)
    boxes = {each.container for each in shown.values()} - {""}
    nodes = [each for each in shown.values() if each.name not in boxes]
    lines = [
        'digraph { bgcolor="transparent"; rankdir=TB; nodesep=0.25; ranksep=0.3;',
        'node [shape=box, style="rounded", fontname="sans-serif", fontsize=13, color="#8793a3", fontcolor="#8793a3"];',
        'edge [color="#8793a3", arrowsize=0.7];',
        *(_node(each) for each in nodes if not each.container),
        *(line for box in boxes if not shown[box].container for line in _box(box, shown, boxes)),
    ]
    lines += [f"{_quoted(one)} -> {_quoted(other)};" for one, other in _edges(states, shown, boxes)]
    return "\n".join([*lines, "}"])


def _shown(states: Sequence[State], detail: RunDetail) -> dict[str, _Shown]:
    """What is in the picture: each step that the run took, and of one that is not through what it has not come to."""
    steps = {each.name: each for each in detail.steps}
    through = detail.run.status == "SUCCEEDED"
    found: dict[str, _Shown] = {}
    for state in states:
        name = step_of(state)
        if name is None or name in found:
            continue
        seldom = any(word in name for word in _SELDOM)
        if name in steps and "Plan" in steps and seldom and steps[name].status == "succeeded":
            continue  # the picture is of what the run is for
        if name in steps or not (through or state.type in _HELD or seldom):
            found[name] = _Shown(name, state.container, steps.get(name))
    # Whatever holds a node is a box, also where it is no step of its own.
    holders = {state.name: state.container for state in states if state.type in _HELD}
    for each in list(found.values()):
        box = each.container
        while box and box not in found:
            found[box] = _Shown(box, holders[box], steps.get(box))
            box = holders[box]
    return found


def step_of(state: State) -> str | None:
    """The step that a state belongs to: the states of a wait are one; None for those that do nothing."""
    if state.type not in ("Task", "Wait", *_HELD):
        return None
    if state.name.startswith("Describe "):
        return f"Wait for {state.name.removeprefix('Describe ')}"
    return state.name


def _box(box: str, shown: Mapping[str, _Shown], boxes: set[str]) -> Iterator[str]:
    framed = box != _OUTER
    if framed:
        yield f'subgraph "cluster_{box}" {{ label={_quoted(_label(box, shown[box].step))}; style=rounded;'
        yield 'color="#8793a3"; fontname="sans-serif"; fontsize=12; fontcolor="#8793a3"; labeljust=l;'
    for each in shown.values():
        if each.container == box and each.name in boxes:
            yield from _box(each.name, shown, boxes)
        elif each.container == box:
            yield _node(each)
    if framed:
        yield "}"


def _node(each: _Shown) -> str:
    colour = _COLOURS[each.step.status if each.step else ""]
    style = "rounded" if each.step else "rounded,dashed"
    width = 2.5 if each.step and each.step.status == "failed" else 1.2
    return (
        f"{_quoted(each.name)} [label={_quoted(_label(each.name, each.step))}, "
        f'color="{colour}", fontcolor="{colour}", style="{style}", penwidth={width}];'
    )


def _label(name: str, step: Step | None) -> str:
    if step is None:
        return name
    times = f" ({step.times}×)" if step.times > 1 and step.kind != "wait" else ""
    return f"{name}{times}\n{words.lasted(step.started, step.stopped)}"


def _edges(states: Sequence[State], shown: Mapping[str, _Shown], boxes: set[str]) -> Iterator[tuple[str, str]]:
    """From what is in the picture to what follows it there, over the states that are not. No way back is drawn."""
    place = {state.name: at for at, state in enumerate(states)}
    by_name = {state.name: state for state in states}
    node_of = {state.name: name for state in states if (name := step_of(state)) and name in shown}
    inner = {box: [each.name for each in shown.values() if each.container == box] for box in boxes}

    def following(state: State, seen: set[str]) -> Iterator[str]:
        for name in state.next:
            if name in seen or name not in by_name or place[name] < place[state.name]:
                continue
            seen.add(name)
            if name in node_of and node_of[name] != node_of.get(state.name):
                yield node_of[name]
            else:
                yield from following(by_name[name], seen)

    def steps_from(name: str) -> list[str]:
        found = [other for state in states if node_of.get(state.name) == name for other in following(state, set())]
        return list(dict.fromkeys(each for each in found if each != name))

    follows = {name: steps_from(name) for name in shown}

    def first(name: str) -> list[str]:
        """The nodes of a box with which it begins."""
        if name not in boxes:
            return [name]
        later = {other for each in inner[name] for other in follows[each]}
        return [node for each in inner[name] if each not in later for node in first(each)]

    def last(name: str) -> list[str]:
        if name not in boxes:
            return [name]
        ending = [each for each in inner[name] if not set(follows[each]) & set(inner[name])]
        return [node for each in ending for node in last(each)]

    drawn = set()
    for name in shown:
        for other in follows[name]:
            for pair in ((one, two) for one in last(name) for two in first(other)):
                if pair not in drawn:
                    drawn.add(pair)
                    yield pair


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
