"""MSTL: seasons and trend are taken apart with LOESS; the trend is forecast by ETS, the seasons are repeated.

Source: Bandara, Hyndman and Bergmeir, "MSTL: A Seasonal-Trend Decomposition Algorithm for Time Series with Multiple
Seasonal Patterns" (2021). Not an algorithm of Amazon Forecast.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from localaws.forecast.engine.ets import fit_ets
from localaws.forecast.engine.freq import seasons
from localaws.forecast.engine.panel import Panel, Prediction
from localaws.forecast.engine.per_series import forecast_each

LAST = 2000  # time steps that are fitted: bounds the cost of long series


def forecast(
    panel: Panel, horizon: int, levels: Sequence[float], *, trend: str = "ZZN", workers: int = 1
) -> Prediction:
    """MSTL per series, fitted on its last 2000 values; normal quantiles with the trend model's forecast variance.

    Seasons are the natural ones (freq.seasons); each must have been seen twice, and without any the series
    is left to non-seasonal ETS. `trend` are the letters of the trend's ETS model (ets.py). Constant series and
    exploding forecasts are answered by seasonal naive.
    """
    fit = partial(_fit, periods=seasons(panel.freq), trend=trend)
    return forecast_each(fit, panel, horizon, levels, workers=workers, last=LAST)


def _fit(
    y: np.ndarray, steps: int, _: None, *, periods: tuple[int, ...], trend: str
) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and standard deviation (steps,), None if the trend has no model."""
    from statsforecast.mstl import mstl  # here, because its import takes seconds

    periods = [period for period in periods if len(y) >= 2 * period]
    repeated = np.zeros(steps)
    if periods:
        parts = mstl(y, period=periods)
        y = (parts["trend"] + parts["remainder"]).to_numpy()
        names = ["seasonal"] if len(periods) == 1 else [f"seasonal{period}" for period in periods]
        for name, period in zip(names, periods):
            repeated += np.resize(parts[name].to_numpy()[-period:], steps)
    ahead = fit_ets(y, steps, None, season=1, model=trend)
    return None if ahead is None else (ahead[0] + repeated, ahead[1])
