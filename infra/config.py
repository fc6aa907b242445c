"""The typed config of one dataset: `data/<dataset>/pipeline.yaml`, checked before anything is built from it."""

from __future__ import annotations

import re
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from infra import schemas

Column = str
Quantile = str


class ConfigError(ValueError):
    """A pipeline.yaml that cannot be used; the text lists every problem, one per line."""


def _problems(found: list[str]) -> PydanticCustomError:
    """Several problems of one key in a single validation error."""
    return PydanticCustomError("storecast", "{lines}", {"lines": "\n".join(found)})


def _refuse(found: list[str]) -> None:
    if found:
        raise _problems(found)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Schedule(_Strict):
    """When the clock starts a pipeline (EventBridge Scheduler guide, schedule-types.md).

    Such a run imports what changed and ends at once if nothing did; with `force` it imports and trains all again.
    """

    expression: str
    time_zone: str = "UTC"
    enabled: bool = True
    force: bool = False

    @field_validator("expression")
    @classmethod
    def _expression(cls, value: str) -> str:
        if not re.fullmatch(r"rate\([1-9]\d* (minute|hour|day)s?\)|cron\(\S+( \S+){5}\)", value):
            raise _problems(
                ["allowed: rate(N minutes|hours|days), or cron(minute hour day-of-month month day-of-week year)"]
            )
        return value

    @field_validator("time_zone")
    @classmethod
    def _time_zone(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise _problems(["not known; allowed are IANA names such as UTC or Europe/Berlin"])
        return value


class Promotion(_Strict):
    """When a newly trained predictor takes over: it may be worse by `tolerance` (a share of the metric) at most."""

    metric: str | None = None  # None: the optimization metric
    tolerance: float = Field(default=0.05, ge=0, le=10)

    @field_validator("metric")
    @classmethod
    def _metric(cls, value: str | None) -> str | None:
        _refuse([] if value is None else schemas.not_one_of(value, schemas.forecast_enum("OptimizationMetric")))
        return value


class Forecasting(_Strict):
    """What Amazon Forecast is asked for; field names and values are the service's where it has one.

    The order of the fields matters: a rule may look at the fields above it that were valid.
    """

    domain: str
    frequency: str
    horizon: int = Field(ge=1, le=500)
    timestamp_format: Literal["yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss"]
    dimensions: tuple[Column, ...] = ()
    datasets: dict[str, dict[Column, str]]
    filling: dict[Column, dict[str, str]] = {}
    quantiles: tuple[Quantile, ...] = ("0.1", "0.5", "0.9")
    optimization_metric: str = "AverageWeightedQuantileLoss"
    algorithm: Literal["AutoPredictor"] = "AutoPredictor"
    forecasts: dict[str, tuple[Quantile, ...]] = Field(min_length=1, max_length=5)
    keep: int = Field(default=2, ge=2, le=50)  # runs whose forecasts, predictors and imports stay in the service
    promotion: Promotion = Promotion()
    schedule: Schedule | None = None

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        _refuse(schemas.not_one_of(value, sorted(schemas.FORECAST_DOMAINS)))
        return value

    @field_validator("frequency")
    @classmethod
    def _frequency(cls, value: str) -> str:
        if not re.fullmatch(schemas.FREQUENCY, value):
            raise _problems(["allowed: Y, 1-11M, 1-4W, 1-6D, 1-23H, 1-59min (a bare letter means 1)"])
        return value[1:] if re.fullmatch("1[YMWDH]", value) else value

    @field_validator("timestamp_format")
    @classmethod
    def _timestamp_format(cls, value: str, info: Any) -> str:
        frequency = info.data.get("frequency", "D")
        if value == "yyyy-MM-dd" and frequency.endswith(("H", "min")):
            raise _problems([f"frequency {frequency} needs times of day: allowed is yyyy-MM-dd HH:mm:ss"])
        return value

    @field_validator("datasets")
    @classmethod
    def _datasets(cls, value: dict[str, dict[str, str]], info: Any) -> dict[str, dict[str, str]]:
        found = [] if "target" in value else ["target is missing: Forecast trains on a target time series"]
        for kind, columns in value.items():
            if domain := info.data.get("domain"):
                found += schemas.forecast_schema_problems(domain, kind, columns)
        for kind in ("target", "related"):
            for dimension in info.data.get("dimensions", ()):
                if kind in value and value[kind].get(dimension) not in ("string", "geolocation"):
                    found.append(f"{kind}: dimension {dimension} must be one of its columns, of type string")
        _refuse(found)
        return value

    @field_validator("filling")
    @classmethod
    def _filling(cls, value: dict[str, dict[str, str]], info: Any) -> dict[str, dict[str, str]]:
        if "domain" in info.data and "datasets" in info.data:
            _refuse(schemas.filling_problems(info.data["domain"], info.data["datasets"], value))
        return value

    @field_validator("quantiles")
    @classmethod
    def _quantiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _refuse(schemas.quantile_problems(value))
        return value

    @field_validator("optimization_metric")
    @classmethod
    def _metric(cls, value: str) -> str:
        _refuse(schemas.not_one_of(value, schemas.forecast_enum("OptimizationMetric")))
        return value

    @field_validator("forecasts")
    @classmethod
    def _forecasts(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        found = [
            f"name {name!r}: allowed are 1-12 of a-z, 0-9 and _, a letter first"
            for name in value
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,11}", name)
        ]
        for name, types in value.items():
            found += [f"{name}: {problem}" for problem in schemas.quantile_problems(types)]
        _refuse(found)
        return value


class ColumnType(_Strict):
    """One column of a Personalize dataset (Avro type and Personalize's own marks)."""

    type: Literal["string", "int", "long", "float", "double", "boolean"]
    categorical: bool = False
    textual: bool = False
    nullable: bool = False


class Publish(_Strict):
    """What the run writes down for people to read."""

    head_items: int = Field(default=20, ge=1, le=100)
    sample_users: int = Field(default=10, ge=1, le=100)
    results: int = Field(default=10, ge=1, le=100)
    name_column: Column | None = None
    note: str = Field(default="", max_length=300)  # shown in the report: what a reader must know of the data


class Recommending(_Strict):
    """What Amazon Personalize is asked for: an ECOMMERCE domain dataset group and its recommenders."""

    domain: Literal["ECOMMERCE"] = "ECOMMERCE"
    datasets: dict[Literal["interactions", "items", "users"], dict[Column, ColumnType]]
    use_cases: tuple[str, ...] = Field(min_length=1, max_length=5)
    publish: Publish = Publish()
    schedule: Schedule | None = None

    @field_validator("datasets", mode="before")
    @classmethod
    def _short_types(cls, value: Any) -> Any:
        """`COLUMN: string` is short for `COLUMN: {type: string}`."""
        if not isinstance(value, dict):
            return value
        return {
            kind: {name: {"type": column} if isinstance(column, str) else column for name, column in columns.items()}
            if isinstance(columns, dict)
            else columns
            for kind, columns in value.items()
        }

    @field_validator("datasets")
    @classmethod
    def _datasets(cls, value: dict[str, dict[str, ColumnType]]) -> dict[str, dict[str, ColumnType]]:
        found = [] if "interactions" in value else ["interactions is missing: every use case learns from it"]
        for kind, columns in value.items():
            found += schemas.personalize_schema_problems(kind, {n: c.model_dump() for n, c in columns.items()})
        _refuse(found)
        return value

    @field_validator("use_cases")
    @classmethod
    def _use_cases(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        found = [problem for name in value for problem in schemas.not_one_of(name, sorted(schemas.RECIPES))]
        _refuse(found + [f"{name} is there twice" for name in sorted(set(value)) if value.count(name) > 1])
        return value


class Pipeline(_Strict):
    """One dataset's pipelines."""

    dataset: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,19}$")]
    settle_seconds: int = Field(default=60, ge=0, le=86_400)
    forecasting: Forecasting | None = None
    recommending: Recommending | None = None

    @property
    def identifier(self) -> str:
        """The dataset's name where AWS allows no dash: in Forecast names, Glue names, the data folder."""
        return self.dataset.replace("-", "_")


def load(path: Path) -> Pipeline:
    """The checked config in the file `path`.

    Raises ConfigError with every problem found: key, value, and what is allowed.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(p.parent.name for p in path.parent.parent.glob("*/pipeline.yaml"))) or "none"
        raise ConfigError(f"{path}: no such file; datasets with a pipeline.yaml: {known}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected keys and values at the top, found {type(raw).__name__}")
    if not (raw.get("forecasting") or raw.get("recommending")):
        raise ConfigError(f"{path}: neither forecasting nor recommending is there: at least one is needed")
    try:
        return Pipeline.model_validate(raw)
    except ValidationError as error:
        lines = [line for problem in error.errors() for line in _in_words(problem)]
        raise ConfigError(f"{path}: {len(lines)} problem(s)\n" + "\n".join(f"  {line}" for line in lines)) from None


def _in_words(problem: Any) -> list[str]:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    value = problem["input"]
    shown = "" if isinstance(value, (dict, list, tuple)) else f" = {value!r}"
    if problem["type"] == "missing":
        return [f"{key}: missing, and needed"]
    if problem["type"] == "extra_forbidden":
        return [f"{key}{shown}: unknown key"]
    return [f"{key}{shown}: {line}" for line in problem["msg"].splitlines()]
