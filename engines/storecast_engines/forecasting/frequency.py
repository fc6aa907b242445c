"""Forecast's frequency strings: an integer and a unit, such as "D", "15min" or "2W".

Sources: https://docs.aws.amazon.com/forecast/latest/dg/howitworks-datasets-groups.html (time boundaries),
https://docs.aws.amazon.com/forecast/latest/dg/aws-forecast-recipe-arima.html (R ts frequencies), and of the API
CreateAutoPredictor's ForecastFrequency (the ranges of the integer) and TimeAlignmentBoundary.
"""

import calendar
import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

_LARGEST = {"Y": 1, "M": 11, "W": 4, "D": 6, "H": 23, "min": 59}
_SECONDS = {"W": 604800, "D": 86400, "H": 3600, "min": 60}
_BOUNDARIES = {"Y": ("Month", "DayOfMonth"), "M": ("DayOfMonth",), "W": ("DayOfWeek",), "D": ("Hour",)}
_DAYS = [name.upper() for name in calendar.day_name]
_MONTHS = [name.upper() for name in calendar.month_name[1:]]
_EPOCH_MONDAY = pd.Timestamp("1970-01-05")
# the ARIMA page's table unchanged; any other frequency is not seasonal
_R_TS = {"Y": 1, "M": 12, "W": 52, "D": 7, "H": 24, "30min": 2, "15min": 4, "10min": 6, "5min": 12, "1min": 60}


def parse(freq: str) -> tuple[int, str]:
    """The integer and the unit. Raises ValueError naming the frequency and what is allowed.

    >>> parse("15min"), parse("W")
    ((15, 'min'), (1, 'W'))
    """
    match = re.fullmatch(r"(\d*)(Y|M|W|D|H|min)", freq)
    count = int(match[1] or 1) if match else 0
    if not match or not 1 <= count <= _LARGEST[match[2]]:
        allowed = ", ".join(f"{unit} (1-{largest})" for unit, largest in _LARGEST.items())
        raise ValueError(f"frequency {freq!r} is not an integer and a unit out of: {allowed}")
    return count, match[2]


def offset(freq: str) -> pd.DateOffset:
    """The pandas offset from one time step to the next, whichever boundary the steps are aligned to."""
    count, unit = parse(freq)
    if unit in "YM":
        return pd.DateOffset(months=12 if unit == "Y" else count)
    return pd.tseries.frequencies.to_offset(shortest(freq))


def shortest(freq: str) -> pd.Timedelta:
    """The length of the shortest time step: months count 28 days, years 365."""
    count, unit = parse(freq)
    return pd.Timedelta(seconds=count * (_SECONDS | {"M": 28 * 86400, "Y": 365 * 86400})[unit])


def check_boundary(freq: str, boundary: Mapping[str, str | int]) -> None:
    """Raise ValueError if a TimeAlignmentBoundary sets anything but the unit below that of the frequency."""
    _, unit = parse(freq)
    allowed = _BOUNDARIES.get(unit, ())
    if wrong := sorted(set(boundary) - set(allowed)):
        raise ValueError(
            f"a time alignment boundary of {freq} steps is set by {' and '.join(allowed) or 'nothing'}, "
            f"not by {' and '.join(wrong)}"
        )


def align(
    timestamps: pd.DatetimeIndex, freq: str, boundary: Mapping[str, str | int] = MappingProxyType({})
) -> pd.DatetimeIndex:
    """Move each timestamp down to the boundary of its time step.

    Weeks start on Monday, months on day 1, years on January 1, days at 0:00, unless `boundary`, a
    TimeAlignmentBoundary, sets another DayOfWeek, DayOfMonth, Month or Hour. The guide gives no boundary for multiples
    such as 2W or 3M: here they are counted from 1970 (3M starts in January, April, July and October), so that the
    boundaries do not move when older data is imported.

    >>> align(pd.DatetimeIndex(["2024-05-16"]), "W").strftime("%a %Y-%m-%d").tolist()
    ['Mon 2024-05-13']
    """
    count, unit = parse(freq)
    if unit in "YM":
        step = 12 if unit == "Y" else count
        first = _MONTHS.index(str(boundary.get("Month", "JANUARY")))
        day = int(boundary.get("DayOfMonth", 1))
        moved = timestamps - pd.Timedelta(days=day - 1)
        months = (moved.year * 12 + moved.month - 1 - first) // step * step + first
        return pd.DatetimeIndex(pd.to_datetime({"year": months // 12, "month": months % 12 + 1, "day": day}))
    origin = pd.Timestamp(0)
    if unit == "W":
        origin = _EPOCH_MONDAY + pd.Timedelta(days=_DAYS.index(str(boundary.get("DayOfWeek", "MONDAY"))))
    elif unit == "D":
        origin += pd.Timedelta(hours=boundary.get("Hour", 0))
    step = shortest(freq)
    return origin + (timestamps - origin) // step * step


def r_ts_frequency(freq: str) -> int:
    """The seasonal period that Forecast passes to R's `ts` for ARIMA and ETS."""
    count, unit = parse(freq)
    return _R_TS.get(f"{count}min" if unit == "min" else freq.removeprefix("1"), 1)


def season_length(freq: str) -> int:
    """Time steps in the natural season: the year for Y, M and W, the week for D, the day for H and min.

    1 where the season is not a whole number of steps. Used by the seasonal baselines and by MASE; it differs from
    `r_ts_frequency` only where R's table has odd entries (30min -> 2) or none (2H).
    """
    count, unit = parse(freq)
    steps = {"Y": 1, "M": 12, "W": 52, "D": 7, "H": 24, "min": 1440}[unit]
    return steps // count if steps % count == 0 else 1


def seasons(freq: str) -> tuple[int, ...]:
    """All natural seasons in time steps, shortest first: below the day also the week; none if there is no season."""
    season = season_length(freq)
    return () if season == 1 else (season, 7 * season) if parse(freq)[1] in ("H", "min") else (season,)


def season_feature(timestamps: pd.DatetimeIndex, freq: str) -> np.ndarray:
    """(T,) integers, equal for time steps of the same season, as NPTS's page defines seasonal features."""
    _, unit = parse(freq)
    feature = {"Y": None, "M": "month", "W": "day", "D": "dayofweek", "H": "hour", "min": "minute"}[unit]
    return np.zeros(len(timestamps), int) if feature is None else getattr(timestamps, feature).to_numpy().astype(int)
