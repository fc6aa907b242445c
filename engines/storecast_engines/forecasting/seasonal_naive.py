"""SeasonalNaive: the last season is repeated. The baseline, and the fallback of the other algorithms."""

from collections.abc import Sequence

import numpy as np

from storecast_engines.forecasting.frequency import season_length
from storecast_engines.forecasting.panel import Panel, Prediction
from storecast_engines.forecasting.quantiles import normal


def forecast(panel: Panel, horizon: int, levels: Sequence[float]) -> Prediction:
    """Forecast the newest observed value of the same place in the season; a series without any value gets zeros.

    Quantiles are normal around it: the standard deviation is the root mean square of y_t - y_(t-m), times
    sqrt(k + 1) after k complete seasons. Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice
    (3rd edition), section 5.5, "Benchmark methods".
    """
    season = min(season_length(panel.freq), panel.target.shape[1])
    step = np.arange(horizon)
    mean = _last_season(panel.target, season)[:, step % season]
    difference = panel.target[:, season:] - panel.target[:, :-season]
    pairs = np.maximum((~np.isnan(difference)).sum(axis=1), 1)
    rms = np.sqrt(np.nansum(difference**2, axis=1) / pairs)
    sigma = rms[:, None] * np.sqrt(step // season + 1)
    return Prediction(normal(mean, sigma, levels), mean)


def _last_season(values: np.ndarray, season: int) -> np.ndarray:
    """(n, season) newest value of each place in the season, the first being that of the step after the history."""
    n, steps = values.shape
    padded = np.pad(values, ((0, 0), (-steps % season, 0)), constant_values=np.nan)
    newest = _newest(padded.reshape(n, -1, season))
    return np.where(np.isnan(newest), np.nan_to_num(_newest(values[:, :, None])), newest)


def _newest(values: np.ndarray) -> np.ndarray:
    """(n, m) last value along axis 1 of (n, B, m) that is not NaN; NaN where all are."""
    backwards = values[:, ::-1]
    at = np.argmax(~np.isnan(backwards), axis=1)
    return np.take_along_axis(backwards, at[:, None], axis=1)[:, 0]
