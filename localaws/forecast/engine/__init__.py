"""Amazon Forecast's algorithms as pure functions: a Panel in, a Prediction out. No AWS, no files."""

from collections.abc import Callable
from importlib.util import find_spec

from localaws.forecast.engine import arima, boosted, ets, mstl, npts, prophet, seasonal_naive
from localaws.forecast.engine.panel import Prediction

# by AWS's name (the last part of the algorithm's ARN) where AWS has the algorithm, by its own name otherwise
ALGORITHMS: dict[str, Callable[..., Prediction]] = {
    "ARIMA": arima.forecast,
    "ETS": ets.forecast,
    "LightGBM": boosted.forecast,
    "MSTL": mstl.forecast,
    "NPTS": npts.forecast,
    "SeasonalNaive": seasonal_naive.forecast,
}
# AWS's algorithms that cannot run here, and why: no other model ever takes their names
_NOT_BUILT = "is a neural network that the embedded AWS does not have; no other model takes its name: use AutoPredictor"
UNAVAILABLE: dict[str, str] = {name: f"{name} {_NOT_BUILT}" for name in ("CNN-QR", "Deep_AR_Plus")}
if find_spec("prophet"):
    ALGORITHMS["Prophet"] = prophet.forecast
else:
    UNAVAILABLE["Prophet"] = "Prophet is not installed: run `make prophet`, then start the embedded AWS anew"
