"""What the sections of a pipeline.yaml share: strictness, several problems of one key at once, the schedule."""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from botocore.loaders import Loader
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from infra.config import clock

Column = str
Day = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]


def problems(found: list[str]) -> PydanticCustomError:
    """Several problems of one key in a single validation error."""
    return PydanticCustomError("storecast", "{lines}", {"lines": "\n".join(found)})


def refuse(found: list[str]) -> None:
    if found:
        raise problems(found)


@functools.cache
def enum(service: str, shape: str) -> list[str]:
    """The values botocore's model of the service allows for the shape."""
    return Loader().load_service_model(service, "service-2")["shapes"][shape]["enum"]


def not_one_of(value: str, allowed: Sequence[str]) -> list[str]:
    return [] if value in allowed else [f"{value!r} is not known; allowed: {', '.join(allowed)}"]


def name_problems(kind: str, name: str) -> list[str]:
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
        return []
    return [f"{kind}: column name {name!r}: allowed are 1-63 letters, digits and _, a letter first"]


def matching(pattern: str, allowed: str) -> AfterValidator:
    """Text that the pattern matches; what is `allowed` is said in words."""

    def check(value: str) -> str:
        refuse([] if re.fullmatch(pattern, value) else [f"allowed: {allowed}"])
        return value

    return AfterValidator(check)


class Strict(BaseModel):
    """A section of the config. The docstring below a key is its description in the reference and in editors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_as_number(cls, value: Any, info: Any) -> Any:
        """pydantic takes true for 1."""
        declared = cls.model_fields[info.field_name].annotation
        kinds = {declared, *get_args(declared)}
        refuse(
            ["allowed is a number"] if isinstance(value, bool) and bool not in kinds and kinds & {int, float} else []
        )
        return value


def _expression(value: str) -> str:
    try:
        clock.starts_of_a_month(value)
    except ValueError as error:
        raise problems([str(error)]) from None
    return value


def _time_zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        raise problems(["not known; allowed are IANA names such as UTC or Europe/Berlin"])
    return value


def _time_of_day(value: Any) -> str:
    if not (isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value)):
        raise problems(['allowed: a time of day in quotes, from "00:00" to "23:59"'])
    return value


Expression = Annotated[str, AfterValidator(_expression)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]  # YAML reads 20:00 without quotes as 1,200


class Schedule(Strict):
    """When the clock starts a pipeline (docs/aws-sources.md#scheduler-schedule-types).

    Such a run imports what changed and ends at once if nothing did; with `force` it imports and trains all again.
    """

    expression: Expression
    """`cron(minute hour day-of-month month day-of-week year)` or `rate(N minutes|hours|days)`, as EventBridge Scheduler
    takes them."""
    time_zone: TimeZone = "UTC"
    """An IANA name, which `cron` is read in. The embedded AWS reads every time in UTC."""
    enabled: bool = True
    """`false` keeps the schedule and starts nothing."""
    force: bool = False
    """Import and train again even if nothing changed."""


class Hours(Strict):
    """When something that costs by the hour is on: from `start` to `stop` on each of the `days`."""

    start: TimeOfDay
    """When it is switched on, in quotes."""
    stop: TimeOfDay
    """When it is switched off, in quotes; later than `start`."""
    days: tuple[Day, ...] = Field(default=get_args(Day), min_length=1)
    """On which days it is switched on."""
    time_zone: TimeZone = "UTC"
    """An IANA name. The embedded AWS reads every time in UTC."""

    @model_validator(mode="after")
    def _in_order(self) -> Hours:
        if self.start >= self.stop:
            raise problems([f"start {self.start} is not before stop {self.stop}"])
        return self

    def at(self, moment: Literal["start", "stop"]) -> Schedule:
        hour, minute = map(int, getattr(self, moment).split(":"))
        return Schedule(expression=f"cron({minute} {hour} ? * {','.join(self.days)} *)", time_zone=self.time_zone)

    @property
    def of_a_week(self) -> float:
        """Hours on in a week."""
        return (24 - self.off_minutes / 60) * len(set(self.days))

    @property
    def off_minutes(self) -> int:
        """From a stop to the next start, where the days follow each other."""
        start, stop = (int(each[:2]) * 60 + int(each[3:]) for each in (self.start, self.stop))
        return 24 * 60 - (stop - start)
