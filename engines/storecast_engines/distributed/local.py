"""What is done for a group of series, on an executor or on the driver: panel, models, weights, results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from operator import add
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from storecast_engines.distributed.documents import Request
from storecast_engines.distributed.reading import Columns, aggregation, combined, metadata_names, related_names
from storecast_engines.distributed.storage import Storage
from storecast_engines.forecasting import ensemble, explainability, exports, lightgbm, metrics, seasonal_naive
from storecast_engines.forecasting.algorithms import ALGORITHMS
from storecast_engines.forecasting.backtest import Backtest, backtest
from storecast_engines.forecasting.cold_start import from_similar
from storecast_engines.forecasting.ensemble import Shares
from storecast_engines.forecasting.panel import Panel, Prediction, build_panel
from storecast_engines.forecasting.what_if import Condition, Transformation, transformed

GLOBAL = "LightGBM"  # the model that is learned on the driver for all series
Models = Mapping[int, lightgbm.Fitted]  # by the steps of history that each was learned from


@dataclass(frozen=True)
class Data:
    """What is the same for all series: the axis, whether related series are forward-looking, which kinds there are."""

    request: Request
    columns: Columns
    span: tuple[pd.Timestamp, pd.Timestamp]
    forward: bool


@dataclass(frozen=True)
class Training:
    """What all series have in common. Without `starts` there is no backtest: weights come from an earlier job."""

    settings: dict[str, dict[str, Any]]  # algorithm -> hyperparameters
    starts: list[int]
    levels: list[float]
    models: Models
    shares: Shares
    held_out: list[Shares]
    used: list[str]  # the models that have weight


@dataclass(frozen=True)
class Fitted:
    """What each model makes of n series."""

    runs: dict[str, Backtest]
    predictions: dict[str, Prediction]
    changed: dict[str, dict[str, Prediction]]  # by scenario, those of the models that read related series
    failed: list[dict[str, str]]

    def of(self, scenario: str) -> dict[str, Prediction]:
        """The predictions in a scenario."""
        return self.predictions | self.changed[scenario]


@dataclass(frozen=True)
class Sums:
    """What is reported of a group of series, small whatever their number. Two of them can be added."""

    series: int
    totals: dict[str, list[metrics.Totals]]  # algorithm (and AutoPredictor) -> by window
    weights: np.ndarray  # (A, Q+1) the sum over the series
    failures: int
    failed: list[dict[str, str]]  # the first of them
    left_out: int
    left_out_names: list[str]
    impact: np.ndarray  # (2, attributes) the sums of the absolute and of the plain raw impact scores

    NAMED: ClassVar[int] = 100

    def __add__(self, other: Sums) -> Sums:
        both = {name: list(map(add, each, other.totals.get(name, each))) for name, each in self.totals.items()}
        return Sums(
            self.series + other.series,
            both if other.totals else self.totals,
            self.weights + other.weights,
            self.failures + other.failures,
            (self.failed + other.failed)[: self.NAMED],
            self.left_out + other.left_out,
            (self.left_out_names + other.left_out_names)[: self.NAMED],
            self.impact + other.impact,
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=np.ndarray.tolist)

    @classmethod
    def from_json(cls, text: str) -> Sums:
        document = json.loads(text)
        totals = {
            name: [metrics.Totals(**{**each, "loss": np.array(each["loss"])}) for each in of_windows]
            for name, of_windows in document["totals"].items()
        }
        arrays = {name: np.array(document[name]) for name in ("weights", "impact")}
        return cls(**{**document, **arrays, "totals": totals})


def panel_of(rows: pd.DataFrame, data: Data) -> tuple[Panel | None, list[str]]:
    """The panel of some series from the table's rows of them, and the names of those that are left out as they have no
    related series. Raises ValueError as build_panel does."""
    request, columns = data.request, data.columns
    named = dict(zip(columns.key_names, request.keys))
    of = {kind: rows[rows["kind"] == kind] for kind in request.sources}
    target = combined(of["target"], columns, aggregation(request)).rename(columns={**named, "v0": request.value})
    related = metadata = None
    if request.related:
        names = related_names(request)
        keys = [name for name in request.keys if name in request.related.columns]
        found = of["related"].rename(columns={**named, **dict(zip(columns.value_names, names))})
        related = found[[*keys, "timestamp", *names]] if keys == request.keys else _once(found, keys, names)
        if related.empty:
            return None, [_name(row) for row in target[request.keys].drop_duplicates().to_numpy()]
    if request.metadata:
        texts = metadata_names(request)
        found = of["metadata"].rename(columns={**named, **dict(zip(columns.text_names, texts))})
        metadata = found.sort_values(["file", "count"])[[request.item, *texts]]
    configs = {name: dict(config) for name, config in request.filling.items()}
    panel = build_panel(
        target[[*request.keys, "timestamp", request.value]],
        related,
        metadata,
        item_key=request.item,
        dimensions=request.dimensions,
        target_name=request.value,
        freq=request.frequency,
        horizon=request.horizon,
        transformations=configs,
        boundary=request.boundary,
        span=data.span,
        forward=data.forward,
    )
    there = pd.MultiIndex.from_frame(panel.keys)
    wanted = target[request.keys].drop_duplicates()
    missing = wanted[~pd.MultiIndex.from_frame(wanted).isin(there)]
    return replace(panel, country=request.country), [_name(row) for row in missing.to_numpy()]


def _once(related: pd.DataFrame, keys: list[str], names: list[str]) -> pd.DataFrame:
    """Rows of an item, which each of its series has a copy of, from one of them."""
    first = related.groupby(keys, sort=False)["place"].transform("first")
    return related.loc[related["place"] == first, [*keys, "timestamp", *names]]


def _name(row: Sequence[str]) -> str:
    return ", ".join(map(str, row))


def fit(panel: Panel, data: Data, training: Training) -> Fitted:
    """The backtests of all models, and the forecasts of those used; a series that a model fails on is forecast by the
    seasonal naive in its place."""
    horizon, levels = data.request.horizon, training.levels
    failed: list[dict[str, str]] = []
    forecasts = {name: _guarded(name, _algorithm(name, training), failed) for name in training.settings}
    runs = {
        name: backtest(forecast, panel, horizon, levels, training.starts) for name, forecast in forecasts.items()
    } if training.starts else {}  # fmt: skip
    predictions = {name: forecasts[name](panel, horizon, levels) for name in training.used}
    changed = {
        scenario: {name: forecasts[name](of, horizon, levels) for name in training.used if _reads(name, training)}
        for scenario, of in scenarios_of(panel, data.request).items()
    }
    return Fitted(runs, predictions, changed, failed)


def scenarios_of(panel: Panel, request: Request) -> dict[str, Panel]:
    """The panel as each what-if scenario changes it. Raises ValueError as what_if.transformed does."""
    return {
        name: transformed(
            panel,
            request.horizon,
            [
                Transformation(
                    each.attribute,
                    each.operation,
                    each.value,
                    tuple(Condition(column, "EQUALS", value) for column, value in each.where.items()),
                )
                for each in changes
            ],
        )
        for name, changes in request.scenarios.items()
    }


def _reads(name: str, training: Training) -> bool:
    """Whether a model reads related series; the others forecast the same in each scenario."""
    return name in (GLOBAL, "Prophet") or bool(training.settings[name].get("use_related"))


def _algorithm(name: str, training: Training) -> Callable[[Panel, int, Sequence[float]], Prediction]:
    if name == GLOBAL:
        return lambda panel, horizon, levels: lightgbm.predict(training.models[panel.target.shape[1]], panel, horizon)
    return partial(ALGORITHMS[name], **training.settings[name])


def _guarded(
    name: str, forecast: Callable[[Panel, int, Sequence[float]], Prediction], failed: list[dict[str, str]]
) -> Callable[[Panel, int, Sequence[float]], Prediction]:
    """The forecast of all series together, or where that fails of each alone, to find those that it fails on."""

    def guarded(panel: Panel, horizon: int, levels: Sequence[float]) -> Prediction:
        try:
            return forecast(panel, horizon, levels)
        except Exception as error:  # noqa: BLE001 - a model may raise anything
            if len(panel.keys) == 1:
                about = {"series": _name(panel.keys.iloc[0]), "algorithm": name}
                failed.append({**about, "error": f"{type(error).__name__}: {error}"[:500]})
                return seasonal_naive.forecast(panel, horizon, levels)
        alone = [guarded(panel.series(slice(at, at + 1)), horizon, levels) for at in range(len(panel.keys))]
        return Prediction(
            np.concatenate([each.quantiles for each in alone]), np.concatenate([each.mean for each in alone])
        )

    return guarded


def finish(
    name: str,
    panel: Panel,
    fitted: Fitted,
    data: Data,
    training: Training,
    storage: Storage,
    weights: np.ndarray | None = None,
) -> Sums:
    """Weigh the models, write the results of the series under the part's `name`, and report.

    `weights` (n, A, Q+1) are those of an earlier job, by default learned from the backtests.
    """
    request = data.request
    totals: dict[str, list[metrics.Totals]] = {}
    if weights is None:
        every = ensemble.all_parts(len(training.starts))
        weights = ensemble.weights_by(training.shares, fitted.runs, every, request.metric)
        combined_run = ensemble.out_of_sample(fitted.runs, request.metric, training.held_out).newest(request.windows)
        shown = {each: run.newest(request.windows) for each, run in fitted.runs.items()}
        shown |= {"AutoPredictor": combined_run} if len(shown) > 1 else {}
        totals = {each: totals_of(run) for each, run in shown.items()}
        write_backtest(name, panel.keys, combined_run, request, storage)
        write_weights(name, panel.keys, weights, request, storage)
    blended = blend(weights, fitted.predictions, training)
    write_forecast(name, panel, blended, training.levels, request, storage)
    changed = {each: blend(weights, fitted.of(each), training) for each in request.scenarios}
    write_what_if(name, panel, {"Baseline": blended, **changed}, training.levels, request, storage)
    impact = impact_of(name, panel, weights, data, training, storage)
    named = fitted.failed[: Sums.NAMED]
    return Sums(len(panel.keys), totals, weights.sum(axis=0), len(fitted.failed), named, 0, [], impact)


def impact_of(
    name: str, panel: Panel, weights: np.ndarray, data: Data, training: Training, storage: Storage
) -> np.ndarray:
    """(2, attributes) sums over the series and steps of the raw scores of explainability.py, absolute and plain.

    The scores of each series over the horizon go into a file of the part, in the columns of Amazon Forecast's exports.
    """
    request = data.request
    if not request.explain:
        return np.zeros((2, 1))
    fitted = training.models.get(panel.target.shape[1], lightgbm.Fitted((), (), ()))
    found = lightgbm.contributions(fitted, panel, request.horizon)
    weight = weights[:, list(training.settings).index(GLOBAL), -1][:, None, None]
    raw = np.stack(list(found.values()), axis=2) * weight
    columns = [f"{attribute}-RawImpactScore" for attribute in found]
    each = panel.keys.apply(lambda column: column.str.lower()).reset_index(drop=True)
    each[columns] = explainability.aggregated(raw, 1)
    storage.write(f"{request.output}/impact/{request.name}_{name}.csv", exports.to_csv(each))
    return np.stack([np.abs(raw).sum(axis=(0, 1)), raw.sum(axis=(0, 1))])


def blend(weights: np.ndarray, predictions: Mapping[str, Prediction], training: Training) -> Prediction:
    """The weighted mean of the predictions, which are those of all models with weight."""
    places = [list(training.settings).index(name) for name in training.used]
    return ensemble.blend(weights[:, places], [predictions[name] for name in training.used], training.levels)


def totals_of(run: Backtest) -> list[metrics.Totals]:
    return [metrics.totals(run.actual[w], run.prediction(w), run.levels, run.scale[w]) for w in range(len(run.actual))]


def forecast_similar(
    name: str,
    cold: Panel,
    warm: Panel,
    fitted: Fitted,
    training: Training,
    mean: np.ndarray,
    request: Request,
    storage: Storage,
) -> None:
    """Write the forecast of series without history from that of similar series, with the mean weights (A, Q+1)."""

    def joined(one: pd.DataFrame | None, other: pd.DataFrame | None) -> pd.DataFrame | None:
        return None if one is None else pd.concat([one, other], ignore_index=True)

    keys, metadata = joined(warm.keys, cold.keys), joined(warm.metadata, cold.metadata)
    assert keys is not None
    both = replace(warm, keys=keys, metadata=metadata, target=np.concatenate([warm.target, cold.target]), related=None)
    n = len(cold.keys)

    def similar(values: np.ndarray) -> np.ndarray:
        return from_similar(both, np.concatenate([values, np.full((n, *values.shape[1:]), np.nan)]))[-n:]

    def blended(predictions: Mapping[str, Prediction]) -> Prediction:
        of_similar = {
            each: Prediction(similar(predictions[each].quantiles), similar(predictions[each].mean))
            for each in training.used
        }
        return blend(np.tile(mean, (n, 1, 1)), of_similar, training)

    baseline = blended(fitted.predictions)
    write_forecast(name, cold, baseline, training.levels, request, storage)
    changed = {each: blended(fitted.of(each)) for each in request.scenarios}
    write_what_if(name, cold, {"Baseline": baseline, **changed}, training.levels, request, storage)


def write_forecast(
    name: str, panel: Panel, prediction: Prediction, levels: Sequence[float], request: Request, storage: Storage
) -> None:
    types = exports.in_order(request.types)
    values = exports.by_type(prediction, levels, types)
    table = exports.forecasts(panel.keys, panel.future(request.horizon).to_numpy(), values, exports.names_of(types))
    storage.write(f"{request.output}/forecast/{request.name}_{name}.csv", exports.to_csv(table))


def write_what_if(
    name: str,
    panel: Panel,
    forecasts: Mapping[str, Prediction],
    levels: Sequence[float],
    request: Request,
    storage: Storage,
) -> None:
    """The columns of all scenarios beside the baseline's, where there are scenarios."""
    if len(forecasts) == 1:
        return
    types = exports.in_order(request.types)
    columns = [f"{label}_{kind}" for label in forecasts for kind in exports.names_of(types)]
    values = np.concatenate([exports.by_type(each, levels, types) for each in forecasts.values()], axis=2)
    table = exports.forecasts(panel.keys, panel.future(request.horizon).to_numpy(), values, columns)
    storage.write(f"{request.output}/what-if/{request.name}_{name}.csv", exports.to_csv(table))


def write_backtest(name: str, keys: pd.DataFrame, run: Backtest, request: Request, storage: Storage) -> None:
    folder = f"{request.output}/backtest"
    values = exports.to_csv(exports.forecasted_values(keys, run, request.types))
    storage.write(f"{folder}/forecasted-values/{request.name}_{name}.csv", values)
    accuracy = exports.to_csv(exports.accuracy_metrics_values(keys, run), exports.NOT_DEFINED)
    storage.write(f"{folder}/accuracy-metrics-values/{request.name}_{name}.csv", accuracy)


def write_weights(name: str, keys: pd.DataFrame, weights: np.ndarray, request: Request, storage: Storage) -> None:
    """A column for each key, then w0 ... of the models' weights, those of a model's outputs side by side."""
    flat = pd.DataFrame(weights.reshape(len(weights), -1)).add_prefix("w")
    storage.write(f"{request.output}/predictor/weights/{name}.parquet", keys.join(flat).to_parquet(index=False))
