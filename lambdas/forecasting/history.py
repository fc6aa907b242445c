"""Reads what a report needs from S3, row by row: the target's history, the exported forecasts, the backtests.

The history is on the time steps of the predictor, aggregated and filled as it is there: the engines share the rules
(`storecast_engines.time_steps`).
"""

from __future__ import annotations

import bisect
import functools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from common.deliveries import planned
from common.store import CsvFolder
from forecasting.config import Settings
from forecasting.payload import Run
from storecast_engines.time_steps import STATISTIC_WINDOW, TARGET_DEFAULTS, Cell, TimeSteps, add, aggregated, filler

Key = tuple[str, ...]
Wanted = Callable[[Key, int], bool]  # of a series and a time step


class Steps:
    """The time steps of a config, by number, and as they are written: `2014-11-01T06:00:00`, which sorts."""

    def __init__(self, config: Settings) -> None:
        self._steps = TimeSteps(config["frequency"], config["time_alignment_boundary"])
        self.number = functools.lru_cache(100_000)(self._number)  # the same few moments come in every series

    def _number(self, moment: str) -> int:
        return self._steps.number(parsed(moment))

    def text(self, number: int) -> str:
        return self._steps.start(number).isoformat()

    def aligned(self, moment: str) -> str:
        return self.text(self.number(moment))


@dataclass
class Target:
    """Where the target's columns are."""

    files: CsvFolder
    columns: list[str]
    item: int
    timestamp: int
    value: int
    dimensions: tuple[int, ...]

    @classmethod
    def of(cls, event: Run) -> Target:
        config = event["config"]
        columns = list(config["datasets"]["target"])
        return cls(
            planned(event, f"forecasting/{event['dataset']}/", "target"),
            columns,
            columns.index(event["domain"]["item"]),
            columns.index("timestamp"),
            columns.index(event["domain"]["target"]),
            tuple(columns.index(name) for name in config["dimensions"]),
        )

    def observations(self, steps: Steps) -> Iterator[tuple[Key, int, str, float | None]]:
        """Of each row its series as it was delivered, its time step, the moment, and the value, None where that is
        empty. Raises ValueError naming file and row."""
        for place, row in self.files.rows_of(self.columns):
            moment, value = row[self.timestamp], row[self.value]
            if moment == "timestamp":  # a header
                continue
            try:
                step, number = steps.number(moment), float(value) if value else None
            except ValueError as error:
                raise ValueError(f"{place}: {','.join(row)[:200]!r}: {error}; upload a corrected file") from error
            yield tuple(row[i] for i in (self.item, *self.dimensions)), step, moment, number


