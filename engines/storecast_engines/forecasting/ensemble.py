"""Ensemble weights, learned from the models' backtests.

w(series, model) ~ share(model) * (pooled loss of the model / its loss on the series)^2, scaled to sum to one.

Each output has its own weights, since a model may know the middle well and the margins badly: each quantile level is
weighted by its own quantile loss (the average wQL is smallest where each of them is), the mean by the
OptimizationMetric where that is one of the mean, and else by RMSE, which a mean minimises.

The share is how often greedy selection took the model to lower the loss over all series (Caruana et al., "Ensemble
Selection from Libraries of Models", 2004); 1/loss^2 then favours what did well on the series itself. On most of the
grocery and M4 windows that we tried, either alone was worse: without shares, weak models take too much from a strong
one. The selection is repeated on bootstrap samples of the series and averaged (Breiman, "Bagging Predictors", 1996): in
a pooled loss one series may outweigh all others, as in M4's hourly data, and what suits its window is chance. A model
without a share has no weight anywhere and need not be fitted for a forecast.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from storecast_engines.forecasting.backtest import Backtest
from storecast_engines.forecasting.metrics import FIELD, Metrics, defined_mean, per_item, pooled
from storecast_engines.forecasting.panel import Prediction
from storecast_engines.forecasting.quantiles import uncrossed

AVERAGE_WQL = "AverageWeightedQuantileLoss"
ROUNDS = 20  # of greedy selection
BAGS = 5  # bootstrap samples that it is repeated on
BAG_SERIES = 200  # at most, in one of them: bounds the cost of large panels
SEED = 7
SMALLEST = 1e-3  # a loss below that fraction of the worst model's counts as that fraction: no weight is infinite

Part = tuple[int, slice]  # a window and some of its steps


def all_parts(windows: int) -> list[Part]:
    """Every step of every window."""
    return [(window, slice(None)) for window in range(windows)]


def weights(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """(n, A, Q+1) weights of the quantile levels and, last, of the mean, learned from these parts of the backtests.

    `runs` are the A models' backtests by name, `metric` is an OptimizationMetric. All models have equal weights where
    nothing can be learned; a series whose loss is not defined for some model takes the shares as weights.
    """
    levels = range(len(next(iter(runs.values())).levels))
    by_level = [_weights({name: _at_level(run, q) for name, run in runs.items()}, parts, AVERAGE_WQL) for q in levels]
    of_mean = _weights(runs, parts, "RMSE" if metric == AVERAGE_WQL else metric)
    return np.stack([*by_level, of_mean], axis=2)


def out_of_sample(runs: Mapping[str, Backtest], metric: str) -> Backtest:
    """The ensemble's backtest, in which no part is weighted by its own outcome.

    The weights of each window come from the others; those of a single window's first half from its second half and the
    other way round.
    """
    first = next(iter(runs.values()))
    windows, _, horizon = first.mean.shape
    half = horizon // 2
    parts = all_parts(windows) if windows > 1 or not half else [(0, slice(0, half)), (0, slice(half, horizon))]
    quantiles, mean = np.empty_like(first.quantiles), np.empty_like(first.mean)
    for window, steps in parts:
        learned = weights(runs, [part for part in parts if part != (window, steps)], metric)
        found = blend(learned, [_prediction(run, window, steps) for run in runs.values()], first.levels)
        quantiles[window, :, steps], mean[window, :, steps] = found.quantiles, found.mean
    return replace(first, quantiles=quantiles, mean=mean)


def blend(weights: np.ndarray, predictions: Sequence[Prediction], levels: Sequence[float]) -> Prediction:
    """The weighted average of the A models' predictions; weights (n, A, Q+1).

    The models' quantiles do not cross; where levels have different weights their averages can, and are sorted.
    """
    quantiles = np.einsum("naq,anhq->nhq", weights[:, :, :-1], np.stack([each.quantiles for each in predictions]))
    mean = np.einsum("na,anh->nh", weights[:, :, -1], np.stack([each.mean for each in predictions]))
    return Prediction(uncrossed(quantiles, levels), mean)


def _weights(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """(n, A) weights by one metric."""
    count = len(next(iter(runs.values())).actual[0])
    equal = np.full((count, len(runs)), 1 / len(runs))
    if not parts or len(runs) == 1:
        return equal
    losses = np.stack([_loss(per_item, run, parts, metric) for run in runs.values()], axis=1)
    typical = np.array([_loss(pooled, run, parts, metric) for run in runs.values()])
    if np.isnan(typical).any():
        return equal
    relative = _bounded(losses) / _bounded(typical[None])
    undefined = np.isnan(losses).any(axis=1)
    relative[undefined] = 1
    raw = _bagged_shares(runs, parts, metric, ~undefined) * relative**-2
    return raw / raw.sum(axis=1, keepdims=True)


def _bagged_shares(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str, defined: np.ndarray) -> np.ndarray:
    """(A,) the mean of `_shares` over bootstrap samples of the series whose losses are `defined` (n,)."""
    series, rng = np.flatnonzero(defined), np.random.default_rng(SEED)
    if len(series) < 2:
        return _shares(runs, parts, metric)
    drawn = rng.choice(series, (BAGS, min(len(series), BAG_SERIES)))
    bags = [{name: _of_series(run, which) for name, run in runs.items()} for which in drawn]
    return np.mean([_shares(bag, parts, metric) for bag in bags], axis=0)


def _of_series(run: Backtest, which: np.ndarray) -> Backtest:
    """The backtest of some series, numbers that may repeat."""
    per_series = {name: getattr(run, name)[:, which] for name in ("actual", "quantiles", "mean", "scale")}
    return replace(run, **per_series)


def _shares(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """(A,) each model's part in the best ensemble, found by adding one model a round; sums to one."""
    models = list(runs.values())
    taken = np.zeros(len(models))
    quantiles, mean = np.zeros(()), np.zeros(())  # sums over the models taken so far
    for size in range(1, ROUNDS + 1):
        tried = [
            replace(run, quantiles=(quantiles + run.quantiles) / size, mean=(mean + run.mean) / size) for run in models
        ]
        best = int(np.argmin([_loss(pooled, run, parts, metric) for run in tried]))
        taken[best] += 1
        quantiles, mean = quantiles + models[best].quantiles, mean + models[best].mean
    return taken / ROUNDS


def _loss(measure: Callable[..., Metrics[Any]], run: Backtest, parts: Sequence[Part], metric: str) -> Any:
    """The mean over the parts: a number where `measure` is `pooled`, (n,) where it is `per_item`."""
    found = [
        measure(run.actual[window][:, steps], _prediction(run, window, steps), run.levels, run.scale[window])
        for window, steps in parts
    ]
    return defined_mean(np.stack([getattr(each, FIELD[metric]) for each in found]), axis=0)


def _prediction(run: Backtest, window: int, steps: slice) -> Prediction:
    return Prediction(run.quantiles[window][:, steps], run.mean[window][:, steps])


def _at_level(run: Backtest, q: int) -> Backtest:
    return replace(run, levels=(run.levels[q],), quantiles=run.quantiles[..., [q]])


def _bounded(losses: np.ndarray) -> np.ndarray:
    """Losses (n, A) as a fraction of the row's worst, from SMALLEST to 1; 1 where all are zero."""
    worst = losses.max(axis=1, keepdims=True)
    return np.maximum(np.divide(losses, worst, out=np.ones_like(losses), where=worst > 0), SMALLEST)
