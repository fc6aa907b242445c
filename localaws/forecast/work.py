"""The long work of Amazon Forecast, each function in a process of its own: files in, files out."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.forecast import imported, schema
from localaws.forecast.engine import autopredictor, metrics, trained
from localaws.forecast.engine.panel import Panel, Prediction, build_panel
from localaws.jobs import JobFailed
from localaws.objects import Access, read, write

ROWS_PER_PART = 100_000


def import_dataset(access: Access, path: str, file_format: str, layout: imported.Layout, destination: Path) -> dict:
    read_file, suffix = {"CSV": (imported.read_csv, ".csv"), "PARQUET": (imported.read_parquet, ".parquet")}[
        file_format
    ]
    files = read(access, path, (suffix,))
    frames = {file.uri: read_file(file, layout) for file in files}
    frame = pd.concat(frames.values(), ignore_index=True)
    destination.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(destination, index=False)
    size = sum(len(file.body) for file in files)
    record = {"FieldStatistics": imported.statistics(frame), "DataSize": size / 1e9}
    if layout.counted:
        record["Message"] = " ".join(filter(None, (imported.doubts(*each, layout.counted) for each in frames.items())))
    return {"record": record}


# --- predictors -----------------------------------------------------------------------------------------------------


def train_predictor(datasets: dict, settings: dict, auto: bool, destination: Path) -> dict:
    horizon, types = settings["horizon"], settings["types"]
    panel = _panel(datasets, settings)
    _check_horizon(panel, horizon, auto)
    options = {key: settings[key] for key in ("windows", "offset") if settings.get(key)}
    train = partial(
        autopredictor.train,
        panel,
        horizon,
        _levels(types),
        metric=settings["metric"],
        workers=os.cpu_count(),
        **options,
    )
    try:
        if settings.get("auto_ml"):
            predictors = sorted([train(members=[name]) for name in settings["members"]], key=_average_wql)
        else:
            predictors = [train(members=settings.get("members"))]
    except ValueError as error:
        raise JobFailed(str(error)) from None
    predictor = predictors[0]
    document, arrays = trained.to_parts(predictor)
    destination.mkdir(parents=True, exist_ok=True)
    (destination / "predictor.json").write_text(json.dumps(document))
    np.savez(destination / "predictor.npz", **arrays)
    message = " ".join([_members_message(predictor) if auto else "", *panel.messages, *predictor.messages]).strip()
    evaluations = [_evaluation(each, panel, types, auto) for each in predictors]
    chosen = {"AutoMLAlgorithmArns": [evaluations[0]["AlgorithmArn"]]} if settings.get("auto_ml") else {}
    return {
        "record": {"Message": message, **chosen} if message else chosen,
        "private": {"evaluation": evaluations},
    }


def _average_wql(predictor: trained.Trained) -> float:
    """AutoML's yardstick: the mean wQL over quantiles and windows; a predictor without one comes last."""
    loss = predictor.backtest.summary().average_wql
    return np.inf if np.isnan(loss) else loss


