"""Features of the global models: what was known at an origin about a step ahead of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from storecast_engines.forecasting import holidays
from storecast_engines.forecasting.frequency import parse, season_length, seasons
from storecast_engines.forecasting.panel import Panel

RECENT = 7  # newest values given one by one
SEASONS = 4  # values of the same place in the season given one by one
LEVEL_STEPS = 28  # a series is scaled by its mean size over that many steps (or one season, if that is longer)
WINDOWS = (7, 28, 91)
CHUNK = 1000  # series whose statistics are in memory at a time


@dataclass(frozen=True)
class Rows:
    """R rows; values and targets are divided by the row's scale, so that small and large series share one model."""

    features: np.ndarray  # (R, F) float32, NaN = not known
    scale: np.ndarray  # (R,) in the target's unit, > 0
    categorical: list[int]  # the feature columns that are codes


def rows(
    panel: Panel, horizon: int, i: np.ndarray, o: np.ndarray, h: np.ndarray, code: np.ndarray | None = None
) -> Rows:
    """One row for each series i, origin o and step h (R,); additional memory does not grow with the panel.

    The origin is the last time step that is known, 0 <= o < T, and the row is about the value at o + h,
    1 <= h <= horizon. Related series count with their value at o + h where they are forward-looking (the panel's
    future_steps reach the horizon), with their value at o where they are historical. `code` is that of `codes`, by
    default by the panel's own categories.
    """
    code = codes(panel) if code is None else code
    parts, places = [], []
    for start in range(0, len(panel.target), CHUNK):
        which = slice(start, start + CHUNK)
        places.append(np.flatnonzero((i >= which.start) & (i < which.stop)))
        build = _row_builder(panel.series(which), horizon, code[which])
        parts.append(build(i[places[-1]] - start, o[places[-1]], h[places[-1]]))
    order = np.argsort(np.concatenate(places))
    features = np.concatenate([part.features for part in parts])[order]
    return Rows(features, np.concatenate([part.scale for part in parts])[order], parts[0].categorical)


