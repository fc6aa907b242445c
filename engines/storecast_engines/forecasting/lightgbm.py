"""LightGBM: one gradient-boosted quantile model over all series, every step of the horizon forecast directly.

It is the global model of the ensemble: like CNN-QR it uses related series with their future values and item metadata
and minimises the quantile loss directly for every step, but it is no neural network. A forecast is never fed back as an
input: doing that for each quantile makes the outer quantiles far too wide.
Sources: Ke et al., "LightGBM" (2017); Wen et al., "A Multi-Horizon Quantile Recurrent Forecaster" (2017) for the
direct multi-horizon quantile objective; Breiman, "Bagging Predictors" (1996) for the average of several models.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from storecast_engines.forecasting import features, price_effects
from storecast_engines.forecasting.fallback import with_fallback
from storecast_engines.forecasting.panel import Panel, Prediction
from storecast_engines.forecasting.quantiles import check_levels

ROWS = 100_000  # training rows drawn from all (series, origin, step ahead): bounds the cost of large panels
MODELS = 2  # averaged, each learned from its share of the rows: as fast as a single one, and better on most windows
FEWEST_ROWS = 2 * MODELS  # bagging would leave nothing of a single row
LARGEST = 100  # a series counts at most this many times as much as the median series, and at least that fraction
SEED = 7
FIXED = {
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
    "num_threads": 1,
}  # LightGBM's threads doubled the CPU time and saved no second: models train side by side


@dataclass(frozen=True)
class Fitted:
    """What `fit` learned of one panel, for any panel with the same attributes: models in LightGBM's own text format."""

    levels: tuple[float, ...]
    models: tuple[tuple[str, ...], ...]  # of each level and, last, of the mean; empty if there was too little to learn
    categories: tuple[tuple[str, ...], ...]  # the values of each metadata column, by their codes
    elasticities: price_effects.Elasticities = price_effects.Elasticities()  # the models are of the target without them


def forecast(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    num_boost_round: int = 80,
    learning_rate: float = 0.08,
    num_leaves: int = 31,
    workers: int = 1,
) -> Prediction:
    """Forecast all series by MODELS models for each level and for the mean, `workers` outputs at a time.

    Training rows are drawn at random (seeded) from all known values that have at least one known value before them;
    seasonal naive is the fallback for a panel with fewer than FEWEST_ROWS. A row's weight is the root of its series'
    size: wQL asks for the size itself, but then one huge series would outweigh all others. The hyperparameters are
    LightGBM's.
    """
    fitted = fit(
        panel,
        horizon,
        levels,
        num_boost_round=num_boost_round,
        learning_rate=learning_rate,
        num_leaves=num_leaves,
        workers=workers,
    )
    return predict(fitted, panel, horizon, workers=workers)


def fit(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    num_boost_round: int = 80,
    learning_rate: float = 0.08,
    num_leaves: int = 31,
    workers: int = 1,
) -> Fitted:
    """The models that `forecast` trains."""
    check_levels(levels)
    categories, elasticities = features.categories(panel), price_effects.learn(panel, horizon)
    parts = _training_data(price_effects.without(elasticities, panel), horizon)
    if not parts:
        return Fitted(tuple(levels), (), categories)
    settings = {"learning_rate": learning_rate, "num_leaves": num_leaves}

    def learned(objective: dict[str, Any]) -> tuple[str, ...]:
        models = (
            lightgbm.train(FIXED | settings | objective | {"seed": SEED + k}, part, num_boost_round)
            for k, part in enumerate(parts)
        )
        return tuple(model.model_to_string() for model in models)

    objectives = [{"objective": "quantile", "alpha": float(level)} for level in levels]
    with ThreadPoolExecutor(workers) as pool:
        models = tuple(pool.map(learned, [*objectives, {"objective": "regression"}]))
    return Fitted(tuple(levels), models, categories, elasticities)


