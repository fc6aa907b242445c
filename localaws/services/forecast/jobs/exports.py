"""The files of the export jobs, each function in a process of its own: named, cut into parts and laid out as AWS's."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.s3 import Access, write
from localaws.services.forecast.jobs import saved
from storecast_engines.forecasting import metrics

ROWS_PER_PART = 100_000


def export_forecast(access: Access, path: str, file_format: str, name: str, forecast: Path) -> dict:
    found = saved.load_forecast(forecast)
    table = _long(found.keys, found.timestamps, "date", found.values, found.types)
    _write_parts(access, path, name, file_format, table)
    return {}


def export_what_if(
    access: Access, path: str, file_format: str, name: str, baseline: Path, forecasts: dict[str, Path]
) -> dict:
    """Columns Baseline_<type>, then <what-if forecast>_<type> of each; one row per series and time step."""
    base = saved.load_forecast(baseline)
    made = {label: saved.load_forecast(folder) for label, folder in forecasts.items()}
    keys = next(iter(made.values())).keys
    base_values = base.values[base.rows_of(keys)]
    columns = [f"{label}_{kind}" for label in ("Baseline", *made) for kind in base.types]
    values = np.concatenate([base_values, *[each.values for each in made.values()]], axis=2)
    _write_parts(access, path, name, file_format, _long(keys, base.timestamps, "date", values, columns))
    return {}


def export_explainability(access: Access, path: str, file_format: str, name: str, scores: Path) -> dict:
    """Columns <attribute>-NormalizedImpactScore and <attribute>-RawImpactScore; a predictor has no raw ones.

    The guide shows the files in pictures only; AWS's sample notebooks name the columns of the normalised scores.
    """
    found = saved.load_scores(scores)
    table = found.places.copy()
    for kind, values in {"Normalized": found.normalised, "Raw": found.raw}.items():
        if not np.isnan(values).all():
            table[[f"{attribute}-{kind}ImpactScore" for attribute in found.attributes]] = values
    _write_parts(access, path, name, file_format, table)
    return {}


def export_backtest(access: Access, path: str, file_format: str, name: str, predictor: Path, types: list[str]) -> dict:
    """Two folders as the service writes them: forecasted-values and accuracy-metrics-values."""
    found = saved.load_predictor(predictor)
    run, keys = found.backtest, found.keys
    types = saved.in_order(types)
    columns = saved.names_of(types)
    values, accuracy = [], []
    for at, timestamps in enumerate(run.timestamps):
        bounds = _stamp(timestamps[0]), _stamp(timestamps[-1])
        prediction = saved.by_type(run.prediction(at), run.levels, types)
        long = _long(keys, timestamps, "timestamp", prediction, columns)
        long.insert(len(keys.columns) + 1, "target_value", run.actual[at].reshape(-1))
        long.insert(len(keys.columns) + 2, "backtestwindow_start_time", bounds[0])
        long.insert(len(keys.columns) + 3, "backtestwindow_end_time", bounds[1])
        values.append(long)
        accuracy.append(_accuracy(keys, run.item_metrics()[at], run.levels, "Computed", *bounds))
    start, end = _stamp(run.timestamps[-1][0]), _stamp(run.timestamps[0][-1])
    accuracy.append(_accuracy(keys, run.item_summary(), run.levels, "Summary", start, end))
    folder = path.rstrip("/")
    forecasted, metered = pd.concat(values, ignore_index=True), pd.concat(accuracy, ignore_index=True)
    _write_parts(access, f"{folder}/forecasted-values", name, file_format, forecasted)
    _write_parts(access, f"{folder}/accuracy-metrics-values", name, file_format, metered, "not defined")
    return {}


def _accuracy(
    keys: pd.DataFrame, values: metrics.Metrics, levels: tuple[float, ...], window: str, start: str, end: str
) -> pd.DataFrame:
    """One row per item; NaN where a metric is not defined."""
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
    keys: pd.DataFrame, timestamps: np.ndarray, time_name: str, values: np.ndarray, columns: list[str]
) -> pd.DataFrame:
    """One row per item and time step. Item ids come out in lower case, as the service exports them."""
    table = _lower(keys).loc[np.repeat(np.arange(len(keys)), len(timestamps))].reset_index(drop=True)
    table[time_name] = np.tile([_stamp(each) for each in timestamps], len(keys))
    for at, column in enumerate(columns):
        table[column] = values[:, :, at].reshape(-1)
    return table


def _lower(keys: pd.DataFrame) -> pd.DataFrame:
    return keys.apply(lambda column: column.str.lower()).reset_index(drop=True)


def _stamp(moment: np.datetime64) -> str:
    return f"{pd.Timestamp(moment):%Y-%m-%dT%H:%M:%SZ}"


def _write_parts(
    access: Access, folder: str, name: str, file_format: str, table: pd.DataFrame, missing: str = ""
) -> None:
    """<job name>_<time>_part<N>.csv, a header in every part, `missing` for NaN as in the service's; or .parquet."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    for part, start in enumerate(range(0, max(len(table), 1), ROWS_PER_PART)):
        rows = table.iloc[start : start + ROWS_PER_PART]
        if file_format == "PARQUET":
            body, suffix = rows.to_parquet(index=False), "parquet"
        else:
            body, suffix = rows.to_csv(index=False, na_rep=missing).encode(), "csv"
        write(access, folder, f"{name}_{now}_part{part}.{suffix}", body)
