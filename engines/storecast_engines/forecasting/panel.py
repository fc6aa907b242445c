"""The input and output of every algorithm: all series of a dataset group on one time axis, and their forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from storecast_engines.forecasting import filling, frequency
from storecast_engines.time_steps import TARGET_DEFAULTS

_MANY = 5  # keys named in a message before "and so many more"


@dataclass(frozen=True)
class Panel:
    """n series over T time steps of history; the related series reach H' (0 or the horizon) steps beyond it."""

    keys: pd.DataFrame  # (n, 1+d) item key then dimension columns, strings; row i describes series i
    timestamps: pd.DatetimeIndex  # (T,) history, regular at freq
    target: np.ndarray  # (n, T) float64, NaN = not started / missing
    freq: str  # Forecast's frequency: "D", "W", "15min", ...
    related: np.ndarray | None  # (n, T+H', k) float64
    related_names: tuple[str, ...]
    metadata: pd.DataFrame | None  # (n, m) strings, aligned with keys
    country: str | None = None  # two-letter code; its public holidays are features (holidays.py)
    messages: tuple[str, ...] = ()  # notes for the user: series that were left out, cold starts

    @property
    def future_steps(self) -> int:
        """H': steps after the history for which related values are known."""
        return 0 if self.related is None else self.related.shape[1] - len(self.timestamps)

    def cut(self, steps: int) -> Panel:
        """The panel as it was after its first `steps` time steps; related series keep their H' steps of future."""
        related = None if self.related is None else self.related[:, : steps + self.future_steps]
        return replace(self, timestamps=self.timestamps[:steps], target=self.target[:, :steps], related=related)

    def series(self, which: slice | np.ndarray) -> Panel:
        """The panel of some of its series; `which` is a slice or (n,) bool."""
        related = None if self.related is None else self.related[which]
        metadata = None if self.metadata is None else self.metadata[which].reset_index(drop=True)
        keys = self.keys[which].reset_index(drop=True)
        return replace(self, keys=keys, target=self.target[which], related=related, metadata=metadata)

    def future(self, horizon: int) -> pd.DatetimeIndex:
        """(H,) time steps that follow the history."""
        step = frequency.offset(self.freq)
        return pd.date_range(self.timestamps[-1] + step, periods=horizon, freq=step)


@dataclass(frozen=True)
class Prediction:
    """A forecast of n series for H steps at Q quantile levels, in the target's unit; never clipped at zero."""

    quantiles: np.ndarray  # (n, H, Q), non-crossing, in the order of the levels asked for
    mean: np.ndarray  # (n, H)


