"""Items without history, and what is like them.

The guide speaks of "historical data on items with similar metadata attributes" (item-metadata-datasets.md) and does
not say how similarity is measured. Here it is the number of equal metadata and dimension values.
"""

import numpy as np
import pandas as pd

from storecast_engines.forecasting.panel import Panel, Prediction


def without_history(panel: Panel) -> np.ndarray:
    """(n,) whether a series has no value at all."""
    return np.isnan(panel.target).all(axis=1)


def averaged(panel: Panel, values: np.ndarray) -> np.ndarray:
    """values (n, ...) in which each series without history has the mean of the series that are most like it.

    They are all those with the most equal values; without metadata or dimensions that is every series with history.
    A panel in which no series has history is returned as it is.
    """
    cold = without_history(panel)
    if not cold.any() or cold.all():
        return values
    fields = [panel.keys.iloc[:, 1:], *([] if panel.metadata is None else [panel.metadata])]
    about = pd.concat(fields, axis=1).to_numpy(dtype=str)
    result = values.copy()
    for i in np.flatnonzero(cold):
        equal = (about[~cold] == about[i]).sum(axis=1)
        result[i] = values[~cold][equal == equal.max()].mean(axis=0)
    return result


def mean_size(panel: Panel) -> np.ndarray:
    """(n,) each series' mean absolute value, its likes' if it has no history, and 1 where that is zero."""
    known = ~np.isnan(panel.target)
    size = np.abs(np.nan_to_num(panel.target)).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    size = averaged(panel, size)
    return np.where(size > 0, size, 1.0)


def forecast_of_likes(panel: Panel, prediction: Prediction) -> Prediction:
    """The prediction with that of the likes for each series without history. Means of sorted quantiles are sorted."""
    return Prediction(averaged(panel, prediction.quantiles), averaged(panel, prediction.mean))
