"""Cold start: series without history are forecast from similar series.

The guide speaks of "historical data on items with similar metadata attributes" and does not say how similarity is
measured; here it is the number of equal metadata and dimension values.
Source: https://docs.aws.amazon.com/forecast/latest/dg/item-metadata-datasets.html
"""

import numpy as np
import pandas as pd

from storecast_engines.forecasting.panel import Panel, Prediction


def without_history(panel: Panel) -> np.ndarray:
    """(n,) whether a series has no value at all."""
    return np.isnan(panel.target).all(axis=1)


def from_similar(panel: Panel, values: np.ndarray) -> np.ndarray:
    """values (n, ...) in which each series without history has the mean of the series most similar to it.

    These are all series with the most equal values; without metadata or dimensions, every series with history. A panel
    in which no series has history is returned unchanged.
    """
    cold = without_history(panel)
    if not cold.any() or cold.all():
        return values
    features = [panel.keys.iloc[:, 1:], *([] if panel.metadata is None else [panel.metadata])]
    described = pd.concat(features, axis=1).to_numpy(dtype=str)
    result = values.copy()
    for i in np.flatnonzero(cold):
        equal = (described[~cold] == described[i]).sum(axis=1)
        result[i] = values[~cold][equal == equal.max()].mean(axis=0)
    return result


def mean_size(panel: Panel) -> np.ndarray:
    """(n,) each series' mean absolute value, that of similar series if it has no history, and 1 where that is zero."""
    known = ~np.isnan(panel.target)
    size = np.abs(np.nan_to_num(panel.target)).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    size = from_similar(panel, size)
    return np.where(size > 0, size, 1.0)


def forecast_from_similar(panel: Panel, prediction: Prediction) -> Prediction:
    """The prediction, for each series without history that of similar series. Means of sorted quantiles are sorted."""
    return Prediction(from_similar(panel, prediction.quantiles), from_similar(panel, prediction.mean))