def build_panel(
    target: pd.DataFrame,
    related: pd.DataFrame | None,
    metadata: pd.DataFrame | None,
    *,
    item_key: str,
    dimensions: Sequence[str] = (),
    target_name: str,
    freq: str,
    horizon: int,
    transformations: Mapping[str, Mapping[str, str]] | None = None,
    boundary: Mapping[str, str | int] | None = None,
    span: tuple[pd.Timestamp, pd.Timestamp] | None = None,
    forward: bool | None = None,
) -> Panel:
    """Make the panel of a dataset group from long frames.

    target           columns item_key, "timestamp" (datetime64), the dimensions and `target_name`
    related          the same keys (without dimensions a row counts for all of them) and numbers
    metadata         item_key and strings
    dimensions       the ForecastDimensions: a column of `target` that is not among them is summed over
    transformations  AttributeConfigs: attribute -> {"aggregation", "middlefill", "backfill", ...}
    boundary         a TimeAlignmentBoundary
    span, forward    of a part of the series: the first and the last time step of the target and whether the related
                     series are forward-looking, both over all series; by default as `target` and `related` say

    Timestamps are aligned down to the boundary and the target is aggregated (Amazon Forecast guide, "Data aggregation
    for different forecast frequencies"), gaps are filled ("Handling missing values"). Series without any related row
    are left out ("Using related time series datasets"); items with metadata and without history are in the panel, all
    NaN; `messages` name both.

    Raises ValueError for an unknown transformation, a target without values, a related value that is missing after
    filling or given twice, or an item without metadata.

    >>> target = pd.DataFrame(
    ...     {"item_id": "milk", "timestamp": pd.to_datetime(["2024-01-01", "2024-01-03"]), "demand": [5.0, 7.0]}
    ... )
    >>> panel = build_panel(target, None, None, item_key="item_id", target_name="demand", freq="D", horizon=1)
    >>> panel.target
    array([[5., 0., 7.]])
    """
    configs = {name: dict(config) for name, config in (transformations or {}).items()}
    align = partial(frequency.align, freq=freq, boundary=boundary or {})
    known = [target_name, *([] if related is None else related.columns)]
    for name, config in configs.items():
        if name not in known:
            raise ValueError(f"transformations name the attribute {name!r}, which is not in the datasets: {known}")
        filling.check(name, config, target=name == target_name)
    key_names = [item_key, *dimensions]
    # sorted, so that the aggregation "first" takes the earliest
    rows = target.dropna(subset=[target_name]).sort_values("timestamp", kind="stable")
    if rows.empty and span is None:
        raise ValueError(f"the target time series holds no value of {target_name!r}")
    rows = rows.assign(
        **{name: rows[name].astype(str) for name in key_names},
        timestamp=align(pd.DatetimeIndex(rows["timestamp"])),
    )
    keys = rows[key_names].drop_duplicates()
    new = keys[:0] if metadata is None else _new_series(keys, related, metadata)
    keys = pd.concat([keys, new]).sort_values(key_names, ignore_index=True)
    first, last = span or (rows["timestamp"].min(), rows["timestamp"].max())
    timestamps = pd.date_range(first, last, freq=frequency.offset(freq))
    config = {**TARGET_DEFAULTS, **configs.get(target_name, {})}
    values = _aggregated(rows, keys, timestamps, target_name, config["aggregation"])
    values = np.stack([filling.fill(series, config, len(timestamps)) for series in values])
    panel = Panel(keys, timestamps, values, freq, None, (), None)
    if related is not None:
        related = related.assign(timestamp=align(pd.DatetimeIndex(related["timestamp"])))
        panel = _with_related(panel, related, horizon, configs, forward)
    new = panel.keys[np.isnan(panel.target).all(axis=1)]
    if len(new):
        listed = _listed(new)
        about = f"{len(new)} series without history are forecast from similar items (cold start): {listed}"
        panel = replace(panel, messages=(*panel.messages, about))
    return panel if metadata is None else replace(panel, metadata=_aligned_metadata(panel.keys, metadata, item_key))


def _new_series(keys: pd.DataFrame, related: pd.DataFrame | None, metadata: pd.DataFrame) -> pd.DataFrame:
    """The keys of items that only the metadata names; their dimension values come from related rows."""
    item_key = keys.columns[0]
    if related is not None and set(keys.columns) <= set(related.columns):
        named = related[[*keys.columns]].astype(str).drop_duplicates()
        named = named[named[item_key].isin(metadata[item_key].astype(str))]
    else:
        named = metadata[[item_key]].astype(str).drop_duplicates() if len(keys.columns) == 1 else keys[:0]
    return named[~named[item_key].isin(keys[item_key])]


def _aggregated(
    rows: pd.DataFrame, keys: pd.DataFrame, timestamps: pd.DatetimeIndex, name: str, how: str
) -> np.ndarray:
    """(n, T) of one value per series and aligned time step."""
    grouped = rows.groupby([*keys.columns, "timestamp"], sort=False)[name]
    cells = grouped.agg({"avg": "mean"}.get(how, how)).reset_index()
    values = np.full((len(keys), len(timestamps)), np.nan)
    values[_row_of(cells, keys), timestamps.get_indexer(cells["timestamp"])] = cells[name]
    return values


def _row_of(rows: pd.DataFrame, keys: pd.DataFrame) -> np.ndarray:
    """The series each row belongs to, -1 where there is none."""
    if len(keys.columns) == 1:
        return pd.Index(keys.iloc[:, 0]).get_indexer(rows[keys.columns[0]])
    return pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(rows[list(keys.columns)]))


