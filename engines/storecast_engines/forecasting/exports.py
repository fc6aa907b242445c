"""Tables in the layout of the files that Amazon Forecast exports: forecasts and backtests.

The order of columns, times with and without Z, ids in lower case and "not defined" are those of recorded exports.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from storecast_engines.files.statistics import double
from storecast_engines.forecasting import metrics
from storecast_engines.forecasting.backtest import Backtest
from storecast_engines.forecasting.panel import Prediction

NOT_DEFINED = "not defined"  # of a metric


def levels_of(types: Sequence[str]) -> list[float]:
    """The quantile levels among forecast types; a predictor asked for the mean alone is trained on the median."""
    return [float(each) for each in types if each != "mean"] or [0.5]


def in_order(types: Sequence[str]) -> list[str]:
    """The order of the columns in exports: the mean, then the quantiles from low to high.

    AWS's samples hold a backtest export with mean, p65, p90 (Item_Level_Accuracy_Using_Bike_Example.ipynb).
    """
    return sorted(types, key=lambda each: -1.0 if each == "mean" else float(each))


def names_of(types: Sequence[str]) -> list[str]:
    """p10 of "0.1", p5 of "0.05"; the mean keeps its name."""
    return ["mean" if each == "mean" else f"p{float(each) * 100:g}" for each in types]


def by_type(prediction: Prediction, levels: Sequence[float], types: Sequence[str]) -> np.ndarray:
    """(n, H, types) in the order asked for."""
    at = {f"{level:g}": index for index, level in enumerate(levels)}
    return np.stack(
        [prediction.mean if each == "mean" else prediction.quantiles[:, :, at[f"{float(each):g}"]] for each in types],
        axis=2,
    )


def forecasts(
    keys: pd.DataFrame,
    timestamps: np.ndarray,
    values: np.ndarray,
    columns: Sequence[str],
    metadata: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """A row per series and time step: the item, its metadata, date, the dimensions, then the values (n, H, columns).

    Backtests have the time after the dimensions, and no metadata.
    """
    item, *dimensions = keys.columns
    about = keys if metadata is None else pd.concat([each.reset_index(drop=True) for each in (keys, metadata)], axis=1)
    table = _long(about, timestamps, "date", values, columns)
    return table[[item, *about.columns[len(keys.columns) :], "date", *dimensions, *columns]]


def forecasted_values(keys: pd.DataFrame, run: Backtest, types: Sequence[str]) -> pd.DataFrame:
    """A row per series, window and time step: the actual value beside what was forecast for it."""
    types = in_order(types)
    tables = []
    for at, timestamps in enumerate(run.timestamps):
        table = _long(keys, timestamps, "timestamp", by_type(run.prediction(at), run.levels, types), names_of(types))
        table.insert(len(keys.columns) + 1, "target_value", run.actual[at].reshape(-1))
        table.insert(len(keys.columns) + 2, "backtestwindow_start_time", _bound(timestamps[0]))
        table.insert(len(keys.columns) + 3, "backtestwindow_end_time", _bound(timestamps[-1]))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def accuracy_metrics_values(keys: pd.DataFrame, run: Backtest) -> pd.DataFrame:
    """A row per series and window, then one per series over all windows; NaN where a metric is not defined."""
    tables = [
        _accuracy(keys, values, run.levels, "Computed", _bound(timestamps[0]), _bound(timestamps[-1]))
        for values, timestamps in zip(run.item_metrics(), run.timestamps)
    ]
    start, end = _bound(run.timestamps[-1][0]), _bound(run.timestamps[0][-1])
    tables.append(_accuracy(keys, run.item_summary(), run.levels, "Summary", start, end))
    return pd.concat(tables, ignore_index=True)


def to_csv(table: pd.DataFrame, missing: str = "") -> bytes:
    """CR LF, a header, numbers in Java's format, `missing` for NaN."""
    return table.to_csv(index=False, na_rep=missing, lineterminator="\r\n", float_format=double).encode()


def _accuracy(
    keys: pd.DataFrame,
    values: metrics.Metrics[np.ndarray],
    levels: tuple[float, ...],
    window: str,
    start: str,
    end: str,
) -> pd.DataFrame:
    table = _lower(keys)
    table["backtest_window"] = window
    table["backtestwindow_start_time"], table["backtestwindow_end_time"] = start, end
    for at, level in enumerate(levels):
        table[f"wQL[{level:g}]"] = values.wql[:, at]
    table["Average wQL"] = values.average_wql
    for name, column in {"RMSE": values.rmse, "WAPE": values.wape, "MAPE": values.mape, "MASE": values.mase}.items():
        table[name] = column
    return table


def _long(
    keys: pd.DataFrame, timestamps: np.ndarray, time_name: str, values: np.ndarray, columns: Sequence[str]
) -> pd.DataFrame:
    """One row per item and time step. Item ids come out in lower case, as the service exports them."""
    table = _lower(keys).loc[np.repeat(np.arange(len(keys)), len(timestamps))].reset_index(drop=True)
    table[time_name] = np.tile([f"{_bound(each)}Z" for each in timestamps], len(keys))
    for at, column in enumerate(columns):
        table[column] = values[:, :, at].reshape(-1)
    return table


def _lower(keys: pd.DataFrame) -> pd.DataFrame:
    return keys.apply(lambda column: column.str.lower()).reset_index(drop=True)


def _bound(moment: np.datetime64) -> str:
    """The bounds of backtest windows have no Z."""
    return f"{pd.Timestamp(moment):%Y-%m-%dT%H:%M:%S}"
