"""What the sections of a pipeline.yaml share: strictness, several problems of one key at once, the schedule."""

from __future__ import annotations

import re
import zoneinfo

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_core import PydanticCustomError

Column = str


def problems(found: list[str]) -> PydanticCustomError:
    """Several problems of one key in a single validation error."""
    return PydanticCustomError("storecast", "{lines}", {"lines": "\n".join(found)})


def refuse(found: list[str]) -> None:
    if found:
        raise problems(found)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Schedule(Strict):
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
            raise problems(
                ["allowed: rate(N minutes|hours|days), or cron(minute hour day-of-month month day-of-week year)"]
            )
        return value

    @field_validator("time_zone")
    @classmethod
    def _time_zone(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise problems(["not known; allowed are IANA names such as UTC or Europe/Berlin"])
        return value
