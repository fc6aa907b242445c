"""The fallback where a model's forecast is implausible: nothing infinite, nothing exploded, no crossing quantiles."""

from collections.abc import Sequence

import numpy as np

from storecast_engines.forecasting import seasonal_naive
from storecast_engines.forecasting.panel import Panel, Prediction
from storecast_engines.forecasting.quantiles import uncrossed

# Exponential smoothing with a trend or multiplicative errors can diverge: published tables hold errors of 1e24 for it.
RANGES = 10


def with_fallback(panel: Panel, quantiles: np.ndarray, mean: np.ndarray, levels: Sequence[float]) -> Prediction:
    """The forecast (n, H, Q) and (n, H), with seasonal naive in place of each series where it is implausible.

    Implausible is a value that is not finite, or farther from the series' history than RANGES times the history's own
    range. A series without history only has to be finite.
    """
    seen = ~np.isnan(panel.target)
    low = np.where(seen, panel.target, np.inf).min(axis=1)
    high = np.where(seen, panel.target, -np.inf).max(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):  # no history: inf - inf
        room = RANGES * (high - low) + 1e-6 * np.maximum(np.abs(low), np.abs(high))
        values = np.concatenate([mean[:, :, None], quantiles], axis=2).reshape(len(mean), -1)
        near = (values >= (low - room)[:, None]) & (values <= (high + room)[:, None])
    plausible = np.where(seen.any(axis=1), near.all(axis=1), np.isfinite(values).all(axis=1))
    if not plausible.all():
        naive = seasonal_naive.forecast(panel, mean.shape[1], levels)
        quantiles = np.where(plausible[:, None, None], quantiles, naive.quantiles)
        mean = np.where(plausible[:, None], mean, naive.mean)
    return Prediction(uncrossed(quantiles, levels), mean)
