"""Impact scores: how much each attribute of the datasets moves an AutoPredictor's forecast, and in which direction.

The guide says that raw scores are based on Shapley values and normalised ones lie between -1 and 1, not how the service
computes them. Here they are exact Shapley values of one model, LightGBM, times its weight in the ensemble. Prophet and
the two networks may read attributes too; their use of them is not in the scores. A predictor that gives LightGBM no
weight has scores of zero. Source: https://docs.aws.amazon.com/forecast/latest/dg/forecast-explainability.html
"""

from dataclasses import dataclass

import numpy as np

from storecast_engines.forecasting import lightgbm
from storecast_engines.forecasting.autopredictor import Predictor, ensemble_weights
from storecast_engines.forecasting.panel import Panel

MODEL = "LightGBM"


@dataclass(frozen=True)
class Impact:
    """Raw impact scores of A attributes on n series at H steps, in the target's unit."""

    attributes: tuple[str, ...]
    raw: np.ndarray  # (n, H, A)


def impact(predictor: Predictor, panel: Panel, horizon: int) -> Impact:
    """Impact of each related series, metadata column and holiday calendar on the mean forecast
    (`lightgbm.contributions`).

    Raises ValueError if the panel has no attributes.
    """
    fitted = lightgbm.fit(panel, horizon, (), **predictor.hyperparameters[MODEL])
    found = lightgbm.contributions(fitted, panel, horizon)
    if not found:
        raise ValueError("explainability needs attributes: related time series, item metadata or holidays")
    weight = ensemble_weights(predictor, panel)[:, predictor.algorithms.index(MODEL), -1]
    return Impact(tuple(found), np.stack(list(found.values()), axis=2) * weight[:, None, None])


def aggregated(scores: np.ndarray, axes: int | tuple[int, ...]) -> np.ndarray:
    """Scores (..., A) aggregated over some axes: the mean absolute score, with the sign of the sum.

    In a plain mean, a price that raises one forecast and lowers another would have no impact.

    >>> aggregated(np.array([[2.0], [-4.0]]), 0)
    array([-3.])
    """
    return np.abs(scores).mean(axis=axes) * np.sign(scores.sum(axis=axes))


def normalised(scores: np.ndarray) -> np.ndarray:
    """Scores scaled to -1 ... 1: the largest becomes 1 or -1; zeros stay zeros."""
    largest = np.abs(scores).max(initial=0)
    return scores / largest if largest > 0 else scores
