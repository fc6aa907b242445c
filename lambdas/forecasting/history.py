"""Reads what a report needs from S3, row by row: the target's history, the exported forecasts, the backtests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from common.store import CsvFolder
from forecasting.payload import Run

SEASON = {"D": 7, "W": 52, "M": 12, "Y": 1, "H": 24, "30min": 48, "15min": 96, "10min": 144, "5min": 288, "1min": 1440}
Key = tuple[str, ...]


@dataclass
class History:
    """The target: its time axis, the volume of each series, and the values that were asked for."""

    axis: list[str]
    volume: dict[Key, float]
    values: dict[Key, dict[str, float]] = field(default_factory=dict)


@dataclass
class Target:
    """Where the target's columns are. A series is its item and dimensions, in lower case as Forecast exports them."""

    files: CsvFolder
    item: int
    timestamp: int
    value: int
    dimensions: tuple[int, ...]

    @classmethod
    def of(cls, event: Run) -> Target:
        config = event["config"]
        columns = list(config["datasets"]["target"])
        return cls(
            CsvFolder.listed(event["dataBucket"], f"forecasting/{event['dataset']}/target/"),
            columns.index(event["domain"]["item"]),
            columns.index("timestamp"),
            columns.index(event["domain"]["target"]),
            tuple(columns.index(name) for name in config["dimensions"]),
        )

    def observations(self) -> Iterable[tuple[Key, str, float]]:
        for row in self.files.rows():
            if row and row[self.value] and row[self.timestamp] != "timestamp":  # not a header
                key = tuple(row[i].lower() for i in (self.item, *self.dimensions))
                yield key, moment(row[self.timestamp]), float(row[self.value])


def overview(target: Target) -> History:
    """Axis and volumes; values are left for `recall`, so that memory grows with the series and not the rows."""
    volume: dict[Key, float] = defaultdict(float)
    axis = set()
    for key, when, value in target.observations():
        volume[key] += value
        axis.add(when)
    return History(sorted(axis), volume)


def recall(target: Target, history: History, *, head: set[Key], since: str, everywhere: set[str]) -> None:
    """Fill in values: those of the `head` series from `since` on, those of all series at the moments `everywhere`."""
    for key, when, value in target.observations():
        if when in everywhere or (key in head and when >= since):
            series = history.values.setdefault(key, {})
            series[when] = series.get(when, 0.0) + value


def quantiles(
    exported: Iterable[dict[str, str]], event: Run, head: set[Key], time: str
) -> dict[Key, dict[str, dict[str, float]]]:
    """`{series: {column: {moment: value}}}` of exported records, such as column p05, for the head series."""
    found: dict[Key, dict[str, dict[str, float]]] = {}
    for record in exported:
        key = series_key(record, event)
        if key in head:
            for column, value in forecast_columns(record):
                found.setdefault(key, {}).setdefault(column, {})[moment(record[time])] = value
    return found


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
    return tuple(value.lower() for value in (item, *(record[name] for name in event["config"]["dimensions"])))


def moment(text: str) -> str:
    """`2014-11-01`, `2014-11-01 06:00:00` and `2014-11-01T06:00:00Z` in one form that sorts: `2014-11-01T06:00:00`."""
    text = text.strip().rstrip("Z").replace(" ", "T")
    return text if len(text) > 10 else f"{text}T00:00:00"


def day(moment: str) -> str:
    """Such a moment as people write it: without the time where that is midnight."""
    return moment.removesuffix("T00:00:00")
