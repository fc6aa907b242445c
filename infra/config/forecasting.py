"""The section `forecasting` of a pipeline.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, field_validator

from infra.config import forecast
from infra.config.base import Column, Schedule, Strict, enum, not_one_of, problems, refuse

# YAML reads 0.5 without quotes as a number
Quantile = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, float) else value)]


class Promotion(Strict):
    """When a newly trained predictor takes over: it may be worse by `tolerance` (a share of the metric) at most."""

    metric: str | None = None
    """The metric that both predictors are compared by; without it, the optimization metric."""
    tolerance: float = Field(default=0.05, ge=0, le=10)
    """By which share of the metric the new predictor may be worse: 0.05 is 5%."""

    @field_validator("metric")
    @classmethod
    def _metric(cls, value: str | None) -> str | None:
        refuse([] if value is None else not_one_of(value, enum("forecast", "OptimizationMetric")))
        return value


class Drift(Strict):
    """Train only where the forecasts in use miss what comes in by more than `factor` times their backtest's error."""

    factor: float = Field(gt=0, le=100)
    """Train when the error of the forecasts in use is more than this many times their backtest's error."""
    metric: Literal["AverageWeightedQuantileLoss", "WAPE"] = "AverageWeightedQuantileLoss"
    """The metric of both errors. WAPE needs `mean` among the forecasts, AverageWeightedQuantileLoss a quantile."""


class AccuracyFloor(Strict):
    """From where on a new predictor's error is worth an alarm."""

    metric: Literal["WAPE", "AverageWeightedQuantileLoss", "RMSE"] = "WAPE"
    """The metric that is watched."""
    worst: float = Field(gt=0)
    """An alarm when a new predictor's error is above this."""


class Change(Strict):
    """One change of a related series over the horizon, of the series that have all the values in `where`."""

    attribute: Column
    """The column of the related series that changes."""
    operation: Literal["ADD", "SUBTRACT", "MULTIPLY", "DIVIDE"]
    """What is done to its values."""
    value: float
    """By how much."""
    where: dict[Column, str] = Field(default={}, max_length=10)
    """Only series that have all these values, by column; without it, all series."""


class Glue(Strict):
    """What the forecasting job of the engine `storecast` may use on AWS Glue, by the names of CreateJob."""

    worker_type: str = "G.1X"
    """The size of a worker: G.1X, G.2X, G.4X or G.8X."""
    number_of_workers: int = Field(default=10, ge=2, le=299)
    """How many workers a job may have at most: it takes as many as it has work for."""
    timeout: int = Field(default=480, ge=5, le=1440)
    """Minutes after which a job is stopped; a run of the pipeline has one or two jobs."""

    @field_validator("worker_type")
    @classmethod
    def _worker_type(cls, value: str) -> str:
        refuse(not_one_of(value, forecast.WORKER_TYPES))
        return value


