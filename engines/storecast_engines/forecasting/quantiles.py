"""Quantile levels: their check, the normal distribution's quantiles, and quantiles that do not cross."""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri


def check_levels(levels: Sequence[float]) -> np.ndarray:
    """The levels as an array (Q,). Raises ValueError for one outside (0, 1); none at all: a mean-only forecast."""
    for level in levels:
        if not 0 < level < 1:
            raise ValueError(f"quantile level {level!r} is not between 0 and 1")
    return np.asarray(levels, float)


def normal(mean: np.ndarray, sigma: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """(..., Q) quantiles of independent normal distributions with the means and standard deviations (...)."""
    return mean[..., None] + sigma[..., None] * ndtri(check_levels(levels))


def uncrossed(quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """The quantiles (..., Q) sorted so that a higher level never has a lower value.

    Source: Chernozhukov, Fernandez-Val and Galichon, "Quantile and probability curves without crossing" (2010).
    """
    order = np.argsort(check_levels(levels))
    sorted_quantiles = np.empty_like(quantiles)
    sorted_quantiles[..., order] = np.sort(quantiles, axis=-1)
    return sorted_quantiles
