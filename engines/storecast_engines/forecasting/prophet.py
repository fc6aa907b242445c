"""Prophet: a piecewise linear trend plus seasons as Fourier series (guide: "Prophet Algorithm").

Source: Taylor and Letham, "Forecasting at scale" (2018). The library comes with the extra
`storecast-engines[prophet]` (117 MB).
"""

import logging
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from storecast_engines.forecasting.local_models import forecast_each
from storecast_engines.forecasting.panel import Panel, Prediction

SEED = 7


def forecast(panel: Panel, horizon: int, levels: Sequence[float], *, workers: int = 1) -> Prediction:
    """Prophet per series with its default hyperparameters, as the guide says the service uses them.

    The panel's country adds its public holidays, and related series count as regressors where they are
    forward-looking (related-time-series-datasets.md). Quantiles are normal around Prophet's forecast, with the standard
    deviation of its 1,000 simulated paths. Constant series, series too short for a model and exploding forecasts are
    answered by seasonal naive.
    """
    related = panel.related is not None and panel.future_steps >= horizon
    fit = partial(_fit, timestamps=panel.timestamps.append(panel.future(horizon)), country=panel.country)
    return forecast_each(fit, panel, horizon, levels, workers=workers, related=related)


def _fit(
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
    except (ValueError, RuntimeError):  # fewer than two values; no model found
        return None
    ahead = frame[len(y) :]
    return model.predict(ahead)["yhat"].to_numpy(), model.predictive_samples(ahead)["yhat"].std(axis=1)
