"""Forecasts of items: which items there are, one item's past and future, its backtests and scenarios, and how far all
backtests were off.

The columns of exports are known by their names: the item's comes first, `date` or `timestamp` is the time, p05, p50 and
mean are values, the others are dimensions. Names of items and dimensions are compared without regard to case, as
Forecast exports them in lower case.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storecast.client import datasets, files, results
from storecast.client.aws import Aws, NotThere, Unclear, alike
from storecast.client.model import (
    Dataset,
    Forecast,
    Item,
    ItemError,
    Point,
    Quantiles,
    StepError,
)
from storecast_engines.time_steps import TARGET_DEFAULTS, Cell, TimeSteps, add, aggregated

_VALUE = re.compile(r"mean|p\d+")
_TIMES = ("date", "timestamp")
_NAMED = 8  # series that an error names
Key = tuple[str, ...]  # item and dimensions, in lower case


@dataclass(frozen=True)
class _Columns:
    """What the target's columns are called, and its time steps."""

    target: list[str]
    item: str
    value: str
    dimensions: tuple[str, ...]
    frequency: str
    aggregation: str
    steps: TimeSteps


def items(aws: Aws, dataset: Dataset, search: str = "", most: int = 50) -> list[Item]:
    """The series that are forecast whose item, dimensions or metadata contain the text, in any case; by name."""
    published = results.needed(aws, dataset, "forecasting")
    wanted, found = search.lower(), dict[Key, Item]()
    about = _metadata(aws, dataset, published["run"])
    for record in _first_export(aws, published):
        series = _series(record)
        key = _lower(series)
        if key in found:
            continue
        described = about.get(key[0], {})
        if not wanted or any(wanted in each.lower() for each in (*series, *described.values())):
            found[key] = Item(series[0], series[0], series[1:], described)
    return sorted(found.values(), key=lambda item: (item.id, item.dimensions))[:most]


def dimensions(aws: Aws, dataset: Dataset) -> tuple[str, ...]:
    """The names of the dimensions that a series has beside its item, in the order of `Item.dimensions`."""
    published = results.needed(aws, dataset, "forecasting")
    return tuple(_dimensions(next(_first_export(aws, published), {"": ""})))


def forecast(
    aws: Aws,
    dataset: Dataset,
    item: str,
    dimensions: Mapping[str, str] | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    extras: bool = True,
) -> Forecast:
    """The forecast of an item, with its past; `since` and `until` bound both, `extras` are backtests and scenarios.

    Raises NotThere for an item that is not forecast, naming some that are like it, and Unclear where the item has
    several series and the dimensions don't say which.
    """
    published = results.needed(aws, dataset, "forecasting")
    settings = datasets.settings(aws, dataset, "forecasting")
    columns = _columns(settings)
    exports = [
        record
        for made in published["forecasts"].values()
        for record in _records_of(aws, made["exports"], item)
        if next(iter(record.values())).lower() == item.lower()
    ]
    series = _one_series(aws, dataset, exports, item, dimensions or {})
    key = _lower(series)
    ahead = _by_time(record for record in exports if _lower(_series(record)) == key)
    past = _past(aws, dataset, published["run"], columns, key)
    about = _metadata(aws, dataset, published["run"], series[0]).get(key[0], {})
    scenarios: dict[str, tuple[Quantiles, ...]] = {}
    backtest: tuple[Quantiles, ...] = ()
    if extras:
        tested = (each for each in _records_of(aws, f"{published['backtests']}forecasted-values/", item))
        backtest = _by_time(record for record in tested if _lower(_series(record)) == key)
        scenarios = _scenarios(aws, dataset, published, item, key)
    return Forecast(
        item=Item(series[0], series[0], series[1:], about),
        frequency=columns.frequency,
        run=published["run"],
        columns=_ordered({name for each in ahead for name in each.values}),
        past=tuple(each for each in past if _within(each.time, since, until)),
        ahead=tuple(each for each in ahead if _within(each.time, since, until)),
        backtest=tuple(each for each in backtest if _within(each.time, since, until)),
        scenarios=scenarios,
        dimensions=tuple(_dimensions(exports[0])),
    )


