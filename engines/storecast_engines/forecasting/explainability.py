"""Impact scores: how much each attribute of the datasets moves an AutoPredictor's forecast, and in which direction.

The guide says that raw scores are based on Shapley values and normalised ones lie between -1 and 1, not how the service
computes them (forecast-explainability.md). Here they are exact Shapley values of one member, LightGBM, times its weight
in the whole. Prophet and the two networks may read attributes too; what they make of them is not in the scores. A
predictor that gives LightGBM no weight has scores of zero.
"""

from dataclasses import dataclass

import numpy as np

from storecast_engines.forecasting import lightgbm
from storecast_engines.forecasting.autopredictor import weights_of
from storecast_engines.forecasting.panel import Panel
from storecast_engines.forecasting.trained import Trained

MEMBER = "LightGBM"


@dataclass(frozen=True)
class Impact:
    """Raw impact scores of A attributes on n series at H steps, in the target's unit."""

    attributes: tuple[str, ...]
    raw: np.ndarray  # (n, H, A)


def impact(trained: Trained, panel: Panel, horizon: int) -> Impact:
    """What each related series, metadata column and holiday calendar adds to the mean forecast
    (`lightgbm.contributions`).

    ValueError: the panel has no attributes.
    """
    found = lightgbm.contributions(panel, horizon, **trained.hyperparameters[MEMBER])
    if not found:
        raise ValueError("explainability needs attributes: related time series, item metadata or holidays")
    weight = weights_of(trained, panel)[:, trained.algorithms.index(MEMBER), -1]
    return Impact(tuple(found), np.stack(list(found.values()), axis=2) * weight[:, None, None])


def aggregated(scores: np.ndarray, axes: int | tuple[int, ...]) -> np.ndarray:
    """Scores (..., A) over some axes: the mean size, with the sign of the sum.

    A plain mean would let a price that raises one forecast and lowers another come out as no impact.
    """
    return np.abs(scores).mean(axis=axes) * np.sign(scores.sum(axis=axes))


def normalised(scores: np.ndarray) -> np.ndarray:
    """Scores scaled to -1 ... 1: the largest of all becomes 1 or -1; zeros stay zeros."""
    largest = np.abs(scores).max(initial=0)
    return scores / largest if largest > 0 else scores
