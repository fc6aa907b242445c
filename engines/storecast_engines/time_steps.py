"""Time steps as Amazon Forecast counts them: which step a moment is in, one value per step, and what fills the gaps.

The engines and the pipelines' Lambda functions share this module, so it imports only the standard library.
Sources: https://docs.aws.amazon.com/forecast/latest/dg/data-aggregation.html (boundaries and aggregation),
https://docs.aws.amazon.com/forecast/latest/dg/howitworks-missing-values.html (filling), and of the API
CreateAutoPredictor's ForecastFrequency (the ranges of the integer) and TimeAlignmentBoundary.
"""

from __future__ import annotations

import calendar
import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

TARGET_DEFAULTS: Mapping[str, str] = {
    "aggregation": "sum",
    "frontfill": "none",
    "middlefill": "zero",
    "backfill": "zero",
}
STATISTIC_WINDOW = 64  # "a rolling window of the 64 most recent data entries before the missing values"
STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "median": statistics.median,
    "mean": statistics.fmean,
    "min": min,
    "max": max,
}
Cell = tuple[float, float]  # what is known of a step so far: `aggregated` and `add` alone read it

_LARGEST = {"Y": 1, "M": 11, "W": 4, "D": 6, "H": 23, "min": 59}
_SECONDS = {"W": 604800, "D": 86400, "H": 3600, "min": 60}
_DAYS = [name.upper() for name in calendar.day_name]
_MONTHS = [name.upper() for name in calendar.month_name[1:]]
_EPOCH, _EPOCH_MONDAY = datetime(1970, 1, 1), datetime(1970, 1, 5)


def parse(freq: str) -> tuple[int, str]:
    """The integer and the unit of a frequency. Raises ValueError naming the frequency and what is allowed.

    >>> parse("15min"), parse("W")
    ((15, 'min'), (1, 'W'))
    """
    match = re.fullmatch(r"(\d*)(Y|M|W|D|H|min)", freq)
    count = int(match[1] or 1) if match else 0
    if not match or not 1 <= count <= _LARGEST[match[2]]:
        allowed = ", ".join(f"{unit} (1-{largest})" for unit, largest in _LARGEST.items())
        raise ValueError(f"frequency {freq!r} is not an integer and a unit out of: {allowed}")
    return count, match[2]


def seconds(freq: str) -> int:
    """The length of the shortest time step: months count 28 days, years 365."""
    count, unit = parse(freq)
    return count * (_SECONDS | {"M": 28 * 86400, "Y": 365 * 86400})[unit]


def season_length(freq: str) -> int:
    """Time steps in the natural season: the year for Y, M and W, the week for D, the day for H and min.

    1 where the season is not a whole number of steps.
    """
    count, unit = parse(freq)
    steps = {"Y": 1, "M": 12, "W": 52, "D": 7, "H": 24, "min": 1440}[unit]
    return steps // count if steps % count == 0 else 1


class TimeSteps:
    """The time steps of a frequency, numbered without gaps from 1970 on.

    Weeks start on Monday, months on day 1, years on January 1, days at 0:00, unless `boundary`, a
    TimeAlignmentBoundary, sets another DayOfWeek, DayOfMonth, Month or Hour. The guide gives no boundary for multiples
    such as 2W or 3M: here they are counted from 1970 (3M starts in January, April, July and October), so that the
    boundaries do not move when older data is imported.

    >>> weeks = TimeSteps("W")
    >>> weeks.start(weeks.number(datetime(2024, 5, 16))).strftime("%a %Y-%m-%d")
    'Mon 2024-05-13'
    """

    def __init__(self, freq: str, boundary: Mapping[str, str | int] | None = None) -> None:
        count, unit = parse(freq)
        boundary = boundary or {}
        self._months = {"Y": 12, "M": count}.get(unit, 0)  # in a step; 0: a step has a fixed length
        self._first_month = _MONTHS.index(str(boundary.get("Month", "JANUARY")))
        self._day = int(boundary.get("DayOfMonth", 1))
        self._length = timedelta(seconds=seconds(freq))
        self._origin = _EPOCH
        if unit == "W":
            self._origin = _EPOCH_MONDAY + timedelta(days=_DAYS.index(str(boundary.get("DayOfWeek", "MONDAY"))))
        elif unit == "D":
            self._origin += timedelta(hours=int(boundary.get("Hour", 0)))

    def number(self, moment: datetime) -> int:
        """The number of the step that the moment is in."""
        if self._months:
            month = moment.year * 12 + moment.month - 1 - (moment.day < self._day)
            return (month - self._first_month) // self._months
        return (moment - self._origin) // self._length

    def start(self, number: int) -> datetime:
        """When the step begins."""
        if self._months:
            months = number * self._months + self._first_month
            return datetime(months // 12, months % 12 + 1, self._day)
        return self._origin + number * self._length


def add(how: str, cell: Cell | None, value: float, at: datetime) -> Cell:
    """The cell of a time step after one more value, of the moment `at`; `how` is the aggregation."""
    second = 1.0 if how == "avg" else (at - _EPOCH).total_seconds() if how == "first" else 0.0
    if cell is None:
        return value, second
    if how in ("sum", "avg"):
        return cell[0] + value, cell[1] + second
    if how == "first":
        return cell if cell[1] <= second else (value, second)
    return (min if how == "min" else max)(cell[0], value), 0.0


def aggregated(how: str, cell: Cell) -> float:
    """The one value of a time step."""
    return cell[0] / cell[1] if how == "avg" else cell[0]


def filler(rules: Mapping[str, str], kind: str, before: Sequence[float]) -> float:
    """What fills a gap by the rule `kind`, such as "middlefill"; NaN where it stays a gap.

    `before` are the values observed before the gap, oldest first, at least the last STATISTIC_WINDOW of them.
    """
    method = rules.get(kind, "nan")
    if method in STATISTICS:
        return float(STATISTICS[method](before[-STATISTIC_WINDOW:]))
    return float(rules[f"{kind}_value"]) if method == "value" else {"zero": 0.0, "nan": math.nan}[method]
