"""ETS: exponential smoothing in its state space form, chosen by AICc as in R's `ets`.

Source: https://docs.aws.amazon.com/forecast/latest/dg/aws-forecast-recipe-ets.html
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy.special import ndtri

from storecast_engines.forecasting.frequency import r_ts_frequency
from storecast_engines.forecasting.local_models import Progress, forecast_each
from storecast_engines.forecasting.panel import Panel, Prediction

LONGEST_SEASON = 24  # R's ets ignores longer seasons
# time steps that are fitted: bounds the cost of long series. With 1000 it took twice as long; the loss on daily series
# was 1% lower, on M4's weekly ones the same, on its hourly ones 25% higher.
LAST = 365


def forecast(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    model: str = "ZZZ",
    workers: int = 1,
    progress: Progress = lambda share: None,
) -> Prediction:
    """Forecast each series by ETS, fitted on its last 365 values; normal quantiles with the model's variance.

    `model` is three letters for error, trend and season (N none, A additive, M multiplicative, Z chosen). Seasonal
    period: R's table (frequency.r_ts_frequency), none above 24. Seasonal naive is the fallback for constant series,
    series too short for any model and exploding forecasts.
    """
    season = r_ts_frequency(panel.freq)
    fit = partial(fit_and_forecast, season=season if season <= LONGEST_SEASON else 1, model=model)
    return forecast_each(fit, panel, horizon, levels, workers=workers, progress=progress, last=LAST)


def fit_and_forecast(
    y: np.ndarray, steps: int, _: None, *, season: int, model: str
) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and standard deviation (steps,) of the best ETS model of `y`, None if there is none."""
    from statsforecast.ets import ets_f, forecast_ets  # here, because its import takes seconds

    try:
        answer = forecast_ets(ets_f(y, m=season, model=model), h=steps, level=[80])
    except Exception:  # noqa: BLE001 - whatever the library raises where no model fits or the series is too short
        return None
    return answer["mean"], (answer["hi-80"] - answer["mean"]) / ndtri(0.9)