@dataclass
class History:
    """The target on its time steps: where each series starts and ends, and its values at the steps that were wanted.

    A series is its item and dimensions, in lower case as Forecast exports them; `names` has them as they were
    delivered, also of series without any value. What is kept for each wanted step takes less than 200 bytes.
    """

    steps: Steps
    rules: dict[str, str]  # aggregation and filling
    names: dict[Key, Key] = field(default_factory=dict)
    empty: int = 0  # rows without a value
    below_zero: int = 0  # rows
    first: dict[Key, int] = field(default_factory=dict)
    last: dict[Key, int] = field(default_factory=dict)
    cells: dict[Key, dict[int, Cell]] = field(default_factory=lambda: defaultdict(dict))
    _sums: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    _recorded: dict[Key, list[int]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether all values are kept: sums and constant fillings need none but those that were wanted."""
        constant = ("zero", "value")
        filled = self.rules["middlefill"] in constant and self.rules["backfill"] in constant
        return self.rules["aggregation"] != "sum" or not filled

    @property
    def start(self) -> int:
        """The first step of all series."""
        return min(self.first.values())

    @property
    def end(self) -> int:
        """The last step of all series, to which each is filled."""
        return max(self.last.values())

    @property
    def respelled(self) -> dict[Key, Key]:
        """The series that were delivered otherwise than in lower case."""
        return {key: named for key, named in self.names.items() if key != named}

    def label(self, key: Key) -> str:
        """A series as it was delivered."""
        return " / ".join(self.names.get(key, key))

    def volume(self, key: Key) -> float:
        """The sum of all values of a series."""
        if not self.complete:
            return self._sums[key]
        return sum(aggregated(self.rules["aggregation"], cell) for cell in self.cells[key].values())

    def value(self, key: Key, step: int) -> float | None:
        """The value of a series at a step that was wanted, filled where nothing was recorded; None: missing."""
        if not self.first.get(key, step + 1) <= step <= self.end:
            return None
        if (cell := self.cells.get(key, {}).get(step)) is not None:
            return aggregated(self.rules["aggregation"], cell)
        filled = filler(self.rules, "middlefill" if step < self.last[key] else "backfill", self._before(key, step))
        return None if math.isnan(filled) else filled

    def newest(self, key: Key, step: int, every: int) -> float | None:
        """The value at the step, or where it is missing the next one `every` steps before it that is not."""
        values = (self.value(key, each) for each in range(step, self.first.get(key, step + 1) - 1, -every))
        return next((value for value in values if value is not None), None)

    def _before(self, key: Key, step: int) -> list[float]:
        """The values recorded before the step, as far as a filling looks back."""
        if not self.complete:
            return []
        recorded = self._recorded.setdefault(key, sorted(self.cells.get(key, ())))
        before = recorded[: bisect.bisect_left(recorded, step)][-STATISTIC_WINDOW:]
        return [aggregated(self.rules["aggregation"], self.cells[key][each]) for each in before]


def read(target: Target, event: Run, wanted: Wanted) -> History:
    """The history of the target's files, with the values that are wanted."""
    config = event["config"]
    rules = {**TARGET_DEFAULTS, **config["filling"].get(event["domain"]["target"], {})}
    found, how = History(Steps(config), rules), rules["aggregation"]
    everything = found.complete
    for named, step, moment, value in target.observations(found.steps):
        key = lower(named)
        found.names.setdefault(key, named)
        if value is None:
            found.empty += 1
            continue
        found.below_zero += value < 0
        found.first[key] = min(step, found.first.get(key, step))
        found.last[key] = max(step, found.last.get(key, step))
        found._sums[key] += value
        if everything or wanted(key, step):
            of_series = found.cells[key]
            of_series[step] = add(how, of_series.get(step), value, parsed(moment))
    return found


def lower(names: Iterable[str]) -> Key:
    return tuple(name.lower() for name in names)


def quantiles(
    exported: Iterable[dict[str, str]], event: Run, steps: Steps, head: set[Key], time: str
) -> tuple[dict[Key, dict[str, dict[str, float]]], set[Key]]:
    """Of exported records `{series: {column: {moment: value}}}`, such as column p05, for the head; and all series."""
    found: dict[Key, dict[str, dict[str, float]]] = {}
    there: set[Key] = set()
    for record in exported:
        key = series_key(record, event)
        there.add(key)
        if key in head:
            for column, value in forecast_columns(record):
                found.setdefault(key, {}).setdefault(column, {})[steps.aligned(record[time])] = value
    return found, there


def forecast_columns(record: dict[str, str]) -> Iterator[tuple[str, float]]:
    """The forecast values of an exported record: `mean`, and quantiles such as `p05`.

    The guide shows p10 and p90 only; a quantile below 0.1 may be exported as p5 or p05, and is p05 here.
    """
    for column, value in record.items():
        if column == "mean":
            yield column, float(value)
        elif column[:1] == "p" and column[1:].isdigit():
            yield f"p{int(column[1:]):02d}", float(value)


def backtests(bucket: str, folder: str) -> CsvFolder:
    """The backtest export: actual values beside what was forecast for them."""
    return CsvFolder.listed(bucket, f"{folder}forecasted-values/")


def series_key(record: dict[str, str], event: Run) -> Key:
    """The item is the first column of every export, whatever the domain calls it; dimensions go by their names, as a
    forecast's export has the date before them and a backtest's the time after them."""
    item = next(iter(record.values()))
    return lower((item, *(record[name] for name in event["config"]["dimensions"])))


def parsed(moment: str) -> datetime:
    """`2014-11-01`, `2014-11-01 06:00:00` or `2014-11-01T06:00:00Z`."""
    return datetime.fromisoformat(moment.strip().rstrip("Z"))


def day(moment: str) -> str:
    """Such a moment as people write it: without the time where that is midnight."""
    return moment.removesuffix("T00:00:00")
