"""AutoPredictor: several algorithms, weighed for each series by how well they did in the backtest.

The guide says only that it applies "the optimal combination of algorithms to each time series" (howitworks-predictor.md);
how is ours: weights of 1/loss^2 on the members' quantiles. On the year of hospital visits that we tried, this
weighing beat every single member, and picking one member per series was the worst choice of all.
"""
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd

from localaws.forecast.engine import ALGORITHMS
from localaws.forecast.engine.backtest import Backtest, backtest, window_starts
from localaws.forecast.engine.metrics import FIELD, Metrics, average, per_item
from localaws.forecast.engine.panel import Panel, Prediction
from localaws.forecast.engine.trained import Trained

MEMBERS = ("SeasonalNaive", "NPTS", "ETS")
SMALLEST = 1e-3  # a loss below that share of the worst member's counts as that share, so that no weight is infinite


def train(panel: Panel, horizon: int, levels: Sequence[float], *, members: Sequence[str] | None = None,
          metric: str = "AverageWeightedQuantileLoss", windows: int = 1, offset: int | None = None,
          hyperparameters: Mapping[str, Mapping[str, Any]] | None = None, workers: int = 1) -> Trained:
    """Backtest the members and weigh them. `members=("ETS",)` trains that one algorithm.

    The backtest's own metrics are honest: the weights used in a part of it are learned from the other parts (the
    other windows; with one window the other half of it), while the weights kept are learned from all of it.
    ValueError: unknown member or metric, or a history too short for the windows (backtest.window_starts).
    """
    members = tuple(members or default_members(panel))
    unknown = [name for name in members if name not in ALGORITHMS]
    if unknown:
        raise ValueError(f"unknown algorithm {unknown[0]!r}, allowed are {', '.join(ALGORITHMS)}")
    if metric not in FIELD:
        raise ValueError(f"unknown OptimizationMetric {metric!r}, allowed are {', '.join(FIELD)}")
    settings = {name: dict((hyperparameters or {}).get(name, {})) for name in members}
    starts = window_starts(panel.target.shape[1], horizon, windows, offset)
    runs = {name: backtest(ALGORITHMS[name], panel, horizon, levels, starts, **_options(name, settings, workers))
            for name in members}
    losses = _losses(runs, _whole(windows), metric)
    weights = weigh(losses)
    run = _honest(runs, windows, horizon, metric)
    board = {name: _named(member.summary()) for name, member in runs.items()}
    if len(members) > 1:
        board["AutoPredictor"] = _named(run.summary())
    return Trained(members, settings, panel.keys, weights, losses, metric, board, run, panel.messages)


def predict(trained: Trained, panel: Panel, horizon: int, levels: Sequence[float], *, workers: int = 1) -> Prediction:
    """The members fitted on the whole panel and averaged with the trained weights; any levels may be asked for.

    A series that was not there in training takes the mean of all series' weights. Quantiles of the members do not
    cross and are finite, so neither do their averages.
    """
    known = pd.MultiIndex.from_frame(trained.keys.astype(str)).get_indexer(pd.MultiIndex.from_frame(panel.keys))
    weights = np.where(known[:, None] >= 0, trained.weights[known], trained.weights.mean(axis=0))
    predictions = [ALGORITHMS[name](panel, horizon, levels, **_options(name, trained.hyperparameters, workers))
                   for name in trained.algorithms]
    return Prediction(_blend(weights, [p.quantiles for p in predictions]), _blend(weights, [p.mean for p in predictions]))


def default_members(panel: Panel) -> tuple[str, ...]:
    return MEMBERS


def weigh(losses: np.ndarray) -> np.ndarray:
    """(n, A) weights that sum to one per series, proportional to 1/loss^2.

    A series without defined losses takes the weights of the mean losses; where no series has any, all weigh alike.
    """
    defined = ~np.isnan(losses).any(axis=1)
    typical = losses[defined].mean(axis=0) if defined.any() else np.ones(losses.shape[1])
    filled = np.where(defined[:, None], losses, typical)
    worst = filled.max(axis=1, keepdims=True)
    relative = np.maximum(np.divide(filled, worst, out=np.ones_like(filled), where=worst > 0), SMALLEST)
    weights = relative ** -2
    return weights / weights.sum(axis=1, keepdims=True)


Part = tuple[int, slice]  # a window and some of its steps


def _losses(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """(n, A) each series' loss in the parts, averaged; NaN where it is not defined."""
    def loss(run: Backtest, window: int, steps: slice) -> Metrics:
        part = Prediction(run.quantiles[window][:, steps], run.mean[window][:, steps])
        return per_item(run.actual[window][:, steps], part, run.levels, run.scale[window])

    field = FIELD["WAPE" if metric == "AverageWeightedQuantileLoss" and not next(iter(runs.values())).levels else metric]
    return np.stack([getattr(average([loss(run, *part) for part in parts]), field) for run in runs.values()], axis=1)


def _whole(windows: int) -> list[Part]:
    return [(window, slice(None)) for window in range(windows)]


def _honest(runs: Mapping[str, Backtest], windows: int, horizon: int, metric: str) -> Backtest:
    """The weighted whole's backtest, no part of it weighed by its own outcome."""
    half = horizon // 2
    parts = _whole(windows) if windows > 1 else [(0, slice(0, half)), (0, slice(half, horizon))] if half else _whole(1)
    first = next(iter(runs.values()))
    quantiles, mean = np.empty_like(first.quantiles), np.empty_like(first.mean)
    for window, steps in parts:
        others = [part for part in parts if part != (window, steps)]
        shape = (first.actual.shape[1], len(runs))
        weights = weigh(_losses(runs, others, metric) if others else np.full(shape, np.nan))
        quantiles[window, :, steps] = _blend(weights, [run.quantiles[window, :, steps] for run in runs.values()])
        mean[window, :, steps] = _blend(weights, [run.mean[window, :, steps] for run in runs.values()])
    return replace(first, quantiles=quantiles, mean=mean)


def _blend(weights: np.ndarray, values: Sequence[np.ndarray]) -> np.ndarray:
    """(n, H, ...) average over the members' (n, H, ...), each series with its weights (n, A)."""
    return sum(weights[:, a].reshape(-1, *[1] * (value.ndim - 1)) * value for a, value in enumerate(values))


def _options(name: str, settings: Mapping[str, Mapping[str, Any]], workers: int) -> dict[str, Any]:
    return dict(settings[name]) | ({"workers": workers} if "workers" in signature(ALGORITHMS[name]).parameters else {})


def _named(summary: Metrics) -> dict[str, float]:
    return {metric: float(getattr(summary, field)) for metric, field in FIELD.items()}
