"""MSTL: LOESS separates seasons and trend; the trend is forecast by ETS, the seasons are repeated.

Sources: Bandara, Hyndman and Bergmeir, "MSTL: A Seasonal-Trend Decomposition Algorithm for Time Series with Multiple
Seasonal Patterns" (2021); Cleveland et al., "STL: A Seasonal-Trend Decomposition Procedure Based on Loess" (1990). Not
an algorithm of Amazon Forecast.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from storecast_engines.forecasting import ets
from storecast_engines.forecasting.frequency import seasons
from storecast_engines.forecasting.local_models import Progress, forecast_each
from storecast_engines.forecasting.panel import Panel, Prediction

LAST = 2000  # time steps that are fitted: bounds the cost of long series


def forecast(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    trend: str = "ZZN",
    workers: int = 1,
    progress: Progress = lambda share: None,
) -> Prediction:
    """Forecast each series by MSTL, fitted on its last 2000 values; normal quantiles with the trend model's variance.

    Seasons are the natural ones (frequency.seasons) that the series covers twice; without any it is forecast by
    non-seasonal ETS. `trend` is the letters of the trend's ETS model (ets.py). Seasonal naive is the fallback for
    constant series and exploding forecasts.
    """
    fit = partial(_fit_and_forecast, periods=seasons(panel.freq), trend=trend)
    return forecast_each(fit, panel, horizon, levels, workers=workers, progress=progress, last=LAST)


def _fit_and_forecast(
    y: np.ndarray, steps: int, _: None, *, periods: tuple[int, ...], trend: str
) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and standard deviation (steps,), None if no model fits the trend."""
    seen_twice = [period for period in periods if len(y) >= 2 * period]
    parts = _seasonal_parts(y, seen_twice)
    ahead = ets.fit_and_forecast(y - parts.sum(axis=0), steps, None, season=1, model=trend)
    repeated = sum((np.resize(part[-period:], steps) for part, period in zip(parts, seen_twice)), np.zeros(steps))
    return None if ahead is None else (ahead[0] + repeated, ahead[1])


def _seasonal_parts(y: np.ndarray, periods: Sequence[int]) -> np.ndarray:
    """(P, t) the seasonal component of each period, estimated in turn without the others, twice if there are several.

    Seasonal windows and passes are those of R's `mstl`. So are the jumps, a tenth of each LOESS window, over which STL
    interpolates: evaluated at every step instead, hourly series take twenty times as long for seasons that differ by
    less than 1% of the series' standard deviation.
    """
    from statsmodels.tsa.seasonal import STL  # here, because its import takes seconds

    parts = np.zeros((len(periods), len(y)))
    for _ in range(min(len(periods), 2)):
        for k, period in enumerate(periods):
            window = 11 + 4 * k
            rest = y - parts.sum(axis=0) + parts[k]
            stl = partial(STL, rest, period=period, seasonal=window, seasonal_deg=0)
            jumps = {f"{name}_jump": -(-stl().config[name] // 10) for name in ("seasonal", "trend", "low_pass")}
            parts[k] = stl(**jumps).fit(inner_iter=2).seasonal
    return parts
