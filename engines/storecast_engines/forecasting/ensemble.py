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

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Shares:
    """What the weights of all series have in common, for each of the A models and Q+1 outputs."""

    shares: np.ndarray  # (A, Q+1) sums to one over the models
    losses: np.ndarray  # (A, Q+1) over all series; NaN for an output whose models have equal weights


def weights(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """(n, A, Q+1) weights of the quantile levels and, last, of the mean, learned from these parts of the backtests.

    `runs` are the A models' backtests by name, `metric` is an OptimizationMetric. All models have equal weights where
    nothing can be learned; a series whose loss is not defined for some model takes the shares as weights.
    """
    return weights_by(learn(runs, parts, metric), runs, parts, metric)


def learn(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> Shares:
    """The part of `weights` that all series decide; a sample of them will do for many."""
    found = [_learn(of_output, parts, by) for of_output, by in _outputs(runs, metric)]
    return Shares(*(np.stack(each, axis=1) for each in zip(*found)))


def weights_by(learned: Shares, runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """The `weights` of the series in `runs`, none of which depends on the others."""
    found = [
        _weights(shares, losses, of_output, parts, by)
        for shares, losses, (of_output, by) in zip(learned.shares.T, learned.losses.T, _outputs(runs, metric))
    ]
    return np.stack(found, axis=2)


def learn_held_out(runs: Mapping[str, Backtest], metric: str) -> list[Shares]:
    """What `out_of_sample` learns: for each part that it weights, from the others."""
    windows, _, horizon = next(iter(runs.values())).mean.shape
    return [learn(runs, others, metric) for _, others in _held_out(windows, horizon)]


def out_of_sample(runs: Mapping[str, Backtest], metric: str, learned: Sequence[Shares] | None = None) -> Backtest:
    """The ensemble's backtest, in which no part is weighted by its own outcome.

    The weights of each window come from the others; those of a single window's first half from its second half and the
    other way round. `learned` is that of `learn_held_out`, by default of the same runs.
    """
    first = next(iter(runs.values()))
    windows, _, horizon = first.mean.shape
    quantiles, mean = np.empty_like(first.quantiles), np.empty_like(first.mean)
    learned = learn_held_out(runs, metric) if learned is None else learned
    for shares, ((window, steps), others) in zip(learned, _held_out(windows, horizon)):
        by_others = weights_by(shares, runs, others, metric)
        found = blend(by_others, [_prediction(run, window, steps) for run in runs.values()], first.levels)
        quantiles[window, :, steps], mean[window, :, steps] = found.quantiles, found.mean
    return replace(first, quantiles=quantiles, mean=mean)


def _held_out(windows: int, horizon: int) -> list[tuple[Part, list[Part]]]:
    """Each part of the backtest with the parts that its weights are learned from."""
    half = horizon // 2
    parts = all_parts(windows) if windows > 1 or not half else [(0, slice(0, half)), (0, slice(half, horizon))]
    return [(part, [other for other in parts if other != part]) for part in parts]


def blend(weights: np.ndarray, predictions: Sequence[Prediction], levels: Sequence[float]) -> Prediction:
    """The weighted average of the A models' predictions; weights (n, A, Q+1).

    The models' quantiles do not cross; where levels have different weights their averages can, and are sorted.
    """
    quantiles = np.einsum("naq,anhq->nhq", weights[:, :, :-1], np.stack([each.quantiles for each in predictions]))
    mean = np.einsum("na,anh->nh", weights[:, :, -1], np.stack([each.mean for each in predictions]))
    return Prediction(uncrossed(quantiles, levels), mean)


def _outputs(runs: Mapping[str, Backtest], metric: str) -> Iterator[tuple[Mapping[str, Backtest], str]]:
    """The runs with each quantile level alone, then whole for the mean, and the metric that weighs them."""
    for q in range(len(next(iter(runs.values())).levels)):
        yield {name: _at_level(run, q) for name, run in runs.items()}, AVERAGE_WQL
    yield runs, "RMSE" if metric == AVERAGE_WQL else metric


def _learn(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> tuple[np.ndarray, np.ndarray]:
    """(A,) shares and (A,) losses over all series, by one metric; losses of NaN where nothing can be learned."""
    equal = np.full(len(runs), 1 / len(runs)), np.full(len(runs), np.nan)
    if not parts or len(runs) == 1:
        return equal
    typical = np.array([_loss(pooled, run, parts, metric) for run in runs.values()])
    if np.isnan(typical).any():
        return equal
    defined = ~np.isnan(_item_losses(runs, parts, metric)).any(axis=1)
    return _bagged_shares(runs, parts, metric, defined), typical


def _weights(
    shares: np.ndarray, typical: np.ndarray, runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str
) -> np.ndarray:
    """(n, A) weights by one metric."""
    if np.isnan(typical).any():
        return np.tile(shares, (len(next(iter(runs.values())).actual[0]), 1))
    losses = _item_losses(runs, parts, metric)
    relative = _bounded(losses) / _bounded(typical[None])
    relative[np.isnan(losses).any(axis=1)] = 1
    raw = shares * relative**-2
    return raw / raw.sum(axis=1, keepdims=True)


def _item_losses(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """(n, A)"""
    return np.stack([_loss(per_item, run, parts, metric) for run in runs.values()], axis=1)


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
