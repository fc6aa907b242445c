"""Forecasting: the algorithms of Amazon Forecast and others, and AutoPredictor, a weighted ensemble of them.

Below the estimators everything is a pure function of a Panel: `build_panel` makes one of long frames, an algorithm
turns it into a Prediction, `autopredictor` trains and applies the ensemble.
"""

from storecast_engines.forecasting.algorithms import ALGORITHMS, NEURAL, UNAVAILABLE, NotInstalled
from storecast_engines.forecasting.panel import Panel, Prediction, build_panel

__all__ = ["ALGORITHMS", "NEURAL", "UNAVAILABLE", "NotInstalled", "Panel", "Prediction", "build_panel"]