class Forecasting(Strict):
    """What the engine is asked for; field names and values are Amazon Forecast's where it has one.

    The order of the fields matters: a rule may look at the fields above it that were valid.
    """

    engine: Literal["amazon-forecast", "storecast"] = "amazon-forecast"
    """What forecasts: Amazon Forecast, which takes no new customers, or our own engine on AWS Glue, in any account. It
    can't change in a deployed app."""
    glue: Glue | None = None
    """What the job of `engine: storecast` may use."""
    domain: str
    """Amazon Forecast's domain, which decides the names of the item and the value: `item_id` and `demand` in RETAIL."""
    frequency: str
    """The time step: Y, 1-11M, 1-4W, 1-6D, 1-23H, 1-59min; a bare letter means 1."""
    horizon: int = Field(ge=1, le=500)
    """How many time steps are forecast."""
    timestamp_format: Literal["yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss"]
    """How files write times."""
    dimensions: tuple[Column, ...] = ()
    """Text columns of the target, such as a store, that split an item into separate series."""
    summed_over: tuple[Column, ...] = ()
    """Text columns of the target, not in `dimensions`, whose rows are summed for each item. Any other text column is
    refused."""
    implausible_times: Literal["refuse", "accept"] = "refuse"
    """`refuse` moves a target file to quarantine if it has times more than a day ahead, or a few rows that are far from
    all others (by more than a year and more than all other data spans); `accept` imports it."""
    overlap: Literal["newest", "sum"] = "newest"
    """Which rows count if several files have the same keys: those of the newest file, or their sum."""
    datasets: dict[str, dict[Column, str] | str]
    """Columns and their types, by kind: `target` is needed, `related` and `metadata` are optional. `infer` in place of
    the columns takes them from the header of the first good file: the domain's names give the types, other columns of
    related series are numbers, all others text."""
    filling: dict[Column, dict[str, str]] = {}
    """What replaces missing values, by column: `frontfill`, `middlefill`, `backfill`, and `futurefill` of related
    series; `value` needs a number beside it (`middlefill_value`). `aggregation` says how rows of one time step become
    one."""
    quantiles: tuple[Quantile, ...] = ("0.1", "0.5", "0.9")
    """The quantiles, or `mean`, that are trained for and measured in backtests; at most 5."""
    optimization_metric: str = "AverageWeightedQuantileLoss"
    """The metric that the best algorithm is chosen by."""
    algorithms: tuple[str, ...] = Field(
        default=("AutoPredictor",), min_length=1, validation_alias=AliasChoices("algorithms", "algorithm")
    )
    """Trained side by side; the best by `optimization_metric` is used, all are in the report. With `engine: storecast`
    the models to combine, of ARIMA, ETS, LightGBM, MSTL, NPTS and SeasonalNaive; AutoPredictor is all of them."""
    backtest_windows: int = Field(default=1, ge=1, le=5)
    """How many windows of the history measure an algorithm other than AutoPredictor."""
    holidays: str | None = None
    """The country whose public holidays are taken into account, by its two capital letters."""
    time_alignment_boundary: dict[str, str | int] = {}
    """Where time steps begin: `DayOfWeek`, `DayOfMonth`, `Month` or `Hour`; by default Monday, day 1, January, 0:00.
    With AutoPredictor only."""
    forecasts: dict[str, tuple[Quantile, ...]] = Field(min_length=1, max_length=5)
    """Kinds of forecast by name, each with its quantiles or `mean`: one export and one Athena table for each."""
    what_if: dict[str, tuple[Change, ...]] = Field(default={}, max_length=10)
    """Scenarios by name, each a list of changes to related series over the horizon; exported, and in the report. Needs
    AutoPredictor."""
    explainability: bool = False
    """Measure which columns move the forecasts; exported, and in the report. Needs AutoPredictor."""
    query: bool = False
    """A function that answers an application's request for the forecast of one item (see Operations)."""
    keep: int = Field(default=2, ge=2, le=50)
    """How many runs keep their forecasts, predictors and imports in Amazon Forecast, or their predictors in
    the results bucket. Files of forecasts always stay."""
    most_forecasts: int | None = Field(default=None, ge=1, validate_default=True)
    """Of Amazon Forecast: the account's quota of forecasts, 10 by default, which all its datasets share. `keep` times
    the number of `forecasts` must fit."""
    promotion: Promotion = Promotion()
    """When a newly trained predictor takes over. If it is worse, it is kept, and the one in use makes the forecasts
    from the new data."""
    drift: Drift | None = None
    """Train only if the forecasts in use miss; without it, each run with new data trains. A changed config and `force`
    always train."""
    accuracy_floor: AccuracyFloor | None = None
    """An alarm when a new predictor is worse than this."""
    schedule: Schedule | None = None
    """Starts by the clock, beside those by uploads."""

    @field_validator("glue")
    @classmethod
    def _glue(cls, value: Glue | None, info: Any) -> Glue | None:
        if value and not _storecast(info):
            raise problems(["only engine: storecast runs on Glue; leave it out, or write engine: storecast"])
        return value

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        refuse(not_one_of(value, sorted(forecast.FORECAST_DOMAINS)))
        return value

    @field_validator("frequency")
    @classmethod
    def _frequency(cls, value: str) -> str:
        if not re.fullmatch(forecast.FREQUENCY, value):
            raise problems(["allowed: Y, 1-11M, 1-4W, 1-6D, 1-23H, 1-59min (a bare letter means 1)"])
        return value[1:] if re.fullmatch("1[YMWDH]", value) else value

    @field_validator("timestamp_format")
    @classmethod
    def _timestamp_format(cls, value: str, info: Any) -> str:
        frequency = info.data.get("frequency", "D")
        if value == "yyyy-MM-dd" and frequency.endswith(("H", "min")):
            raise problems([f"frequency {frequency} needs times of day: allowed is yyyy-MM-dd HH:mm:ss"])
        return value

    @field_validator("datasets")
    @classmethod
    def _datasets(cls, value: dict[str, dict[str, str] | str], info: Any) -> dict[str, dict[str, str] | str]:
        found = [] if "target" in value else ["target is missing: Forecast trains on a target time series"]
        given = {kind: columns for kind, columns in value.items() if columns != forecast.INFER}
        for kind, columns in given.items():
            if isinstance(columns, str):
                found.append(f"{kind}: {columns!r}; allowed: columns with their types, or {forecast.INFER}")
            elif domain := info.data.get("domain"):
                found += forecast.forecast_schema_problems(domain, kind, columns)
        for kind in ("target", "related"):
            for dimension in info.data.get("dimensions", ()):
                listed = given.get(kind)
                if isinstance(listed, dict) and listed.get(dimension) not in ("string", "geolocation"):
                    found.append(f"{kind}: dimension {dimension} must be one of its columns, of type string")
        if isinstance(related := given.get("related"), dict) and (domain := info.data.get("domain")):
            found += forecast.related_problems(domain, related, info.data.get("dimensions", ()))
        if isinstance(target := given.get("target"), dict) and (domain := info.data.get("domain")):
            named = info.data.get("dimensions", ()), info.data.get("summed_over", ())
            found += forecast.splitting_problems(domain, target, *named)
        found += [
            f"{kind}.{name}: engine: storecast has no type geolocation; allowed: string"
            for kind, columns in given.items()
            if _storecast(info) and isinstance(columns, dict)
            for name, type_ in columns.items()
            if type_ == "geolocation"
        ]
        refuse(found)
        return value

    @field_validator("filling")
    @classmethod
    def _filling(cls, value: dict[str, dict[str, str]], info: Any) -> dict[str, dict[str, str]]:
        if "domain" in info.data and forecast.INFER not in info.data.get("datasets", {"": forecast.INFER}).values():
            refuse(forecast.filling_problems(info.data["domain"], info.data["datasets"], value))
        return value

    @field_validator("quantiles")
    @classmethod
    def _quantiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        refuse(forecast.quantile_problems(value))
        return value

    @field_validator("optimization_metric")
    @classmethod
    def _metric(cls, value: str) -> str:
        refuse(not_one_of(value, enum("forecast", "OptimizationMetric")))
        return value

    @field_validator("algorithms", mode="before")
    @classmethod
    def _one_algorithm(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("algorithms")
    @classmethod
    def _algorithms(cls, value: tuple[str, ...], info: Any) -> tuple[str, ...]:
        twice = [f"{name!r} is there twice" for name in sorted({n for n in value if value.count(n) > 1})]
        if _storecast(info):
            refuse(twice + forecast.model_problems(value))
        else:
            refuse(twice + [line for name in value for line in not_one_of(name, forecast.ALGORITHMS)])
        return value

    @field_validator("backtest_windows")
    @classmethod
    def _backtest_windows(cls, value: int, info: Any) -> int:
        if value > 1 and info.data.get("algorithms") == ("AutoPredictor",) and not _storecast(info):
            raise problems(["AutoPredictor takes no number of windows: allowed beside another algorithm only"])
        return value

    @field_validator("holidays")
    @classmethod
    def _holidays(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch("[A-Z]{2}", value):
            known = "https://docs.aws.amazon.com/forecast/latest/dg/holidays.html"
            raise problems([f"allowed: a country's two capital letters, such as DE; countries: {known}"])
        return value

    @field_validator("time_alignment_boundary")
    @classmethod
    def _boundary(cls, value: dict[str, str | int], info: Any) -> dict[str, str | int]:
        found = []
        only_auto = info.data.get("algorithms", ("AutoPredictor",)) == ("AutoPredictor",)
        if value and not only_auto and not _storecast(info):
            found.append("only AutoPredictor takes one: leave the other algorithms out")
        if frequency := info.data.get("frequency"):
            found += forecast.boundary_problems(frequency, value)
        refuse(found)
        return value

    @field_validator("forecasts")
    @classmethod
    def _forecasts(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        found = _name_problems(value)
        for name, types in value.items():
            found += [f"{name}: {problem}" for problem in forecast.quantile_problems(types)]
        refuse(found)
        return value

    @field_validator("most_forecasts")
    @classmethod
    def _most_forecasts(cls, value: int | None, info: Any) -> int | None:
        if _storecast(info):
            refuse([] if value is None else ["is Amazon Forecast's quota; engine: storecast has none: leave it out"])
            return None
        value = forecast.MOST_FORECASTS if value is None else value
        each, keep = len(info.data.get("forecasts", ())), info.data.get("keep", 1)
        if each * keep > value:
            raise problems(
                [
                    f"{keep} runs are kept (keep) of {each} forecasts: {each * keep}, more than an account may have "
                    "of all its datasets; use fewer, or have the quota raised (Service Quotas, Amazon Forecast) and "
                    "write the new one here"
                ]
            )
        return value

    @field_validator("drift")
    @classmethod
    def _drift(cls, value: Drift | None, info: Any) -> Drift | None:
        given = info.data.get("forecasts", {})
        exported = {kind for types in given.values() for kind in types}
        scored = {"WAPE": {"mean"}, "AverageWeightedQuantileLoss": set(info.data.get("quantiles", ())) - {"mean"}}
        if value and given and not exported & scored[value.metric]:
            needed = ", ".join(sorted(scored[value.metric])) or "none of quantiles"
            raise problems([f"{value.metric} is measured where forecasts have one of: {needed}"])
        return value

    @field_validator("what_if")
    @classmethod
    def _what_if(cls, value: dict[str, tuple[Change, ...]], info: Any) -> dict[str, tuple[Change, ...]]:
        found = _name_problems(value) + (_without_auto(info) if value else [])
        datasets = info.data.get("datasets", {})
        if "target" in datasets and "related" not in datasets and value:
            found.append("what-if forecasts change related series, and datasets has no related")
        for name, changes in value.items():
            found += [] if 1 <= len(changes) <= 30 else [f"{name}: {len(changes)} changes: allowed are 1 to 30"]
            for change in changes:
                found += [f"{name}: {problem}" for problem in _change_problems(change, datasets)]
        refuse(found)
        return value

    @field_validator("explainability")
    @classmethod
    def _explainability(cls, value: bool, info: Any) -> bool:
        refuse(_without_auto(info) if value else [])
        return value


def _name_problems(names: Iterable[str]) -> list[str]:
    return [
        f"name {name!r}: allowed are 1-12 of a-z, 0-9 and _, a letter first"
        for name in names
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,11}", name)
    ]


def _storecast(info: Any) -> bool:
    return info.data.get("engine") == "storecast"


def _without_auto(info: Any) -> list[str]:
    if _storecast(info):
        reads = {"AutoPredictor", "LightGBM"} & set(info.data.get("algorithms", ("AutoPredictor",)))
        return [] if reads else ["needs LightGBM among the algorithms: it alone reads related series and metadata"]
    auto = "AutoPredictor" in info.data.get("algorithms", ("AutoPredictor",))
    return [] if auto else ["needs AutoPredictor among the algorithms"]


def _change_problems(change: Change, datasets: dict[str, dict[str, str] | str]) -> list[str]:
    """Only what can be told from columns that the config lists; the service checks the rest."""
    found = []
    related = datasets.get("related")
    if isinstance(related, dict):
        numbers = [name for name, kind in related.items() if kind in ("float", "integer")]
        found += [f"attribute {line}" for line in not_one_of(change.attribute, numbers)]
    listed = [columns for columns in datasets.values() if isinstance(columns, dict)]
    if len(listed) == len(datasets):
        allowed = sorted({name for columns in listed for name, kind in columns.items() if kind == "string"})
        found += [f"where: {line}" for name in change.where for line in not_one_of(name, allowed)]
    if change.operation == "DIVIDE" and change.value == 0:
        found.append("DIVIDE by 0")
    return found
