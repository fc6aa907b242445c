"""Amazon Forecast's algorithms as pure functions: a Panel in, a Prediction out. No AWS, no files."""
from collections.abc import Callable

from localaws.forecast.engine import arima, boosted, ets, mstl, npts, seasonal_naive
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