def _with_related(
    panel: Panel,
    related: pd.DataFrame,
    horizon: int,
    configs: Mapping[str, Mapping[str, str]],
    forward: bool | None,
) -> Panel:
    shared = [name for name in panel.keys.columns if name in related.columns]
    names = [name for name in related.columns if name not in {*panel.keys.columns, "timestamp"}]
    rows = related.assign(**{name: related[name].astype(str) for name in shared})
    twice = rows[rows.duplicated([*shared, "timestamp"])]
    if len(twice):
        row = twice.iloc[0]
        raise ValueError(
            f"related time series are never aggregated, but {_named(row, shared)} has two rows for the "
            f"{panel.freq} time step {row['timestamp']}; keep one row of each series and time step, or if a "
            "column tells such rows apart, as a store does, add it to the dimensions and to the target"
        )
    covered = _row_of(panel.keys[shared], rows[shared].drop_duplicates()) >= 0
    if not covered.any():
        raise ValueError(f"no series of the target time series has rows in the related time series ({shared})")
    messages = panel.messages
    if not covered.all():
        messages += (
            f"{(~covered).sum()} of {len(covered)} series have no related time series and are left out of the "
            f"model and the forecasts: {_listed(panel.keys[~covered])}",
        )
    keys, target = panel.keys[covered].reset_index(drop=True), panel.target[covered]
    end = len(panel.timestamps)
    # the guide: related data with any value inside the horizon is forward-looking, otherwise it is historical
    if forward is None:
        forward = (rows["timestamp"] > panel.timestamps[-1]).any()
    forward = forward or any("futurefill" in configs.get(name, {}) for name in names)
    # values before the target's first step still count for the filling statistics
    start = min(rows["timestamp"].min(), panel.timestamps[0])
    stop = panel.future(horizon)[-1] if forward else panel.timestamps[-1]
    axis = pd.date_range(start, stop, freq=frequency.offset(panel.freq))
    lead = len(axis) - end - (horizon if forward else 0)
    rows = rows[rows["timestamp"] <= stop]
    cells = keys[shared].drop_duplicates(ignore_index=True)
    at = _row_of(rows, cells), axis.get_indexer(rows["timestamp"])
    of_series = _row_of(keys, cells)
    values = np.empty((len(keys), len(axis) - lead, len(names)))
    for k, name in enumerate(names):
        raw = np.full((len(cells), len(axis)), np.nan)
        raw[at[0][at[0] >= 0], at[1][at[0] >= 0]] = rows[name][at[0] >= 0]
        filled = np.stack([filling.fill(series, configs.get(name, {}), lead + end) for series in raw])
        values[:, :, k] = filled[of_series][:, lead:]
    panel = replace(panel, keys=keys, target=target, related=values, related_names=tuple(names), messages=messages)
    _check_complete(panel, values, axis[lead:])
    return panel


def _check_complete(panel: Panel, related: np.ndarray, axis: pd.DatetimeIndex) -> None:
    """Related series must have a value wherever the target has started, and in all of the future they reach."""
    started = np.maximum.accumulate(~np.isnan(panel.target), axis=1)
    started = np.pad(started, ((0, 0), (0, panel.future_steps)), constant_values=True)
    missing = np.argwhere(np.isnan(related) & started[:, :, None])
    if len(missing):
        i, t, k = missing[0]
        name, rule = panel.related_names[k], "futurefill" if t >= len(panel.timestamps) else "middlefill and backfill"
        raise ValueError(
            f"related time series must not have missing values: {name!r} of "
            f"{_named(panel.keys.iloc[i], panel.keys.columns)} is missing at {axis[t]}{more_places(len(missing) - 1)}; "
            f"give it a value there, or fill it: set {rule} under filling.{name} to one of "
            f"{', '.join(filling.RELATED['futurefill'])}"
        )


def more_places(count: int) -> str:
    """How many more places a message is about than the one that it names."""
    return f" (and at {count:,} more place{'' if count == 1 else 's'})" if count else ""


def _aligned_metadata(keys: pd.DataFrame, metadata: pd.DataFrame, item_key: str) -> pd.DataFrame:
    unique = metadata.assign(**{item_key: metadata[item_key].astype(str)}).drop_duplicates(item_key, keep="last")
    at = pd.Index(unique[item_key]).get_indexer(keys[item_key])
    if (at < 0).any():
        missing = _listed(keys.loc[at < 0, [item_key]].drop_duplicates())
        raise ValueError(
            "every item of the target time series must be in the metadata "
            f"(https://docs.aws.amazon.com/forecast/latest/dg/item-metadata-datasets.html); missing: {missing}"
        )
    return unique.drop(columns=item_key).iloc[at].fillna("").astype(str).reset_index(drop=True)


def _named(row: pd.Series, names: Sequence[str]) -> str:
    return ", ".join(f"{name}={row[name]!r}" for name in names)


def _listed(keys: pd.DataFrame) -> str:
    shown = "; ".join(_named(row, keys.columns) for _, row in keys.head(_MANY).iterrows())
    return shown + (f"; and {len(keys) - _MANY} more" if len(keys) > _MANY else "")
