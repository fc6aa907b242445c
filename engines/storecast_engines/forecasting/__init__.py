"""Forecasting: the algorithms of Amazon Forecast and others, and AutoPredictor, an ensemble of them.

`AutoPredictor` fits long frames. Below it everything is a pure function of a `Panel`: `build_panel` makes one of long
frames, each of `ALGORITHMS` turns it into a `Prediction`, and the module `autopredictor` trains and applies ensembles.
"""

from storecast_engines.forecasting.algorithms import ALGORITHMS, NEURAL, UNAVAILABLE, NotInstalled
from storecast_engines.forecasting.estimator import AutoPredictor
from storecast_engines.forecasting.panel import Panel, Prediction, build_panel
from storecast_engines.forecasting.what_if import Condition, Transformation

__all__ = [
    "ALGORITHMS",
    "NEURAL",
    "UNAVAILABLE",
    "AutoPredictor",
    "Condition",
    "NotInstalled",
    "Panel",
    "Prediction",
    "Transformation",
    "build_panel",
]
