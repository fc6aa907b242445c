"""Prophet: a piecewise linear trend plus seasons as Fourier series (the Prophet library).

Sources: Taylor and Letham, "Forecasting at scale" (2018);
https://docs.aws.amazon.com/forecast/latest/dg/aws-forecast-recipe-prophet.html. The library comes with the extra
`storecast-engines[prophet]` (117 MB).
"""

import logging
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from storecast_engines.forecasting.local_models import Progress, forecast_each
from storecast_engines.forecasting.panel import Panel, Prediction

SEED = 7


def forecast(
    panel: Panel, horizon: int, levels: Sequence[float], *, workers: int = 1, progress: Progress = lambda share: None
) -> Prediction:
    """Forecast each series by Prophet with its default hyperparameters, as the service does by its guide.

    Public holidays of the panel's country are added, and forward-looking related series are regressors. Quantiles are
    normal around Prophet's forecast, with the standard deviation of its 1,000 simulated paths. Seasonal naive is the
    fallback for constant series, series too short for a model and exploding forecasts.
    """
    related = panel.related is not None and panel.future_steps >= horizon
    fit = partial(_fit_and_forecast, timestamps=panel.timestamps.append(panel.future(horizon)), country=panel.country)
    return forecast_each(fit, panel, horizon, levels, workers=workers, progress=progress, related=related)


def _fit_and_forecast(
    y: np.ndarray, steps: int, x: np.ndarray | None, *, timestamps: pd.DatetimeIndex, country: str | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and standard deviation (steps,) from the series' `len(y)` values and the `steps` last of the timestamps."""
    from prophet import Prophet  # here, because it need not be installed

    logging.getLogger("cmdstanpy").disabled = True  # two lines per series
    frame = pd.DataFrame({"ds": timestamps[-(len(y) + steps) :]})
    model = Prophet()
    if country:
        model.add_country_holidays(country)
    for at, values in enumerate([] if x is None else x.T):
        frame[f"related{at}"] = values
        model.add_regressor(f"related{at}")
    try:
        np.random.seed(SEED)  # Prophet simulates with numpy's global generator
        model.fit(frame[: len(y)].assign(y=y))
    except (ValueError, RuntimeError):  # fewer than two values, or no model found
        return None
    ahead = frame[len(y) :]
    return model.predict(ahead)["yhat"].to_numpy(), model.predictive_samples(ahead)["yhat"].std(axis=1)
