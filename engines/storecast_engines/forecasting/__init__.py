"""Amazon Forecast's algorithms as pure functions: a Panel in, a Prediction out. No AWS, no files."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from storecast_engines.forecasting import arima, ets, lightgbm, mstl, npts, prophet, seasonal_naive
from storecast_engines.forecasting.panel import Panel, Prediction

# by AWS's name (the last part of the algorithm's ARN) where AWS has the algorithm, by its own name otherwise
ALGORITHMS: dict[str, Callable[..., Prediction]] = {
    "ARIMA": arima.forecast,
    "ETS": ets.forecast,
    "LightGBM": lightgbm.forecast,
    "MSTL": mstl.forecast,
    "NPTS": npts.forecast,
    "SeasonalNaive": seasonal_naive.forecast,
}
NEURAL = {"CNN-QR": "cnn_qr", "Deep_AR_Plus": "deep_ar"}  # algorithm -> its file
# AWS's algorithms that are not installed, and what to do about it: no other model ever takes their names
UNAVAILABLE: dict[str, str] = {}


def _imported_late(module: str) -> Callable[..., Prediction]:
    """The `forecast` of an engine's file whose import takes seconds."""

    def forecast(panel: Panel, horizon: int, levels, **hyperparameters) -> Prediction:
        return import_module(f"{__name__}.{module}").forecast(panel, horizon, levels, **hyperparameters)

    return forecast


def _is_extra(name: str, command: str, forecast: Callable[..., Prediction], *packages: str) -> None:
    if all(map(find_spec, packages)):
        ALGORITHMS[name] = forecast
    else:
        UNAVAILABLE[name] = f"{name} is not installed: run `{command}`, then start the embedded AWS anew"


_is_extra("Prophet", "make prophet", prophet.forecast, "prophet")
for _name, _module in NEURAL.items():
    _is_extra(_name, "make neural", _imported_late(_module), "torch", "gluonts")
