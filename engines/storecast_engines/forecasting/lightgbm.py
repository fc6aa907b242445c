"""LightGBM: one gradient-boosted quantile model over all series, every step of the horizon forecast directly.

It is the global model of the ensemble: like CNN-QR it uses related series with their future values and item metadata
and minimises the quantile loss directly for every step, but it is no neural network. A forecast is never fed back as an
input: doing that for each quantile makes the outer quantiles far too wide.
Sources: Ke et al., "LightGBM" (2017); Wen et al., "A Multi-Horizon Quantile Recurrent Forecaster" (2017) for the
direct multi-horizon quantile objective; Breiman, "Bagging Predictors" (1996) for the average of several models.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lightgbm
import numpy as np

from storecast_engines.forecasting.fallback import with_fallback
from storecast_engines.forecasting.features import attribute_columns, rows
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
    n = len(panel.target)
    values = np.full((n, horizon, len(check_levels(levels)) + 1), np.nan)
    prepared = _prepared(panel, horizon)
    if prepared:
        parts, ahead, ahead_scale = prepared
        settings = {"learning_rate": learning_rate, "num_leaves": num_leaves}

        def learned(objective: dict[str, Any]) -> np.ndarray:
            return (_learned(parts, ahead, num_boost_round, settings | objective) * ahead_scale).reshape(n, horizon)

        objectives = [{"objective": "quantile", "alpha": float(level)} for level in levels]
        with ThreadPoolExecutor(workers) as pool:
            for q, value in enumerate(pool.map(learned, [*objectives, {"objective": "regression"}])):
                values[:, :, q] = value
    return with_fallback(panel, values[:, :, :-1], values[:, :, -1], levels)


def contributions(
    panel: Panel,
    horizon: int,
    *,
    num_boost_round: int = 80,
    learning_rate: float = 0.08,
    num_leaves: int = 31,
) -> dict[str, np.ndarray]:
    """Contribution (n, H) of each attribute (features.attribute_columns) to the mean forecast, in the target's unit.

    These are Shapley values of the models that `forecast` trains for the mean: the attribute's addition to the average
    forecast, averaged over all orders of adding attributes. Zeros where nothing can be learned.
    Source: Lundberg et al., "Consistent individualized feature attribution for tree ensembles" (2018).
    """
    n, prepared = len(panel.target), _prepared(panel, horizon)
    if not prepared:
        return {name: np.zeros((n, horizon)) for name in attribute_columns(panel, 0)}
    parts, ahead, ahead_scale = prepared
    settings = {"learning_rate": learning_rate, "num_leaves": num_leaves, "objective": "regression"}
    values = _learned(parts, ahead, num_boost_round, settings, pred_contrib=True) * ahead_scale[:, None]
    return {
        name: values[:, columns].sum(axis=1).reshape(n, horizon)
        for name, columns in attribute_columns(panel, ahead.shape[1]).items()
    }


def _learned(
    parts: Sequence[lightgbm.Dataset],
    ahead: np.ndarray,
    rounds: int,
    settings: dict[str, Any],
    pred_contrib: bool = False,
) -> np.ndarray:
    """The mean prediction of the parts' models for the rows `ahead`, or the mean of its contributions."""
    models = [lightgbm.train(FIXED | settings | {"seed": SEED + k}, part, rounds) for k, part in enumerate(parts)]
    return np.mean([model.predict(ahead, num_threads=1, pred_contrib=pred_contrib) for model in models], axis=0)


def _prepared(panel: Panel, horizon: int) -> tuple[list[lightgbm.Dataset], np.ndarray, np.ndarray] | None:
    """Each model's training data, then features (n*H, F) and scale (n*H,) of the steps to forecast, series by series.

    None where there are too few rows to learn from.
    """
    i, o, h = _drawn(panel.target, horizon)
    if len(i) < FEWEST_ROWS:
        return None
    n, steps = panel.target.shape
    series, step = np.divmod(np.arange(n * horizon), horizon)
    end = np.full(n * horizon, steps - 1)
    found = rows(panel, horizon, *map(np.concatenate, ((i, series), (o, end), (h, step + 1))))
    features, scale = found.features[: len(i)], found.scale[: len(i)]
    size = np.clip(scale / np.median(scale), 1 / LARGEST, LARGEST)
    actual, weight = panel.target[i, o + h] / scale, np.sqrt(size)
    parts = [
        lightgbm.Dataset(
            features[part],
            actual[part],
            weight=weight[part],
            categorical_feature=found.categorical,
            free_raw_data=False,
        ).construct()
        for part in np.array_split(np.arange(len(i)), MODELS)  # the rows come in random order
    ]
    return parts, found.features[len(i) :], found.scale[len(i) :]


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
