"""NPTS: the distribution of the future is that of the past, with greater weights for near observations.

Source: https://docs.aws.amazon.com/forecast/latest/dg/aws-forecast-recipe-npts.html. The service samples from the past
observations; here the quantiles and the mean of that distribution are computed exactly.
"""

from collections.abc import Sequence

import numpy as np

from storecast_engines.forecasting.frequency import season_feature
from storecast_engines.forecasting.panel import Panel, Prediction
from storecast_engines.forecasting.quantiles import check_levels

KERNELS = ("exponential", "uniform")
CHUNK = 1000  # series in memory at a time


def forecast(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    kernel_type: str = "exponential",
    exp_kernel_weights: float = 0.01,
    use_seasonal_model: bool = True,
    use_default_time_features: bool = True,
    context_length: int | None = None,
) -> Prediction:
    """Forecast by one of the guide's four variants, with its hyperparameters; quantiles are always observed values.

    kernel_type                "exponential": an observation has the weight exp(-exp_kernel_weights * distance in time
                               steps), so 0.01 halves it in 69 steps; "uniform": all have the same (climatological)
    use_seasonal_model         only observations of the same hour of day, day of week ... (frequency.season_feature);
                               all of them for a series without any of that season
    use_default_time_features  without them the model is not seasonal
    context_length             use only this many last time steps

    A series without observations gets zeros. Raises ValueError for an unknown kernel_type or a number that is not
    positive.
    """
    if kernel_type not in KERNELS:
        raise ValueError(f"NPTS: kernel_type is {kernel_type!r}, allowed are {', '.join(KERNELS)}")
    if exp_kernel_weights <= 0 or (context_length is not None and context_length <= 0):
        raise ValueError(
            f"NPTS: exp_kernel_weights ({exp_kernel_weights}) and context_length ({context_length}) must be positive"
        )
    tau = check_levels(levels)
    past = panel.target[:, -context_length if context_length else 0 :]
    # the distance to a step h ahead is h + age: exp(-w h) is common to all observations and falls out
    age = np.arange(past.shape[1])[::-1]
    weights = np.exp(-exp_kernel_weights * age) if kernel_type == "exponential" else np.ones(len(age))
    season = season_feature(panel.timestamps[len(panel.timestamps) - len(age) :], panel.freq)
    ahead = season_feature(panel.future(horizon), panel.freq)
    seasonal = use_seasonal_model and use_default_time_features
    quantiles, mean = np.empty((len(past), horizon, len(tau))), np.empty((len(past), horizon))
    everything = _weighted(past, weights, tau)
    for place in np.unique(ahead):
        steps, same = ahead == place, season == place
        of_season = _weighted(past[:, same], weights[same], tau) if seasonal else everything
        value = np.where(np.isnan(of_season), everything, of_season)
        quantiles[:, steps], mean[:, steps] = value[:, None, :-1], value[:, None, -1]
    return Prediction(np.nan_to_num(quantiles), np.nan_to_num(mean))


def _weighted(values: np.ndarray, weights: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """(n, Q+1) weighted quantiles (the lowest value with that much weight at or below it), then the weighted mean.

    values (n, T) with NaN for missing, weights (T,); NaN for a series without values.
    """
    result = np.full((len(values), len(tau) + 1), np.nan)
    for start in range(0, len(values), CHUNK):
        of_chunk = values[start : start + CHUNK]
        weight = np.where(np.isnan(of_chunk), 0.0, weights)
        total = weight.sum(axis=1)
        rows = np.flatnonzero(total > 0)
        if not len(rows):
            continue
        seen, weight, total = np.nan_to_num(of_chunk[rows]), weight[rows], total[rows]
        order = np.argsort(seen, axis=1, kind="stable")
        reached = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1) / total[:, None]
        for q, level in enumerate(tau):
            # the tolerance keeps a level that is met exactly (0.5 of two values) from being missed by rounding
            at = np.argmax(reached >= level - 1e-12, axis=1)
            result[start + rows, q] = seen[np.arange(len(rows)), order[np.arange(len(rows)), at]]
        result[start + rows, -1] = (seen * weight).sum(axis=1) / total
    return result
