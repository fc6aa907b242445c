"""The files of the export jobs, each function in a process of its own: named, cut into parts and laid out as AWS's."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.s3 import Access, write
from localaws.services.forecast.jobs import saved
from storecast_engines.files.time_series import double
from storecast_engines.forecasting import metrics

# The parts that the items are spread over. Recorded: 3 items in a part each, 467 items in 13 parts with the first one.
MOST_PARTS = 12


def export_forecast(access: Access, path: str, file_format: str, name: str, forecast: Path) -> dict:
    found = saved.load_forecast(forecast)
    table = _dated(found.keys, found.timestamps, found.values, found.types)
    _write_parts(access, path, name, file_format, table)
    _finish(access, path)
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
    _write_parts(access, path, name, file_format, _dated(keys, base.timestamps, values, columns))
    _finish(access, path)
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
    _finish(access, path)
    return {}


def export_backtest(access: Access, path: str, file_format: str, name: str, predictor: Path, types: list[str]) -> dict:
    """Two folders as the service writes them: forecasted-values and accuracy-metrics-values."""
    found = saved.load_predictor(predictor)
    run, keys = found.backtest, found.keys
    types = saved.in_order(types)
    columns = saved.names_of(types)
    values, accuracy = [], []
    for at, timestamps in enumerate(run.timestamps):
        bounds = _bound(timestamps[0]), _bound(timestamps[-1])
        prediction = saved.by_type(run.prediction(at), run.levels, types)
        long = _long(keys, timestamps, "timestamp", prediction, columns)
        long.insert(len(keys.columns) + 1, "target_value", run.actual[at].reshape(-1))
        long.insert(len(keys.columns) + 2, "backtestwindow_start_time", bounds[0])
        long.insert(len(keys.columns) + 3, "backtestwindow_end_time", bounds[1])
        values.append(long)
        accuracy.append(_accuracy(keys, run.item_metrics()[at], run.levels, "Computed", *bounds))
    start, end = _bound(run.timestamps[-1][0]), _bound(run.timestamps[0][-1])
    accuracy.append(_accuracy(keys, run.item_summary(), run.levels, "Summary", start, end))
    folder = path.rstrip("/")
    forecasted, metered = pd.concat(values, ignore_index=True), pd.concat(accuracy, ignore_index=True)
    _write_parts(access, f"{folder}/forecasted-values", name, file_format, forecasted, first="")
    _write_parts(access, f"{folder}/accuracy-metrics-values", name, file_format, metered, "not defined", first="")
    for each in ("forecasted-values", "accuracy-metrics-values"):
        _finish(access, f"{folder}/{each}")
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


def _dated(keys: pd.DataFrame, timestamps: np.ndarray, values: np.ndarray, columns: list[str]) -> pd.DataFrame:
    """item_id, date, the dimensions, the values: the order of forecasts, while backtests have the time last."""
    table = _long(keys, timestamps, "date", values, columns)
    item, *dimensions = keys.columns
    return table[[item, "date", *dimensions, *columns]]


def _lower(keys: pd.DataFrame) -> pd.DataFrame:
    return keys.apply(lambda column: column.str.lower()).reset_index(drop=True)


def _stamp(moment: np.datetime64) -> str:
    return f"{_bound(moment)}Z"


def _bound(moment: np.datetime64) -> str:
    """The bounds of backtest windows have no Z."""
    return f"{pd.Timestamp(moment):%Y-%m-%dT%H:%M:%S}"


def _write_parts(
    access: Access,
    folder: str,
    name: str,
    file_format: str,
    table: pd.DataFrame,
    missing: str = "",
    first: str | None = None,
) -> None:
    """<job name>_<time>_part<N>.csv: CR LF, a header in every part, `missing` for NaN; or .parquet.

    The first part has no rows, only its header or in place of it the text `first`. An item's rows are in one part,
    and neither the parts nor the items in them are in any order, as in the recorded files.
    """
    stamped = f"{name}_{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_part"
    if file_format == "PARQUET":
        write(access, folder, f"{stamped}0.parquet", table.to_parquet(index=False))
        return
    head = table.iloc[:0].to_csv(index=False, lineterminator="\r\n") if first is None else first
    write(access, folder, f"{stamped}0.csv", head.encode())
    items, _ = pd.factorize(table.iloc[:, 0])
    parts = (items * 5 + 3) % min(MOST_PARTS, items.max(initial=0) + 1)
    for number, (_, rows) in enumerate(table.groupby(parts, sort=True), start=1):
        text = rows.to_csv(index=False, na_rep=missing, lineterminator="\r\n", float_format=double)
        write(access, folder, f"{stamped}{number}.csv", text.encode())


def _finish(access: Access, folder: str) -> None:
    """The empty objects that the service leaves beside the parts."""
    for name in ("_CHECK", "_SUCCESS"):
        write(access, folder, name, b"")