def _check_horizon(panel: Panel, horizon: int, auto: bool) -> None:
    """CreateAutoPredictor: the lesser of 500 time steps or 1/4 of the target's length; CreatePredictor: 1/3 of it."""
    part = 4 if auto else 3
    longest = min(500, len(panel.timestamps) // part)
    if horizon > longest:
        raise JobFailed(
            f"ForecastHorizon {horizon} is too long: the target time series has {len(panel.timestamps)} time steps, so "
            f"it may be at most {longest} (the lesser of 500 and 1/{part} of them)"
        )


def _members_message(predictor: trained.Trained) -> str:
    weights = predictor.weights.mean(axis=0)
    shares = ", ".join(f"{name} {weight:.0%}" for name, weight in zip(predictor.algorithms, weights))
    return f"Mean weight per member: {shares}."


def _panel(datasets: dict, settings: dict) -> Panel:
    domain = schema.DOMAINS[datasets[schema.TARGET]["domain"]]
    frames = {kind: _frame(about["files"]) for kind, about in datasets.items()}
    try:
        panel = build_panel(
            frames[schema.TARGET],
            _numbers_only(frames.get(schema.RELATED), datasets.get(schema.RELATED), domain, settings["dimensions"]),
            frames.get(schema.METADATA),
            item_key=domain.item_key,
            dimensions=settings["dimensions"],
            target_name=domain.target,
            freq=settings["frequency"],
            horizon=settings["horizon"],
            transformations=settings["transformations"],
            boundary=settings["boundary"],
        )
    except ValueError as error:
        raise JobFailed(str(error)) from None
    return replace(panel, country=settings.get("country"))


def _frame(files: list[str]) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def _numbers_only(
    frame: pd.DataFrame | None, about: dict | None, domain: schema.Domain, dimensions: list[str]
) -> pd.DataFrame | None:
    """Related series without attributes that are neither keys nor numbers: the engines read numbers."""
    if frame is None:
        return None
    kept = [
        each["AttributeName"]
        for each in about["attributes"]
        if each["AttributeType"] in schema.NUMBERS
        or each["AttributeName"] in (domain.item_key, "timestamp", *dimensions)
    ]
    return frame[kept]


def _levels(types: list[str]) -> list[float]:
    """The quantile levels among forecast types; a predictor asked for the mean alone is trained on the median."""
    return [float(each) for each in types if each != "mean"] or [0.5]


def _evaluation(predictor: trained.Trained, panel: Panel, types: list[str], auto: bool) -> dict:
    """An EvaluationResult; AutoPredictors show their SUMMARY only, as the service's saved answers do."""
    run = predictor.backtest
    step = panel.future(1)[0] - panel.timestamps[-1]
    ends = [pd.Timestamp(window[-1]) + step for window in run.timestamps]
    windows = [{"EvaluationType": "SUMMARY", "Metrics": _metrics(run.summary(), run.levels, types)}]
    if auto:
        return {"TestWindows": windows}
    for at, window in enumerate(run.window_metrics()):
        windows.append(
            {
                "EvaluationType": "COMPUTED",
                "TestWindowStart": pd.Timestamp(run.timestamps[at][0]).timestamp(),
                "TestWindowEnd": ends[at].timestamp(),
                "ItemCount": int(run.item_counts()[at]),
                "Metrics": _metrics(window, run.levels, types),
            }
        )
    return {"AlgorithmArn": f"arn:aws:forecast:::algorithm/{predictor.algorithms[0]}", "TestWindows": windows}


def _metrics(values: metrics.Metrics, levels: tuple[float, ...], types: list[str]) -> dict:
    errors = {"WAPE": values.wape, "RMSE": values.rmse, "MAPE": values.mape, "MASE": values.mase}
    return _defined(
        {
            "RMSE": values.rmse,
            "WeightedQuantileLosses": [
                {"Quantile": level, "LossValue": float(loss)} for level, loss in zip(levels, values.wql)
            ],
            "ErrorMetrics": [{"ForecastType": "mean", **_defined(errors)}],
            "AverageWeightedQuantileLoss": values.average_wql,
        }
    )


def _defined(values: dict) -> dict:
    return {name: value for name, value in values.items() if not (isinstance(value, float) and np.isnan(value))}


def _load(folder: Path) -> trained.Trained:
    document = json.loads((folder / "predictor.json").read_text())
    with np.load(folder / "predictor.npz", allow_pickle=False) as arrays:
        return trained.from_parts(document, dict(arrays))


def export_backtest(access: Access, path: str, file_format: str, name: str, predictor: Path, types: list[str]) -> dict:
    """Two folders as the service writes them: forecasted-values and accuracy-metrics-values."""
    found = _load(predictor)
    run, keys = found.backtest, found.keys
    columns = ["mean" if each == "mean" else _percent(each) for each in types]
    values, accuracy = [], []
    for at, timestamps in enumerate(run.timestamps):
        bounds = _stamp(timestamps[0]), _stamp(timestamps[-1])
        prediction = _by_type(run.prediction(at), run.levels, types)
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


# --- forecasts ------------------------------------------------------------------------------------------------------


def create_forecast(datasets: dict, settings: dict, predictor: Path, types: list[str], destination: Path) -> dict:
    panel = _panel(datasets, settings)
    levels = sorted(_levels(types))
    prediction = autopredictor.predict(_load(predictor), panel, settings["horizon"], levels, workers=os.cpu_count())
    destination.mkdir(parents=True, exist_ok=True)
    np.savez(
        destination / "forecast.npz",
        keys=panel.keys.to_numpy(dtype=str),
        key_names=np.array(panel.keys.columns, dtype=str),
        timestamps=panel.future(settings["horizon"]).to_numpy(),
        types=np.array(["mean" if each == "mean" else _percent(each) for each in types]),
        values=_by_type(prediction, levels, types).astype(np.float32),
    )
    return {"record": {"Message": " ".join(panel.messages)}} if panel.messages else {}


def export_forecast(access: Access, path: str, file_format: str, name: str, forecast: Path) -> dict:
    with np.load(forecast / "forecast.npz", allow_pickle=False) as file:
        keys = pd.DataFrame(file["keys"], columns=file["key_names"])
        table = _long(keys, file["timestamps"], "date", file["values"], file["types"].tolist())
    _write_parts(access, path, name, file_format, table)
    return {}


def _by_type(prediction: Prediction, levels: tuple[float, ...] | list[float], types: list[str]) -> np.ndarray:
    """(n, H, types) in the order asked for."""
    at = {f"{level:g}": index for index, level in enumerate(levels)}
    return np.stack(
        [prediction.mean if each == "mean" else prediction.quantiles[:, :, at[f"{float(each):g}"]] for each in types],
        axis=2,
    )


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


def _percent(kind: str) -> str:
    """p10 of "0.1", p5 of "0.05", as columns and Predictions are named."""
    return f"p{float(kind) * 100:g}"


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
