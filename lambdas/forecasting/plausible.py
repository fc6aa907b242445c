"""What a service accepts and nobody means: times of sales in the future or far from all others, and names that differ
in case alone, which Forecast makes one.

Rows are `watched` as a check reads them; the files of a dataset are then judged together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from common import intake
from common.intake import Checked
from common.tables import Expected
from forecasting.config import Config, DomainColumns
from forecasting.history import Steps
from storecast_engines.time_steps import seconds

_AHEAD = timedelta(days=1)  # clocks and time zones differ; recommending allows as much
_FAR = 366 * 86_400  # seconds, at least, between the others and a time that is far from them
_STEPS, _SHARE = 10, 0.05  # and so many time steps; more than this share of all rows is no slip
_REMEDY = "correct it, or if it is right, write implausible_times: accept under forecasting in pipeline.yaml"


class First(NamedTuple):
    """Where something is seen first in a file."""

    row: int
    text: str


@dataclass
class Seen:
    """What a file holds: how many rows of each time step, and the names in the columns that tell series apart."""

    rows: Counter[int] = field(default_factory=Counter)
    first: dict[int, First] = field(default_factory=dict)  # by time step
    names: dict[tuple[str, str], int] = field(default_factory=dict)  # column and name: its first row, if no file before


def watched(
    rows: Iterable[tuple[int, list[str]]],
    found: Seen,
    columns: Sequence[str],
    telling: Iterable[str],
    before: set[tuple[str, str]],
    steps: Steps,
) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file with their numbers, as they come; what is in them is kept in `found`.

    The columns `telling` series apart are looked at as far as the file has them; `before` are the names in the files
    before it, so that memory grows with the names and not with the files.
    """
    time = columns.index("timestamp") if "timestamp" in columns else None
    places = [(columns.index(name), name) for name in telling if name in columns]
    for number, row in rows:
        for at, column in places:
            name = column, row[at]
            if name not in before:
                before.add(name)
                found.names[name] = number
        if time is not None:
            step = steps.number(row[time])
            found.rows[step] += 1
            if step not in found.first:
                found.first[step] = First(number, row[time])
        yield number, row


def implausible(target: Mapping[str, Seen], steps: Steps, frequency: str, now: datetime) -> Iterator[tuple[str, str]]:
    """The files of the target whose times lie in the future or far from all others, and why, naming a row."""
    rows = Counter[int]()
    for each in target.values():
        rows.update(each.rows)
    latest = steps.number((now + _AHEAD).isoformat(timespec="seconds"))
    late = {step for step in rows if step > latest}
    far = _far({step: count for step, count in rows.items() if step not in late}, frequency)
    for file, each in target.items():
        if wrong := sorted(late & each.rows.keys()):
            why = f"lies in the future (now it is {now:%Y-%m-%d %H:%M} UTC), but the target holds what was sold"
        elif wrong := sorted(far & each.rows.keys()):
            others = [step for step in rows if step not in late | far]
            why = f"is far from all others, {steps.text(min(others))[:10]} to {steps.text(max(others))[:10]}"
        else:
            continue
        first, more = each.first[wrong[0]], sum(each.rows[step] for step in wrong) - 1
        such = f" ({more + 1:,} such rows)" if more else ""
        yield file, f"{file}, row {first.row}, timestamp: {first.text!r} {why}{such}; {_REMEDY}"


def _far(rows: Mapping[int, int], frequency: str) -> set[int]:
    """The few time steps before or after a gap that is longer than all that is on its other side."""
    ordered, total = sorted(rows), sum(rows.values())
    least = max(_STEPS, _FAR // seconds(frequency))
    before = 0
    for at, (step, following) in enumerate(zip(ordered, ordered[1:])):
        before += rows[step]
        gap = following - step
        if gap > max(least, step - ordered[0]) and total - before <= _SHARE * total:
            return set(ordered[at + 1 :])
        if gap > max(least, ordered[-1] - following) and before <= _SHARE * total:
            return set(ordered[: at + 1])
    return set()


def colliding(files: Iterable[tuple[str, Seen]]) -> Iterator[tuple[str, str]]:
    """The files with names that differ in case alone from names before them, and why; the files of the target come
    first, and of a dataset those that were there first."""
    known: dict[tuple[str, str], tuple[str, str, int]] = {}  # by column and name in lower case: name, file, row
    for file, each in files:
        own: dict[tuple[str, str], tuple[str, str, int]] = {}
        refused = None
        for (column, name), row in each.names.items():
            key = column, name.lower()
            other, there, where = known.get(key) or own.setdefault(key, (name, file, row))
            if other != name and refused is None:
                place = f"row {where}" if there == file else f"{there}, row {where}"
                refused = (
                    f"{file}, row {row}, {column}: {name!r} differs from {other!r} ({place}) in case alone, and "
                    "Forecast makes both one, as it lower-cases names; write it the same way everywhere"
                )
        if refused:
            yield file, refused
        else:
            known |= own  # of a file that is refused, no name counts


class Plausible:
    """What the files of a dataset hold, as far as that tells what is odd about them together.

    Judge again without the files that are refused: what is seen in a file first is not looked for in those after it.
    """

    def __init__(self, config: Config, domain: DomainColumns, now: datetime) -> None:
        self._config, self._now, self._steps = config, now, Steps(config)
        self._names = (domain["item"], *config["dimensions"])
        self._seen: dict[str, dict[str, Seen]] = defaultdict(dict)
        self._before: set[tuple[str, str]] = set()

    def watch(self, kind: str) -> intake.Watch:
        """What looks at the rows of this kind of dataset while they are checked."""

        def watching(file: intake.File, rows: intake.Rows, expected: Expected) -> intake.Rows:
            found = self._seen[kind][file.name] = Seen()
            return watched(rows, found, list(expected.columns), self._names, self._before, self._steps)

        return watching

    def odd(self, checked: Mapping[str, Checked]) -> dict[str, dict[str, str]]:
        """By kind, which of the files that were accepted are odd, and why."""
        accepted = {kind: {name: self._seen[kind][name] for name in of.layouts} for kind, of in checked.items()}
        of_file = {name: kind for kind, files in accepted.items() for name in files}
        found: dict[str, dict[str, str]] = {kind: {} for kind in checked}
        if "target" in accepted and self._config.get("implausible_times") != "accept":
            found["target"] |= implausible(accepted["target"], self._steps, self._config["frequency"], self._now)
        files = ((name, each) for of_kind in accepted.values() for name, each in of_kind.items())
        for name, why in colliding((name, each) for name, each in files if name not in found.get("target", {})):
            found[of_file[name]][name] = why
        return found
