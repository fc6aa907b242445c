"""Forecast's frequency strings: an integer and a unit, such as "D", "15min" or "2W".

Sources: https://docs.aws.amazon.com/forecast/latest/dg/howitworks-datasets-groups.html (time boundaries),
https://docs.aws.amazon.com/forecast/latest/dg/aws-forecast-recipe-arima.html (R ts frequencies), and of the API
CreateAutoPredictor's ForecastFrequency (the ranges of the integer) and TimeAlignmentBoundary.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from storecast_engines.time_steps import TimeSteps, parse, season_length, seconds

_BOUNDARIES = {"Y": ("Month", "DayOfMonth"), "M": ("DayOfMonth",), "W": ("DayOfWeek",), "D": ("Hour",)}
# the ARIMA page's table unchanged; any other frequency is not seasonal
_R_TS = {"Y": 1, "M": 12, "W": 52, "D": 7, "H": 24, "30min": 2, "15min": 4, "10min": 6, "5min": 12, "1min": 60}


def offset(freq: str) -> pd.DateOffset:
    """The pandas offset from one time step to the next, whichever boundary the steps are aligned to."""
    count, unit = parse(freq)
    if unit in "YM":
        return pd.DateOffset(months=12 if unit == "Y" else count)
    return pd.tseries.frequencies.to_offset(shortest(freq))


def shortest(freq: str) -> pd.Timedelta:
    """The length of the shortest time step: months count 28 days, years 365."""
    return pd.Timedelta(seconds=seconds(freq))


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
    """Move each timestamp down to the boundary of its time step (`TimeSteps`).

    >>> align(pd.DatetimeIndex(["2024-05-16"]), "W").strftime("%a %Y-%m-%d").tolist()
    ['Mon 2024-05-13']
    """
    steps = TimeSteps(freq, boundary)
    places, distinct = pd.factorize(timestamps)  # few moments are distinct, however many rows there are
    starts = [steps.start(steps.number(moment)) for moment in distinct.to_pydatetime()]
    return pd.DatetimeIndex(starts, dtype=timestamps.dtype)[places]


def r_ts_frequency(freq: str) -> int:
    """The seasonal period that Forecast passes to R's `ts` for ARIMA and ETS."""
    count, unit = parse(freq)
    return _R_TS.get(f"{count}min" if unit == "min" else freq.removeprefix("1"), 1)


def seasons(freq: str) -> tuple[int, ...]:
    """All natural seasons in time steps, shortest first: below the day also the week; none if there is no season."""
    season = season_length(freq)
    return () if season == 1 else (season, 7 * season) if parse(freq)[1] in ("H", "min") else (season,)


def season_feature(timestamps: pd.DatetimeIndex, freq: str) -> np.ndarray:
    """(T,) integers, equal for time steps of the same season, as NPTS's page defines seasonal features."""
    _, unit = parse(freq)
    feature = {"Y": None, "M": "month", "W": "day", "D": "dayofweek", "H": "hour", "min": "minute"}[unit]
    return np.zeros(len(timestamps), int) if feature is None else getattr(timestamps, feature).to_numpy().astype(int)
