"""What prices do to the target: factors on it that all series share, as far as the history bears them out.

Trees learn too little of a price's effect from their few splits, and nothing of prices that never were. Here demand is
y = series * step * price^elasticity * exp(effect * other), where a price is any forward-looking related series that is
always above zero, and the others are there so that a promotion is not taken for its price. The elasticities are those
of a Poisson regression with multiplicative fixed effects of the series and, where there are many, of the time steps: a
season in which all prices fall is not taken for their effect. They count only if they lower the errors of held-out
steps. Chosen on windows before the test windows: the others as factors, too, made promotions worse.
Source: Santos Silva and Tenreyro, "The Log of Gravity" (2006).
"""

from dataclasses import dataclass, replace

import numpy as np

from storecast_engines.forecasting.panel import Panel

MANY = 20  # series from which on the time steps have effects of their own
ROUNDS, CLOSE = 30, 1e-4  # of the regression: the most, and the move that ends them
LARGEST = 3.0  # logarithm of the largest factor on a target
WINDOWS, RECENT = 3, 8  # held out, each of a horizon; the least steps before it whose mean is the forecast
GAIN = 0.02  # the part of the errors that the effects must take away


@dataclass(frozen=True)
class Elasticities:
    """Of each related series: by how many percent the target rises with 1% of it; 0 for one that does not count."""

    values: tuple[float, ...] = ()


def learn(panel: Panel, horizon: int) -> Elasticities:
    """The elasticities in this panel; none where they do not help, or related series do not reach the horizon."""
    if panel.related is None or panel.future_steps < horizon:
        return Elasticities()
    prices = np.asarray((panel.related > 0).all(axis=(0, 1)))
    if not prices.any():
        return Elasticities()
    target = np.maximum(panel.target, 0)
    steps = target.shape[1]
    x = _regressors(panel.related[:, :steps], prices, steps)
    before = after = 0.0
    for end in range(steps - horizon, 2 * horizon, -horizon)[:WINDOWS]:
        factor = _factor(x, _regression(target[:, :end], x[:, :end]) * prices)
        before += _error(target, np.ones_like(factor), end, horizon)
        after += _error(target, factor, end, horizon)
    if after >= (1 - GAIN) * before:
        return Elasticities()
    return Elasticities(tuple(map(float, _regression(target, x) * prices)))


def without(found: Elasticities, panel: Panel) -> Panel:
    """The panel with the target as it would be if prices were at their means."""
    if panel.related is None or not found.values:
        return panel
    steps, values = panel.target.shape[1], np.array(found.values)
    x = _regressors(panel.related[:, :steps], values != 0, steps)
    return replace(panel, target=panel.target / _factor(x, values))


def ahead(found: Elasticities, panel: Panel, horizon: int) -> np.ndarray:
    """(n, H) factors on the forecast of the panel `without` prices."""
    return np.exp(np.clip(_ahead(found, panel, horizon).sum(axis=2), -LARGEST, LARGEST))


def shares(found: Elasticities, panel: Panel, horizon: int) -> dict[str, np.ndarray]:
    """By related series, (n, H) what it adds to that forecast, as a fraction of it; together they make the factors."""
    parts = _ahead(found, panel, horizon)
    total = parts.sum(axis=2)
    added = np.expm1(np.clip(total, -LARGEST, LARGEST))
    per_unit = np.divide(added, total, out=np.zeros_like(total), where=total != 0)
    return {name: parts[:, :, k] * per_unit for k, name in enumerate(panel.related_names[: parts.shape[2]])}


def _ahead(found: Elasticities, panel: Panel, horizon: int) -> np.ndarray:
    """(n, H, k) logarithms of each related series' factor over the horizon; no k where there are no elasticities."""
    n, steps = panel.target.shape
    if panel.related is None or not found.values:
        return np.zeros((n, horizon, 0))
    values = np.array(found.values)
    return _regressors(panel.related, values != 0, steps)[:, steps : steps + horizon] * values


def _factor(x: np.ndarray, effects: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(x @ effects, -LARGEST, LARGEST))


def _regressors(related: np.ndarray, prices: np.ndarray, steps: int) -> np.ndarray:
    """(n, t, k) logarithms of the prices, the others as they are, each less its mean over the series' history.

    A missing value counts as that mean.
    """
    x = np.where(prices, np.log(np.where(related > 0, related, np.nan)), related)
    known = ~np.isnan(x[:, :steps])
    sums, counts = np.nansum(x[:, :steps], axis=1, keepdims=True), known.sum(axis=1, keepdims=True)
    return np.nan_to_num(x - sums / np.maximum(counts, 1))


def _error(target: np.ndarray, factor: np.ndarray, end: int, horizon: int) -> float:
    """The sum of absolute errors over a horizon of each series' recent mean, times the factor."""
    recent = slice(max(0, end - max(RECENT, horizon)), end)
    known = ~np.isnan(target[:, recent])
    level = np.nansum(target[:, recent], axis=1) / np.maximum((factor[:, recent] * known).sum(axis=1), 1e-9)
    to_come = slice(end, end + horizon)
    return float(np.nansum(np.abs(target[:, to_come] - level[:, None] * factor[:, to_come])))


def _regression(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(k,) effects by Newton's method; before each of its steps the fixed effects give the series and steps the sums
    that the target has."""
    known = ~np.isnan(target)
    y = np.where(known, target, 0.0)
    effects, of_step, k = np.zeros(x.shape[2]), np.ones(y.shape[1]), x.shape[2]
    for _ in range(ROUNDS):
        mean = known * _factor(x, effects) * of_step
        mean *= _ratio(y.sum(axis=1), mean.sum(axis=1))[:, None]
        centred = x - _ratio(np.einsum("nt,ntk->nk", mean, x), mean.sum(axis=1)[:, None])[:, None]
        if len(y) >= MANY:
            adjusted = _ratio(y.sum(axis=0), mean.sum(axis=0))
            of_step, mean = of_step * adjusted, mean * adjusted
            centred = centred - _ratio(np.einsum("nt,ntk->tk", mean, centred), mean.sum(axis=0)[:, None])
        gradient = np.einsum("ntk,nt->k", centred, y - mean)
        curvature = np.einsum("ntk,nt,ntl->kl", centred, mean, centred, optimize=True)
        ridge = 1e-6 * np.trace(curvature) / k + 1e-9  # what is constant has no effect
        move = np.linalg.solve(curvature + ridge * np.eye(k), gradient)
        effects = effects + np.clip(move, -1, 1)
        if np.abs(move).max() < CLOSE:
            break
    return effects


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Zero where `under` is."""
    return np.divide(over, under, out=np.zeros(np.broadcast_shapes(over.shape, under.shape)), where=under > 0)
