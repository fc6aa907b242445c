"""The files of the export jobs, each function in a process of its own: named, cut into parts and laid out as AWS's."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from localaws.jobs import Result
from localaws.s3 import Access, check_folder, locate, write
from localaws.services.forecast import artifacts
from storecast_engines.forecasting import exports

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
    table = exports.forecasts(found.keys, found.timestamps, found.values, found.types, found.metadata)
    _write_parts(access, job.to, table)
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
    _write_parts(access, job.to, exports.forecasts(keys, base.timestamps, values, columns))
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
    values_to, accuracy_to = (
        replace(job.to, path=f"{job.to.path.rstrip('/')}/{each}")
        for each in ("forecasted-values", "accuracy-metrics-values")
    )
    forecasted = exports.forecasted_values(found.keys, found.backtest, job.types)
    _write_parts(access, values_to, forecasted, first="")
    accuracy = exports.accuracy_metrics_values(found.keys, found.backtest)
    _write_parts(access, accuracy_to, accuracy, exports.NOT_DEFINED, first="")
    for each in (values_to, accuracy_to):
        _finish(access, each.path)
    return Result()


def _write_parts(
    access: Access, to: Destination, table: pd.DataFrame, missing: str = "", first: str | None = None
) -> None:
    """<job name>_<time>_part<N>.csv: CR LF, a header in every part, `missing` for NaN; or .parquet.

    The first part has no rows, only its header or in place of it the text `first`. An item's rows are in one part,
    and neither the parts nor the items in them are in any order, as in the recorded files.
    """
    locate(access, to.path)
    check_folder(access, to.path)
    stamped = f"{to.name}_{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_part"
    if to.file_format == "PARQUET":
        write(access, to.path, f"{stamped}0.parquet", table.to_parquet(index=False))
        return
    write(access, to.path, f"{stamped}0.csv", exports.to_csv(table.iloc[:0]) if first is None else first.encode())
    items, _ = pd.factorize(table.iloc[:, 0])
    parts = (items * 5 + 3) % min(MOST_PARTS, items.max(initial=0) + 1)
    for number, (_, rows) in enumerate(table.groupby(parts, sort=True), start=1):
        write(access, to.path, f"{stamped}{number}.csv", exports.to_csv(rows, missing))


def _finish(access: Access, folder: str) -> None:
    """The empty object that says that no part is missing."""
    write(access, folder, "_SUCCESS", b"")
