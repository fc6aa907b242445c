"""What the job is asked for and what it answers, as JSON documents: the contract between it and whoever starts it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from storecast_engines.files.schemas import DEFAULT_TIMESTAMP_FORMAT, TIMESTAMP_FORMATS
from storecast_engines.forecasting import frequency
from storecast_engines.forecasting.ensemble import AVERAGE_WQL
from storecast_engines.forecasting.quantiles import check_levels

SAMPLE = 2000  # series that what all have in common is learned from
KINDS = ("target", "related", "metadata")


class JobFailed(ValueError):
    """The job cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Source:
    """Files of one kind: their URIs, and the columns in order with their types (files.schemas.Layout)."""

    files: list[str]
    columns: dict[str, str]
    timestamp_format: str = DEFAULT_TIMESTAMP_FORMAT


@dataclass(frozen=True)
class Change:
    """A change of a related series over the horizon (forecasting.Transformation), where all columns have the values."""

    attribute: str
    operation: str
    value: float
    where: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A training with its forecast, or with a `predictor` a forecast by that one, which trains nothing.

    output           the folder of the results, as a URI: forecast/, backtest/, predictor/, what-if/, explainability/
                     over all series and impact/ of each, and result.json
    name             starts the names of the files
    item, value      the columns of the target that name the item and hold what is forecast
    types            "mean" and quantile levels such as "0.1"
    predictor        the folder of a predictor that an earlier job left
    counted          the target counts things, so values below zero are remarked on
    sample           most series that the models of all series are learned from
    scenarios        what-if forecasts: name -> changes
    explain          whether to say which attributes move the forecasts

    The other members are those of forecasting.AutoPredictor.
    """

    output: str
    name: str
    item: str
    value: str
    frequency: str
    horizon: int
    types: list[str]
    target: Source
    related: Source | None = None
    metadata: Source | None = None
    dimensions: list[str] = field(default_factory=list)
    predictor: str | None = None
    algorithms: list[str] | None = None
    hyperparameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    metric: str = AVERAGE_WQL
    windows: int = 1
    country: str | None = None
    filling: dict[str, dict[str, str]] = field(default_factory=dict)
    boundary: dict[str, Any] = field(default_factory=dict)
    counted: bool = False
    sample: int = SAMPLE
    scenarios: dict[str, list[Change]] = field(default_factory=dict)
    explain: bool = False

    @property
    def keys(self) -> list[str]:
        """The columns that name a series."""
        return [self.item, *self.dimensions]

    @property
    def sources(self) -> dict[str, Source]:
        """The kinds of files that there are."""
        found = {kind: getattr(self, kind) for kind in KINDS}
        return {kind: source for kind, source in found.items() if source is not None}

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Raises JobFailed naming the member that is missing, unknown or of another type, or what a value may be."""
        try:
            document = json.loads(text)
        except ValueError as error:
            raise JobFailed(f"the request is not JSON: {error}") from None
        request = _made(cls, document, "the request")
        _check(request)
        return request


@dataclass(frozen=True)
class Result:
    """What a job has done.

    leaderboard    algorithm (and AutoPredictor) -> metric -> its mean over the backtest windows; None where not defined
    quarantined    files that were left out: file, row, column, value, allowed, message
    failed         series that a model failed on and that the seasonal naive forecast instead: series, algorithm, error;
                   at most MOST_NAMED of them, `failures` counts all
    impact         attribute -> its normalised impact on the mean forecast, -1 to 1 (forecasting.explainability)
    seconds        how long each stage took
    """

    series: int
    cold_starts: int
    steps: int
    rows: dict[str, int]
    algorithms: list[str]
    weights: dict[str, float]
    leaderboard: dict[str, dict[str, float | None]]
    quarantined: list[dict[str, Any]]
    failures: int
    failed: list[dict[str, Any]]
    messages: list[str]
    impact: dict[str, float]
    seconds: dict[str, float]

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Result:
        return _made(cls, json.loads(text), "the result")


def _check(request: Request) -> None:
    try:
        frequency.parse(request.frequency)
        frequency.check_boundary(request.frequency, request.boundary)
        check_levels([float(each) for each in request.types if each != "mean"])
    except ValueError as error:
        raise JobFailed(f"the request: {error}") from None
    for name in ("horizon", "sample", "windows"):
        if getattr(request, name) < 1:
            raise JobFailed(f"the request: {name} is {getattr(request, name)}, it must be at least 1")
    if not request.types:
        raise JobFailed('the request: types is empty; it holds "mean" and quantile levels such as "0.1"')
    needed = {
        "target": [*request.keys, "timestamp", request.value],
        "related": [request.item, "timestamp"],
        "metadata": [request.item],
    }
    for kind, source in request.sources.items():
        if missing := [name for name in needed[kind] if name not in source.columns]:
            found = ", ".join(source.columns)
            raise JobFailed(f"the request: the columns of {kind} lack {', '.join(missing)}; they are {found}")
        if source.timestamp_format not in TIMESTAMP_FORMATS:
            allowed = ", ".join(TIMESTAMP_FORMATS)
            raise JobFailed(f"the request: timestamp_format of {kind} is {source.timestamp_format!r}, not {allowed}")
        if not source.files:
            raise JobFailed(f"the request: {kind} names no files")


def _made(cls: type, document: Any, where: str) -> Any:
    """An instance of a dataclass of this module from a JSON object."""
    if not isinstance(document, Mapping):
        raise JobFailed(f"{where} is {type(document).__name__}, it must be an object")
    known = {each.name: each for each in fields(cls)}
    if unknown := sorted(set(document) - set(known)):
        raise JobFailed(f"{where} has the unknown members {', '.join(unknown)}; there are {', '.join(known)}")
    needed = [name for name, each in known.items() if each.default is MISSING and each.default_factory is MISSING]
    if missing := [name for name in needed if name not in document]:
        raise JobFailed(f"{where} lacks {', '.join(missing)}")
    hints = get_type_hints(cls)
    return cls(**{name: _value(hints[name], value, f"{where}: {name}") for name, value in document.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    options = hint.__args__ if isinstance(hint, UnionType) else [hint]
    for option in options:
        kind, of = get_origin(option) or option, get_args(option)
        if option is Any or (kind in (int, str, bool, NoneType) and type(value) is kind):
            return value
        if kind is float and type(value) in (int, float):
            return value
        if is_dataclass(kind) and isinstance(value, Mapping):
            return _made(option, value, where)
        if kind is list and isinstance(value, list):
            return [_value(of[0], each, f"{where}[{at}]") for at, each in enumerate(value)]
        if kind is dict and isinstance(value, Mapping):
            return {key: _value(of[1], each, f"{where}.{key}") for key, each in value.items()}
    names = " or ".join("null" if each is NoneType else (get_origin(each) or each).__name__ for each in options)
    raise JobFailed(f"{where} is {json.dumps(value)[:100]}, it must be of type {names}")
