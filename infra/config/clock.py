"""Expressions of EventBridge Scheduler: what is wrong in one, and how often it starts something
(docs/aws-sources.md#scheduler-schedule-types)."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

HOURS_OF_A_MONTH = 730
_HOURS = {"minute": 1 / 60, "hour": 1, "day": 24}
_FIRST, _LAST, _MONTHS = date(2025, 1, 1), date(2028, 12, 31), 48  # counted over; one year of them is a leap year


@dataclass(frozen=True)
class _Field:
    """One of the six of a cron expression; `names` stand for its numbers from the lowest on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> set[int]:
        """The numbers that lists, ranges and steps stand for. Raises ValueError naming the field and what it takes."""
        found: set[int] = set()
        for part in text.split(","):
            span, slash, step = part.partition("/")
            low, dash, high = span.partition("-")
            first = self.low if low == "*" else self._number(low)
            last = self._number(high) if dash else self.high if slash or low == "*" else first
            if slash and not (step.isdecimal() and int(step)):
                raise ValueError(f"{self.name} {part!r}: after the slash stands a number from 1 on")
            around = [*range(first, self.high + 1), *range(self.low, last + 1)]  # SAT-MON
            found |= set((range(first, last + 1) if first <= last else around)[:: int(step or 1)])
        return found

    def _number(self, text: str) -> int:
        if text.upper() in self.names:
            return self.low + self.names.index(text.upper())
        if text.isdecimal() and self.low <= int(text) <= self.high:
            return int(text)
        names = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
        raise ValueError(f"{self.name} {text!r}: allowed is {self.low} to {self.high}{names}")


_OF_MONTH = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"))
_OF_WEEK = _Field("day of week", 1, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
_MINUTES, _OF_DAY, _YEAR = _Field("minute", 0, 59), _Field("hour", 0, 23), _Field("year", 1970, 2199)


def starts_of_a_month(expression: str) -> float:
    """How often `rate(...)` or `cron(...)` starts something in a month of its years, on average. Raises ValueError in
    words for whoever wrote it."""
    if rate := re.fullmatch(r"rate\(([1-9]\d*) (minute|hour|day)s?\)", expression):
        return HOURS_OF_A_MONTH / (int(rate[1]) * _HOURS[rate[2]])
    cron = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", expression)
    if not cron:
        raise ValueError(
            "allowed: rate(N minutes|hours|days), or cron(minute hour day-of-month month day-of-week year)"
        )
    minute, hour, of_month, month, of_week, year = cron.groups()
    if (of_month == "?") == (of_week == "?"):
        raise ValueError(f"day of month {of_month!r}, day of week {of_week!r}: one of them, and one alone, is ?")
    _YEAR.values(year)
    months, days = _MONTH.values(month), 0
    for number in range((_LAST - _FIRST).days + 1):
        day = _FIRST + timedelta(days=number)
        days += day.month in months and (_in_week(day, of_week) if of_month == "?" else _in_month(day, of_month))
    return len(_MINUTES.values(minute)) * len(_OF_DAY.values(hour)) * days / _MONTHS


def _in_month(day: date, text: str) -> bool:
    """L is the last day; W moves a start to the nearest weekday, and leaves its number as it is."""
    last = monthrange(day.year, day.month)[1]
    return any(
        day.day == last if part.removesuffix("W") == "L" else day.day in _OF_MONTH.values(part.removesuffix("W"))
        for part in text.split(",")
    )


def _in_week(day: date, text: str) -> bool:
    """5#2 is the month's second Thursday, 5L its last one; L alone is Saturday."""
    for part in text.split(","):
        name, sharp, number = part.partition("#")
        if sharp and number not in set("12345"):
            raise ValueError(f"{_OF_WEEK.name} {part!r}: after # stands 1 to 5")
        last = name.endswith("L") and name != "L"
        of_last_week = day.day > monthrange(day.year, day.month)[1] - 7
        there = int(number) == (day.day + 6) // 7 if sharp else of_last_week or not last
        if day.isoweekday() % 7 + 1 in _OF_WEEK.values(name.removesuffix("L") or "SAT") and there:
            return True
    return False