def errors(aws: Aws, dataset: Dataset) -> tuple[list[ItemError], list[StepError]]:
    """How far the backtests of the newest run were off: by series, those that missed by most units first; and by
    horizon step."""
    published = results.needed(aws, dataset, "forecasting")
    columns = _columns(datasets.settings(aws, dataset, "forecasting"))
    by_series: dict[Key, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    by_step: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    names: dict[Key, Key] = {}
    number = _numbering(columns.steps)
    for record in _records_of(aws, f"{published['backtests']}forecasted-values/"):
        if not record["target_value"]:
            continue
        actual, expected = float(record["target_value"]), float(record.get("mean") or record["p50"])
        series = _series(record)
        names.setdefault(_lower(series), series)
        step = number(record["timestamp"]) - number(record["backtestwindow_start_time"]) + 1
        for sums in (by_series[_lower(series)], by_step[step]):
            sums[0] += actual
            sums[1] += expected
            sums[2] += abs(actual - expected)
    of_items = [ItemError(Item(names[key][0], names[key][0], names[key][1:]), *sums) for key, sums in by_series.items()]
    return (
        sorted(of_items, key=lambda each: (-each.error, each.item.id)),
        [StepError(step, *by_step[step]) for step in sorted(by_step)],
    )


def _one_series(
    aws: Aws, dataset: Dataset, exports: Iterable[Mapping[str, str]], item: str, dimensions: Mapping[str, str]
) -> Key:
    """The series that item and dimensions name."""
    wanted = {name.lower(): value.lower() for name, value in dimensions.items()}
    found: dict[Key, Key] = {}
    known: set[str] = set()
    for record in exports:
        named = _dimensions(record)
        known |= set(named)
        if all(named.get(name, "").lower() == value for name, value in wanted.items()):
            series = _series(record)
            found.setdefault(_lower(series), series)
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        several = ", ".join(" / ".join(each[1:]) for each in sorted(found.values())[:_NAMED])
        names = ", ".join(sorted(known))
        raise Unclear(
            f"{item}: {len(found)} series: {several}", f"say which one by --dimension NAME=VALUE; names are {names}"
        )
    if known:
        raise NotThere(
            f"{item}: no series with {', '.join(f'{name}={value}' for name, value in dimensions.items())}",
            f"leave out --dimension to see which there are; names are {', '.join(sorted(known))}",
        )
    names_ = list(dict.fromkeys(each.id for each in items(aws, dataset, most=100_000)))
    raise NotThere(
        f"{item}: not among the {len(names_):,} items that are forecast",
        f"choose one, such as {', '.join(alike(item, names_))}",
    )


def _scenarios(
    aws: Aws, dataset: Dataset, published: Mapping[str, Any], item: str, key: Key
) -> dict[str, tuple[Quantiles, ...]]:
    """The what-if forecasts of a series by scenario; their columns are `<name of the forecast>_p50`, and the name of
    the forecast holds that of the scenario."""
    names = sorted((each["name"] for each in published.get("whatIf", ())), key=len, reverse=True)
    if not names:
        return {}
    uri = _what_if_folder(dataset, published)
    found: dict[str, list[Quantiles]] = defaultdict(list)
    for record in _records_of(aws, uri, item):
        if _lower(_series(record)) != key:
            continue
        values: dict[str, dict[str, float]] = defaultdict(dict)
        for column, value in record.items():
            of, _, kind = column.lower().rpartition("_")
            name = next((name for name in names if f"_{name.lower()}_" in f"_{of}_"), None)
            if name and _VALUE.fullmatch(kind):
                values[name][_column(kind)] = float(value)
        for name, of_name in values.items():
            found[name].append(Quantiles(_moment(record), of_name))
    return {name: tuple(sorted(each, key=lambda at: at.time)) for name, each in found.items()}


def _what_if_folder(dataset: Dataset, published: Mapping[str, Any]) -> str:
    """The engine `storecast` writes all that a job makes into one folder, and names a forecast by its own in there."""
    made: str = next(iter(published["forecasts"].values())).get("forecastArn", "")
    if made.startswith("s3://"):
        return f"{made.rpartition('/')[0]}/what-if/"
    return f"s3://{dataset.results_bucket}/{dataset.folder('forecasting')}what-if/run={published['run']}/"


def _past(aws: Aws, dataset: Dataset, run: str, columns: _Columns, key: Key) -> list[Point]:
    """What was recorded of a series, by time step, aggregated as it is in the predictor."""
    cells: dict[int, Cell] = {}
    number = _numbering(columns.steps)
    for record in _delivered(aws, dataset, run, "target", columns.target, key[0]):
        if _lower(record.get(name, "") for name in (columns.item, *columns.dimensions)) != key:
            continue
        moment, value = record.get("timestamp", ""), record.get(columns.value)
        if not value or moment == "timestamp":
            continue
        step = number(moment)
        cells[step] = add(columns.aggregation, cells.get(step), float(value), _parsed(moment))
    return [Point(columns.steps.start(step), aggregated(columns.aggregation, cells[step])) for step in sorted(cells)]


def _metadata(aws: Aws, dataset: Dataset, run: str, containing: str = "") -> dict[str, dict[str, str]]:
    """By item in lower case, the other columns of the metadata files."""
    settings = datasets.settings(aws, dataset, "forecasting")
    names = settings["config"]["datasets"].get("metadata")
    item = settings["domain"]["item"]
    if names is None:
        return {}
    listed = list(names) if isinstance(names, dict) else [item]
    return {
        record[item].lower(): {name: value for name, value in record.items() if name != item}
        for record in _delivered(aws, dataset, run, "metadata", listed, containing)
        if record.get(item)
    }


def _delivered(
    aws: Aws, dataset: Dataset, run: str, kind: str, columns: list[str], containing: str = ""
) -> Iterator[dict[str, str]]:
    folder = dataset.folder("forecasting")
    data = files.json_of(aws, dataset.results_bucket, f"{folder}runs/{run}/data.json") or {}
    planned = data.get(kind, {"files": {}})
    named = list(planned.get("columns", ())) or columns
    return files.delivered(aws, dataset.data_bucket, planned, named, containing)


def _columns(settings: Mapping[str, Any]) -> _Columns:
    config, domain = settings["config"], settings["domain"]
    declared = config["datasets"]["target"]
    target = list(declared) if isinstance(declared, dict) else [domain["item"], "timestamp", domain["target"]]
    filling = config.get("filling", {}).get(domain["target"], {})
    return _Columns(
        target,
        domain["item"],
        domain["target"],
        tuple(config["dimensions"]),
        config["frequency"],
        {**TARGET_DEFAULTS, **filling}["aggregation"],
        TimeSteps(config["frequency"], config["time_alignment_boundary"]),
    )


def _first_export(aws: Aws, published: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    return _records_of(aws, next(iter(published["forecasts"].values()))["exports"])


def _records_of(aws: Aws, uri: str, containing: str = "") -> Iterator[dict[str, str]]:
    return files.records(aws, *files.parts(uri), containing)


def _by_time(records: Iterable[Mapping[str, str]]) -> tuple[Quantiles, ...]:
    """The values of several kinds of forecast, or backtest windows, put together by time; the last one counts."""
    found: dict[datetime, dict[str, float]] = defaultdict(dict)
    for record in records:
        values = {_column(name): float(value) for name, value in record.items() if _VALUE.fullmatch(name) and value}
        found[_moment(record)] |= values
    return tuple(Quantiles(time, found[time]) for time in sorted(found))


def _series(record: Mapping[str, str]) -> Key:
    """Item and dimensions of an exported record."""
    return (next(iter(record.values())), *_dimensions(record).values())


def _dimensions(record: Mapping[str, str]) -> dict[str, str]:
    others = list(record.items())[1:]
    known = (*_TIMES, "target_value", "backtestwindow_start_time", "backtestwindow_end_time")
    return {
        name: value
        for name, value in others
        if name not in known and not _VALUE.fullmatch(name.lower().rpartition("_")[2])
    }


def _lower(series: Iterable[str]) -> Key:
    return tuple(each.lower() for each in series)


def _moment(record: Mapping[str, str]) -> datetime:
    return _parsed(next(record[name] for name in _TIMES if name in record))


def _parsed(moment: str) -> datetime:
    return datetime.fromisoformat(moment.strip().rstrip("Z"))


def _numbering(steps: TimeSteps) -> Any:
    """The number of a moment's step; the same few moments come in every series."""
    return functools.lru_cache(100_000)(lambda moment: steps.number(_parsed(moment)))


def _column(name: str) -> str:
    """A quantile below 0.1 may be exported as p5 or p05, and is p05 here."""
    return f"p{int(name[1:]):02d}" if name.startswith("p") else name


def _ordered(columns: Iterable[str]) -> tuple[str, ...]:
    """Quantiles from low to high, then the mean."""
    return tuple(sorted(columns, key=lambda name: (name == "mean", name)))


def _within(moment: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or moment >= since) and (until is None or moment <= until)