def _row_builder(panel: Panel, horizon: int, code: np.ndarray) -> Callable[[np.ndarray, np.ndarray, np.ndarray], Rows]:
    """A function (series i, origin o, step h) -> Rows for arrays of equal length."""
    values, steps = panel.target, panel.target.shape[1]
    level = _rolling_mean(np.abs(values), max(season_length(panel.freq), LEVEL_STEPS))
    level = np.where(level > 0, level, _rolling_mean(np.abs(values), steps))
    level = np.where(level > 0, level, 1.0)
    rolling = [_rolling_mean(values, window) for window in WINDOWS]
    spread = np.sqrt(np.maximum(_rolling_mean(values**2, LEVEL_STEPS) - _rolling_mean(values, LEVEL_STEPS) ** 2, 0))
    zeros = _rolling_mean(np.where(np.isnan(values), np.nan, values == 0), LEVEL_STEPS)
    age = np.cumsum(np.maximum.accumulate(~np.isnan(values), axis=1), axis=1)
    calendar = _calendar(panel, horizon)
    related, usual, lead = _related(panel, horizon)

    def at(i: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.where(t >= 0, values[i, np.maximum(t, 0)], np.nan)

    def build(i: np.ndarray, o: np.ndarray, h: np.ndarray) -> Rows:
        scale = level[i, o]
        sized = [at(i, o - lag) for lag in range(RECENT)]
        for period in seasons(panel.freq):
            same_place = o + h - period * -(-h // period)  # the newest known step of the same place in the season
            sized += [at(i, same_place - period * back) for back in range(SEASONS)]
        sized += [r[i, o] for r in rolling] + [spread[i, o]]
        plain = [h, zeros[i, o], age[i, o], np.log(scale), *calendar[o + h].T, *code[i].T]
        if related is not None and usual is not None:
            seen = related[i, o + h * lead]
            plain += [*seen.T, *(seen - usual[i, o]).T]
        features = np.column_stack([column / scale for column in sized] + plain).astype(np.float32)
        first_code = len(sized) + 4 + calendar.shape[1]
        return Rows(features, scale, list(range(first_code, first_code + code.shape[1])))

    return build


def _rolling_mean(values: np.ndarray, window: int) -> np.ndarray:
    """(n, T) mean of the known values among the last `window` steps, NaN where there are none."""
    known = ~np.isnan(values)

    def over_window(x: np.ndarray) -> np.ndarray:
        sums = np.cumsum(x, axis=1)
        return sums - np.pad(sums, ((0, 0), (window, 0)))[:, : sums.shape[1]]

    count = over_window(known.astype(float))
    total = over_window(np.where(known, values, 0.0))
    return np.divide(total, count, out=np.full(values.shape, np.nan), where=count > 0)


def _calendar(panel: Panel, horizon: int) -> np.ndarray:
    """(T+H, c) calendar features of each step; the day of the year only if the history covers more than a year.

    With a country, its public holidays too.
    """
    timestamps = panel.timestamps.append(panel.future(horizon))
    unit = parse(panel.freq)[1]
    names = {
        "Y": [],
        "M": ["month"],
        "W": [],
        "D": ["dayofweek", "day"],
        "H": ["hour", "dayofweek"],
        "min": ["minute", "hour", "dayofweek"],
    }[unit]
    if unit in ("W", "D") and (panel.timestamps[-1] - panel.timestamps[0]).days > 366:
        names = [*names, "dayofyear"]
    columns = [getattr(timestamps, name) for name in names] or [np.empty((len(timestamps), 0))]
    if panel.country:
        columns.append(holidays.features(timestamps, panel.freq, panel.country))
    return np.column_stack(columns)


def categories(panel: Panel) -> tuple[tuple[str, ...], ...]:
    """The distinct values of each metadata column, sorted."""
    return () if panel.metadata is None else tuple(tuple(sorted(set(panel.metadata[each]))) for each in panel.metadata)


def codes(panel: Panel, known: Sequence[Sequence[str]] | None = None) -> np.ndarray:
    """(n, m) the place of each metadata value among the `known` ones of its column, -1 for one that is not known.

    By default those of the panel are known.
    """
    if panel.metadata is None or panel.metadata.shape[1] == 0:
        return np.empty((len(panel.target), 0))
    known = categories(panel) if known is None else known
    return np.column_stack([pd.Index(of).get_indexer(panel.metadata[each]) for each, of in zip(panel.metadata, known)])


def standardised(values: np.ndarray) -> np.ndarray:
    """Related values (n, t, k) with mean 0 and variance 1 for each k, 0 where they are missing or constant."""
    spread = np.nanstd(values, axis=(0, 1))
    return np.nan_to_num((values - np.nanmean(values, axis=(0, 1))) / np.where(spread > 0, spread, 1))


def _related(panel: Panel, horizon: int) -> tuple[np.ndarray | None, np.ndarray | None, int]:
    """Related values (n, T+H', k), their usual value up to each step (n, T, k), and 1 if they are forward-looking."""
    if panel.related is None:
        return None, None, 0
    steps = panel.target.shape[1]
    past = np.moveaxis(panel.related[:, :steps], 2, 0)
    usual = np.stack([_rolling_mean(values, LEVEL_STEPS) for values in past], axis=2)
    return panel.related, usual, int(panel.future_steps >= horizon)


def attribute_columns(panel: Panel, width: int) -> dict[str, list[int]]:
    """Which of the `width` columns of Rows.features come from which attribute of the datasets.

    The attributes are the related series, the metadata and Holiday_<country>; other columns are the target's own.
    """
    related, metadata = len(panel.related_names), [] if panel.metadata is None else list(panel.metadata)
    first_related = width - 2 * related
    first_code = first_related - len(metadata)
    columns = {name: [first_related + at, first_related + related + at] for at, name in enumerate(panel.related_names)}
    columns |= {name: [first_code + at] for at, name in enumerate(metadata)}
    if panel.country:
        columns[f"Holiday_{panel.country}"] = list(range(first_code - holidays.FEATURES, first_code))
    return columns
