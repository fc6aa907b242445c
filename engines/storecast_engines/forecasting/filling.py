"""Filling of missing values, by the rules of Amazon Forecast.

Sources: https://docs.aws.amazon.com/forecast/latest/dg/howitworks-missing-values.html,
https://docs.aws.amazon.com/forecast/latest/dg/API_FeaturizationMethod.html
"""

from collections.abc import Mapping

import numpy as np

from storecast_engines.time_steps import STATISTIC_WINDOW, STATISTICS, filler

_TARGET = {
    "frontfill": ("none",),
    "middlefill": ("zero", "nan", "value", *STATISTICS),
    "backfill": ("zero", "nan", "value", *STATISTICS),
}
RELATED = {kind: ("zero", "value", *STATISTICS) for kind in ("middlefill", "backfill", "futurefill")}
AGGREGATIONS = ("sum", "avg", "first", "min", "max")


def check(attribute: str, transformations: Mapping[str, str], *, target: bool) -> None:
    """Raise ValueError if one attribute's Transformations hold a key or method that Forecast does not allow."""
    allowed = dict(_TARGET, aggregation=AGGREGATIONS) if target else RELATED
    for key, value in transformations.items():
        if key.endswith("_value") and key.removesuffix("_value") in allowed:
            if not _is_number(value):
                raise ValueError(f"{attribute}: {key} is {value!r}, expected a number")
        elif key not in allowed:
            raise ValueError(f"{attribute}: unknown transformation {key!r}, allowed are {', '.join(allowed)}")
        elif value not in allowed[key]:
            raise ValueError(f"{attribute}: {key} is {value!r}, allowed are {', '.join(allowed[key])}")
        elif value == "value" and f"{key}_value" not in transformations:
            raise ValueError(f"{attribute}: {key} is 'value', but {key}_value is missing")


def fill(values: np.ndarray, transformations: Mapping[str, str], end: int) -> np.ndarray:
    """One series (T,) with its gaps filled; `end` is the number of steps up to the global end of the target.

    Missing steps are NaN. Between the first and last value they are filled by `middlefill`, from there to `end` by
    `backfill`, after `end` by `futurefill`; steps before the first value stay NaN (frontfill none), and so does a gap
    without a method or with "nan". A statistic is that of the last 64 observed values before the gap.

    >>> fill(np.array([np.nan, 4.0, np.nan, 8.0, np.nan]), {"middlefill": "mean", "backfill": "zero"}, end=5)
    array([nan,  4.,  4.,  8.,  0.])
    """
    seen = np.flatnonzero(~np.isnan(values))
    if not len(seen):
        return values
    first, last = seen[0], seen[-1]
    filled = values.copy()
    spans = ("middlefill", first, last), ("backfill", last, end), ("futurefill", max(last, end), None)
    for kind, start, stop in spans:
        gaps = np.arange(len(values))[start:stop]
        gaps = gaps[np.isnan(values[gaps])]
        for gap in np.split(gaps, np.flatnonzero(np.diff(gaps) > 1) + 1):
            before = seen[: np.searchsorted(seen, gap[0])] if len(gap) else seen
            filled[gap] = filler(transformations, kind, values[before[-STATISTIC_WINDOW:]].tolist())
    return filled


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
