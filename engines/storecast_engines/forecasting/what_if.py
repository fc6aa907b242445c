"""What-if: related series changed over the horizon, by transformation functions or by replaced rows.

Sources: https://docs.aws.amazon.com/forecast/latest/dg/what-if.html and its pages on transformations and replacement
series. Only the steps to forecast are changed; the history, which the predictor was trained on, is not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from storecast_engines.forecasting import frequency
from storecast_engines.forecasting.panel import Panel

OPERATIONS: Mapping[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "ADD": np.add,
    "SUBTRACT": np.subtract,
    "MULTIPLY": np.multiply,
    "DIVIDE": np.divide,
}
CONDITIONS: Mapping[str, Callable[[np.ndarray, Any], np.ndarray]] = {
    "EQUALS": np.equal,
    "NOT_EQUALS": np.not_equal,
    "LESS_THAN": np.less,
    "GREATER_THAN": np.greater,
}


@dataclass(frozen=True)
class Condition:
    """A condition on a step of a series; `attribute` is a key, a metadata column or "timestamp"."""

    attribute: str
    name: str  # in CONDITIONS
    value: str


@dataclass(frozen=True)
class Transformation:
    """`operation` (in OPERATIONS) with `value` on a related series where all conditions hold."""

    attribute: str
    operation: str
    value: float
    conditions: tuple[Condition, ...] = ()


def transformed(panel: Panel, horizon: int, transformations: Sequence[Transformation]) -> Panel:
    """The panel with the transformations applied over the horizon, in their order.

    Raises ValueError if the related series do not reach the horizon, for an unknown attribute, or if a result is not
    finite.
    """
    related = _changeable(panel, horizon)
    steps = len(panel.timestamps)
    for each in transformations:
        k = _column(panel, each.attribute)
        where = np.ones((len(panel.keys), horizon), bool)
        for condition in each.conditions:
            where &= _holds(panel, horizon, condition)
        ahead = related[:, steps:, k]
        with np.errstate(divide="ignore", invalid="ignore"):
            ahead[where] = OPERATIONS[each.operation](ahead[where], each.value)
        if not np.isfinite(ahead).all():
            raise ValueError(f"{each.operation} {each.value:g} makes {each.attribute!r} infinite or undefined")
    return replace(panel, related=related)


def replaced(panel: Panel, horizon: int, rows: pd.DataFrame) -> Panel:
    """The panel with the values of `rows` over the horizon: key columns, "timestamp" and related series by name.

    Values that are NaN or missing in `rows` stay unchanged. Raises ValueError if the related series do not reach the
    horizon, for an unknown column or series, and for a time step outside the horizon or given twice for a series.
    """
    related = _changeable(panel, horizon)
    names = [name for name in rows.columns if name not in {*panel.keys.columns, "timestamp"}]
    key_names = [name for name in panel.keys.columns if name in rows.columns]
    columns = [_column(panel, name) for name in names]
    ahead = panel.future(horizon)
    # each time belongs to the step that contains it, whichever boundary the steps have
    times = pd.DatetimeIndex(rows["timestamp"])
    step = ahead.searchsorted(times, side="right") - 1
    outside = rows[(step < 0) | (times >= ahead[-1] + frequency.offset(panel.freq))]
    if len(outside):
        raise ValueError(
            f"replacement time series: {_described(outside.iloc[0], key_names)} lies outside the forecast horizon, "
            f"which is {ahead[0]} to {ahead[-1]}"
        )
    twice = rows.assign(timestamp=step).duplicated([*key_names, "timestamp"])
    if twice.any():
        raise ValueError(f"replacement time series: {_described(rows[twice].iloc[0], key_names)} is there twice")
    series: dict[tuple[str, ...], list[int]] = {}
    for at, key in enumerate(panel.keys[key_names].itertuples(index=False, name=None)):
        series.setdefault(key, []).append(at)
    values = rows[names].to_numpy(float)
    for row, key in enumerate(rows[key_names].astype(str).itertuples(index=False, name=None)):
        if key not in series:
            raise ValueError(f"replacement time series: no series {dict(zip(key_names, key))} is in the forecast")
        for k, value in zip(columns, values[row]):
            if not np.isnan(value):
                related[series[key], len(panel.timestamps) + step[row], k] = value
    return replace(panel, related=related)


def _changeable(panel: Panel, horizon: int) -> np.ndarray:
    """A copy of the related series, if there are any over the horizon."""
    if panel.related is None or panel.future_steps < horizon:
        raise ValueError(
            f"a what-if forecast needs related time series over the forecast horizon ({horizon} steps); "
            f"the data has {panel.future_steps} of them"
        )
    return panel.related.copy()


def _column(panel: Panel, attribute: str) -> int:
    """Names of related series are case-insensitive (Amazon Forecast API, Action)."""
    names = [name.lower() for name in panel.related_names]
    if attribute.lower() not in names:
        raise ValueError(f"{attribute!r} is no related time series; there are {', '.join(panel.related_names)}")
    return names.index(attribute.lower())


def _holds(panel: Panel, horizon: int, condition: Condition) -> np.ndarray:
    """(n, H) or what broadcasts to it."""
    holds = CONDITIONS[condition.name]
    if condition.attribute == "timestamp":
        return holds(panel.future(horizon).to_numpy(), np.datetime64(pd.Timestamp(condition.value)))[None, :]
    columns = panel.keys if panel.metadata is None else panel.keys.join(panel.metadata)
    if condition.attribute not in columns:
        raise ValueError(f"{condition.attribute!r} is not one of timestamp, {', '.join(columns)}")
    return holds(columns[condition.attribute].to_numpy(), condition.value)[:, None]


def _described(row: pd.Series, key_names: Sequence[str]) -> str:
    return ", ".join(f"{name}={row[name]!r}" for name in [*key_names, "timestamp"])
