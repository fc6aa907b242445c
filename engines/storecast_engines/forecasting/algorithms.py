"""The forecasting algorithms by name: each a function `forecast(panel, horizon, levels, **hyperparameters)`."""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

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
NEURAL = {"CNN-QR": "cnn_qr", "Deep_AR_Plus": "deep_ar"}  # algorithm -> its module
# algorithm -> the extra that installs it, where that is missing: no other model ever takes its name
UNAVAILABLE: dict[str, str] = {}


class NotInstalled(ValueError):
    """An algorithm whose extra of this distribution is not installed."""

    def __init__(self, algorithm: str, extra: str) -> None:
        super().__init__(algorithm, extra)
        self.algorithm, self.extra = algorithm, extra

    def __str__(self) -> str:
        return f'{self.algorithm} is not installed: run `pip install "storecast-engines[{self.extra}]"`'


def check(name: str) -> None:
    """Raises NotInstalled or ValueError unless the algorithm can run here."""
    if name in UNAVAILABLE:
        raise NotInstalled(name, UNAVAILABLE[name])
    if name not in ALGORITHMS:
        raise ValueError(f"unknown algorithm {name!r}, allowed are {', '.join(ALGORITHMS)}")


def _imported_late(module: str) -> Callable[..., Prediction]:
    """The `forecast` of a module whose import takes seconds."""

    def forecast(panel: Panel, horizon: int, levels: Sequence[float], **hyperparameters: Any) -> Prediction:
        found = import_module(f"storecast_engines.forecasting.{module}")
        return found.forecast(panel, horizon, levels, **hyperparameters)

    return forecast


def _add_extra(name: str, extra: str, forecast: Callable[..., Prediction], *packages: str) -> None:
    if all(map(find_spec, packages)):
        ALGORITHMS[name] = forecast
    else:
        UNAVAILABLE[name] = extra


_add_extra("Prophet", "prophet", prophet.forecast, "prophet")
for _name, _module in NEURAL.items():
    _add_extra(_name, "neural", _imported_late(_module), "torch", "gluonts")
