"""LightGBM: one gradient-boosted quantile model over all series, every step of the horizon forecast directly.

It is the learned, global member: like CNN-QR (aws-forecast-algo-cnnqr.md) it takes related series with their future
values and item metadata and minimises the quantile loss directly for every step, but it is no neural network. A
forecast is never fed back as an input: doing that for each quantile makes the outer quantiles far too wide.
Sources: Ke et al., "LightGBM" (2017); Wen et al., "A Multi-Horizon Quantile Recurrent Forecaster" (2017) for the
direct multi-horizon quantile objective.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np

from localaws.forecast.engine.features import attribute_columns, rows
from localaws.forecast.engine.guard import guarded
from localaws.forecast.engine.panel import Panel, Prediction
from localaws.forecast.engine.quantiles import check_levels

ROWS = 100_000  # training rows drawn from all (series, origin, step ahead): bounds the cost of large panels
FEWEST_ROWS = 2  # of a single one bagging leaves nothing
LARGEST = 100  # a series counts as at most that many times (at least that fraction of) the median series
SEED = 7
FIXED = {
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "seed": SEED,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
    "num_threads": 1,
}  # its own threads doubled the CPU time and saved no second: models are learned side by side


def forecast(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    num_boost_round: int = 80,
    learning_rate: float = 0.08,
    num_leaves: int = 15,
    workers: int = 1,
) -> Prediction:
    """One model per level and one for the mean, `workers` at a time; the same input gives the same forecast.

    Training rows are drawn at random (seeded) from all known values that have at least one known value before them;
    a panel with fewer than two is answered by seasonal naive. A row counts with the root of its series' size: wQL asks
    for the size itself, but then one huge series would leave the others unlearned. The hyperparameters are LightGBM's.
    """
    n = len(panel.target)
    values = np.full((n, horizon, len(check_levels(levels)) + 1), np.nan)
    prepared = _prepared(panel, horizon)
    if prepared:
        data, ahead, ahead_scale = prepared
        settings = FIXED | {"learning_rate": learning_rate, "num_leaves": num_leaves}

        def learned(objective: dict) -> np.ndarray:
            model = lightgbm.train(settings | objective, data, num_boost_round)
            return (model.predict(ahead, num_threads=1) * ahead_scale).reshape(n, horizon)

        objectives = [{"objective": "quantile", "alpha": float(level)} for level in levels]
        with ThreadPoolExecutor(workers) as pool:
            for q, value in enumerate(pool.map(learned, [*objectives, {"objective": "regression"}])):
                values[:, :, q] = value
    return guarded(panel, values[:, :, :-1], values[:, :, -1], levels)


def contributions(
    panel: Panel,
    horizon: int,
    *,
    num_boost_round: int = 80,
    learning_rate: float = 0.08,
    num_leaves: int = 15,
) -> dict[str, np.ndarray]:
    """By attribute (features.attribute_columns), (n, H) what it adds to the forecast of the mean, in the target's unit.

    These are Shapley values of the model that `forecast` learns for the mean: what an attribute adds to the average
    forecast, over all orders in which attributes become known. Zeros where nothing can be learned.
    Source: Lundberg et al., "Consistent individualized feature attribution for tree ensembles" (2018).
    """
    n, prepared = len(panel.target), _prepared(panel, horizon)
    if not prepared:
        return {name: np.zeros((n, horizon)) for name in attribute_columns(panel, 0)}
    data, ahead, ahead_scale = prepared
    settings = FIXED | {"learning_rate": learning_rate, "num_leaves": num_leaves, "objective": "regression"}
    model = lightgbm.train(settings, data, num_boost_round)
    values = model.predict(ahead, num_threads=1, pred_contrib=True) * ahead_scale[:, None]
    return {
        name: values[:, columns].sum(axis=1).reshape(n, horizon)
        for name, columns in attribute_columns(panel, ahead.shape[1]).items()
    }


def _prepared(panel: Panel, horizon: int) -> tuple[lightgbm.Dataset, np.ndarray, np.ndarray] | None:
    """What to learn from, then features (n*H, F) and scale (n*H,) of the steps to forecast, series by series.

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
    data = lightgbm.Dataset(
        features,
        panel.target[i, o + h] / scale,
        weight=np.sqrt(size),
        categorical_feature=found.categorical,
        free_raw_data=False,
    )
    data.construct()
    return data, found.features[len(i) :], found.scale[len(i) :]


def _drawn(target: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series, origin and step ahead (R,) of the training rows, at most ROWS, all different."""
    known = ~np.isnan(target)
    started = np.maximum.accumulate(known, axis=1)
    n, steps = target.shape
    rng = np.random.default_rng(SEED)
    grid = n, steps, min(horizon, steps)
    count = int(np.prod(grid))
    # three times as many as wanted: what is unknown, or lies after the history, falls away
    drawn = np.arange(count) if count <= 3 * ROWS else np.unique(rng.integers(count, size=3 * ROWS))
    i, o, h = np.unravel_index(drawn, grid)
    t = o + h + 1
    usable = (t < steps) & started[i, o]
    usable[usable] = known[i[usable], t[usable]]
    chosen = rng.permutation(np.flatnonzero(usable))[:ROWS]
    return i[chosen], o[chosen], h[chosen] + 1