def predict(fitted: Fitted, panel: Panel, horizon: int, *, workers: int = 1) -> Prediction:
    """Forecast a panel, which need not be the one of `fit`; a series' forecast does not depend on the others."""
    n = len(panel.target)
    values = np.full((n, horizon, len(fitted.levels) + 1), np.nan)
    if fitted.models:
        ahead = _ahead(fitted, panel, horizon)
        factor = price_effects.ahead(fitted.elasticities, panel, horizon)
        with ThreadPoolExecutor(workers) as pool:
            for q, value in enumerate(pool.map(lambda models: _mean(models, ahead.features), fitted.models)):
                values[:, :, q] = (value * ahead.scale).reshape(n, horizon) * factor
    return with_fallback(panel, values[:, :, :-1], values[:, :, -1], fitted.levels)


def contributions(fitted: Fitted, panel: Panel, horizon: int) -> dict[str, np.ndarray]:
    """Contribution (n, H) of each attribute (features.attribute_columns) to the mean forecast, in the target's unit.

    These are Shapley values of the models for the mean: the attribute's addition to the average forecast, averaged over
    all orders of adding attributes. Zeros where nothing could be learned.
    Source: Lundberg et al., "Consistent individualized feature attribution for tree ensembles" (2018).
    """
    n = len(panel.target)
    if not fitted.models:
        return {name: np.zeros((n, horizon)) for name in features.attribute_columns(panel, 0)}
    ahead = _ahead(fitted, panel, horizon)
    values = _mean(fitted.models[-1], ahead.features, pred_contrib=True) * ahead.scale[:, None]
    whole = values.sum(axis=1).reshape(n, horizon)
    added = price_effects.shares(fitted.elasticities, panel, horizon)
    return {
        name: values[:, columns].sum(axis=1).reshape(n, horizon) + added.get(name, 0) * whole
        for name, columns in features.attribute_columns(panel, ahead.features.shape[1]).items()
    }


def _mean(models: Sequence[str], rows: np.ndarray, pred_contrib: bool = False) -> np.ndarray:
    """The mean prediction of the models for the rows, or the mean of its contributions."""
    boosters = [lightgbm.Booster(model_str=model) for model in models]
    return np.mean([booster.predict(rows, num_threads=1, pred_contrib=pred_contrib) for booster in boosters], axis=0)


def _training_data(panel: Panel, horizon: int) -> list[lightgbm.Dataset]:
    """Each model's share of the rows to learn from; none where there are too few."""
    i, o, h = _drawn(panel.target, horizon)
    if len(i) < FEWEST_ROWS:
        return []
    found = features.rows(panel, horizon, i, o, h, features.codes(panel))
    size = np.clip(found.scale / np.median(found.scale), 1 / LARGEST, LARGEST)
    actual, weight = panel.target[i, o + h] / found.scale, np.sqrt(size)
    return [
        lightgbm.Dataset(
            found.features[part],
            actual[part],
            weight=weight[part],
            categorical_feature=found.categorical,
            free_raw_data=False,
        ).construct()
        for part in np.array_split(np.arange(len(i)), MODELS)  # the rows come in random order
    ]


def _ahead(fitted: Fitted, panel: Panel, horizon: int) -> features.Rows:
    """The rows of the steps to forecast, series by series, without what prices do."""
    panel = price_effects.without(fitted.elasticities, panel)
    series, step = np.divmod(np.arange(len(panel.target) * horizon), horizon)
    end = np.full(len(series), panel.target.shape[1] - 1)
    return features.rows(panel, horizon, series, end, step + 1, features.codes(panel, fitted.categories))


def _drawn(target: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series, origin and step ahead (R,) of the training rows, at most ROWS, all different."""
    known = ~np.isnan(target)
    started = np.maximum.accumulate(known, axis=1)
    n, steps = target.shape
    rng = np.random.default_rng(SEED)
    grid = n, steps, min(horizon, steps)
    count = int(np.prod(grid))
    # three times as many as wanted: rows whose value is unknown, or lies after the history, are dropped
    drawn = np.arange(count) if count <= 3 * ROWS else np.unique(rng.integers(count, size=3 * ROWS))
    i, o, h = np.unravel_index(drawn, grid)
    t = o + h + 1
    usable = (t < steps) & started[i, o]
    usable[usable] = known[i[usable], t[usable]]
    chosen = rng.permutation(np.flatnonzero(usable))[:ROWS]
    return i[chosen], o[chosen], h[chosen] + 1
