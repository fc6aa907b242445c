"""How the members of an AutoPredictor are weighed, from their backtests.

w(series, member) ~ share(member) * (pooled loss of the member / its loss on the series)^2, scaled to sum to one.

The share is how often greedy selection took the member to lower the loss over all series (Caruana et al., "Ensemble
Selection from Libraries of Models", 2004); 1/loss^2 then favours what did well on the series itself. On most
of the grocery and M4 windows that we tried either alone was worse: without shares, weak members take too much from a
strong one.
A member without a share weighs nothing anywhere and need not be fitted for a forecast.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from localaws.forecast.engine.backtest import Backtest
from localaws.forecast.engine.metrics import FIELD, Metrics, average, per_item, pooled
from localaws.forecast.engine.panel import Prediction

ROUNDS = 20  # of greedy selection
SMALLEST = 1e-3  # a loss below that fraction of the worst member's counts as that fraction: no weight is infinite

Part = tuple[int, slice]  # a window and some of its steps


def whole(windows: int) -> list[Part]:
    return [(window, slice(None)) for window in range(windows)]


def weights(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """(n, A) weights learned from these parts of the backtests; all alike where nothing can be learned.

    `metric` is an OptimizationMetric. A series whose loss is not defined for some member has the shares as weights.
    """
    count = len(next(iter(runs.values())).actual[0])
    if not parts or len(runs) == 1:
        return np.full((count, len(runs)), 1 / len(runs))
    losses = item_losses(runs, parts, metric)
    typical = np.array([_loss(pooled, run, parts, metric) for run in runs.values()])
    if np.isnan(typical).any():
        return np.full((count, len(runs)), 1 / len(runs))
    relative = _bounded(losses) / _bounded(typical[None])
    relative[np.isnan(losses).any(axis=1)] = 1
    raw = _shares(runs, parts, metric) * relative**-2
    return raw / raw.sum(axis=1, keepdims=True)


def item_losses(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """(n, A) each series' loss, averaged over the parts; NaN where it is not defined."""
    return np.stack([_loss(per_item, run, parts, metric) for run in runs.values()], axis=1)


def honest(runs: Mapping[str, Backtest], metric: str) -> Backtest:
    """The backtest of the weighted whole in which no part is weighed by its own outcome.

    Each window is weighed by the others; a single window's first half by its second and the other way round.
    """
    first = next(iter(runs.values()))
    windows, _, horizon = first.mean.shape
    half = horizon // 2
    parts = whole(windows) if windows > 1 or not half else [(0, slice(0, half)), (0, slice(half, horizon))]
    quantiles, mean = np.empty_like(first.quantiles), np.empty_like(first.mean)
    for window, steps in parts:
        learned = weights(runs, [part for part in parts if part != (window, steps)], metric)
        quantiles[window, :, steps] = blend(learned, [run.quantiles[window, :, steps] for run in runs.values()])
        mean[window, :, steps] = blend(learned, [run.mean[window, :, steps] for run in runs.values()])
    return replace(first, quantiles=quantiles, mean=mean)


def blend(weights: np.ndarray, values: Sequence[np.ndarray]) -> np.ndarray:
    """(n, H, ...) average over the A members' (n, H, ...), each series with its own weights (n, A)."""
    return np.einsum("na,an...->n...", weights, np.stack(values))


def _shares(runs: Mapping[str, Backtest], parts: Sequence[Part], metric: str) -> np.ndarray:
    """(A,) how much of the best whole each member makes up, found by adding one member a round; sums to one."""
    members = list(runs.values())
    taken = np.zeros(len(members))
    quantiles, mean = 0.0, 0.0  # sums over the members taken so far
    for size in range(1, ROUNDS + 1):
        tried = [
            replace(run, quantiles=(quantiles + run.quantiles) / size, mean=(mean + run.mean) / size) for run in members
        ]
        best = int(np.argmin([_loss(pooled, run, parts, metric) for run in tried]))
        taken[best] += 1
        quantiles, mean = quantiles + members[best].quantiles, mean + members[best].mean
    return taken / ROUNDS


def _loss(measure: Callable[..., Metrics], run: Backtest, parts: Sequence[Part], metric: str) -> np.ndarray | float:
    return getattr(
        average(
            [
                measure(
                    run.actual[window][:, steps],
                    Prediction(run.quantiles[window][:, steps], run.mean[window][:, steps]),
                    run.levels,
                    run.scale[window],
                )
                for window, steps in parts
            ]
        ),
        FIELD[metric],
    )


def _bounded(losses: np.ndarray) -> np.ndarray:
    """Losses (n, A) as a fraction of the row's worst, from SMALLEST to 1; 1 where all are zero."""
    worst = losses.max(axis=1, keepdims=True)
    return np.maximum(np.divide(losses, worst, out=np.ones_like(losses), where=worst > 0), SMALLEST)
