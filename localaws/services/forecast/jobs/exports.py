"""The files of the export jobs, each function in a process of its own: named, cut into parts and laid out as AWS's."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.jobs import Result
from localaws.s3 import Access, write
from localaws.services.forecast import artifacts
from storecast_engines.files.time_series import double
from storecast_engines.forecasting import metrics

# The parts that the items are spread over. Recorded: 3 items in a part each, 467 items in 13 parts with the first one.
MOST_PARTS = 12


@dataclass(frozen=True)
class Destination:
    """The folder of an export, its format (CSV or PARQUET), and the job's name, which starts those of its files."""

    path: str
    file_format: str
    name: str


@dataclass(frozen=True)
class ExportForecast:
    to: Destination
    forecast: Path


@dataclass(frozen=True)
class ExportWhatIf:
    """`forecasts`: by name, those that are exported beside the baseline."""

    to: Destination
    baseline: Path
    forecasts: dict[str, Path]


@dataclass(frozen=True)
class ExportExplainability:
    to: Destination
    scores: Path


@dataclass(frozen=True)
class ExportBacktest:
    to: Destination
    predictor: Path
    types: list[str]


def export_forecast(job: ExportForecast, access: Access) -> Result:
    found = artifacts.load_forecast(job.forecast)
    _write_parts(access, job.to, _dated(found.keys, found.timestamps, found.values, found.types))
    _finish(access, job.to.path)
    return Result()


def export_what_if(job: ExportWhatIf, access: Access) -> Result:
    """Columns Baseline_<type>, then <what-if forecast>_<type> of each; one row per series and time step."""
    base = artifacts.load_forecast(job.baseline)
    made = {label: artifacts.load_forecast(folder) for label, folder in job.forecasts.items()}
    keys = next(iter(made.values())).keys
    base_values = base.values[base.rows_of(keys)]
    columns = [f"{label}_{kind}" for label in ("Baseline", *made) for kind in base.types]
    values = np.concatenate([base_values, *[each.values for each in made.values()]], axis=2)
    _write_parts(access, job.to, _dated(keys, base.timestamps, values, columns))
    _finish(access, job.to.path)
    return Result()


def export_explainability(job: ExportExplainability, access: Access) -> Result:
    """Columns <attribute>-NormalizedImpactScore and <attribute>-RawImpactScore; a predictor has no raw ones.

    The guide shows the files in pictures only; AWS's sample notebooks name the columns of the normalised scores.
    """
    found = artifacts.load_scores(job.scores)
    table = found.places.copy()
    for kind, values in {"Normalized": found.normalised, "Raw": found.raw}.items():
        if not np.isnan(values).all():
            table[[f"{attribute}-{kind}ImpactScore" for attribute in found.attributes]] = values
    _write_parts(access, job.to, table)
    _finish(access, job.to.path)
    return Result()


def export_backtest(job: ExportBacktest, access: Access) -> Result:
    """Two folders as the service writes them: forecasted-values and accuracy-metrics-values."""
    found = artifacts.load_predictor(job.predictor)
    run, keys = found.backtest, found.keys
    types = artifacts.in_order(job.types)
    columns = artifacts.names_of(types)
    values, accuracy = [], []
    for at, timestamps in enumerate(run.timestamps):
        bounds = _bound(timestamps[0]), _bound(timestamps[-1])
        prediction = artifacts.by_type(run.prediction(at), run.levels, types)
        long = _long(keys, timestamps, "timestamp", prediction, columns)
        long.insert(len(keys.columns) + 1, "target_value", run.actual[at].reshape(-1))
        long.insert(len(keys.columns) + 2, "backtestwindow_start_time", bounds[0])
        long.insert(len(keys.columns) + 3, "backtestwindow_end_time", bounds[1])
        values.append(long)
        accuracy.append(_accuracy(keys, run.item_metrics()[at], run.levels, "Computed", *bounds))
    start, end = _bound(run.timestamps[-1][0]), _bound(run.timestamps[0][-1])
    accuracy.append(_accuracy(keys, run.item_summary(), run.levels, "Summary", start, end))
    values_to, accuracy_to = (
        replace(job.to, path=f"{job.to.path.rstrip('/')}/{each}")
        for each in ("forecasted-values", "accuracy-metrics-values")
    )
    forecasted, metered = pd.concat(values, ignore_index=True), pd.concat(accuracy, ignore_index=True)
    _write_parts(access, values_to, forecasted, first="")
    _write_parts(access, accuracy_to, metered, "not defined", first="")
    for each in (values_to, accuracy_to):
        _finish(access, each.path)
    return Result()


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
    access: Access, to: Destination, table: pd.DataFrame, missing: str = "", first: str | None = None
) -> None:
    """<job name>_<time>_part<N>.csv: CR LF, a header in every part, `missing` for NaN; or .parquet.

    The first part has no rows, only its header or in place of it the text `first`. An item's rows are in one part,
    and neither the parts nor the items in them are in any order, as in the recorded files.
    """
    stamped = f"{to.name}_{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_part"
    if to.file_format == "PARQUET":
        write(access, to.path, f"{stamped}0.parquet", table.to_parquet(index=False))
        return
    head = table.iloc[:0].to_csv(index=False, lineterminator="\r\n") if first is None else first
    write(access, to.path, f"{stamped}0.csv", head.encode())
    items, _ = pd.factorize(table.iloc[:, 0])
    parts = (items * 5 + 3) % min(MOST_PARTS, items.max(initial=0) + 1)
    for number, (_, rows) in enumerate(table.groupby(parts, sort=True), start=1):
        text = rows.to_csv(index=False, na_rep=missing, lineterminator="\r\n", float_format=double)
        write(access, to.path, f"{stamped}{number}.csv", text.encode())


def _finish(access: Access, folder: str) -> None:
    """The empty objects that the service leaves beside the parts."""
    for name in ("_CHECK", "_SUCCESS"):
        write(access, folder, name, b"")
