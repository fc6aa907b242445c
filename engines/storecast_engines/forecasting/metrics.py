"""The accuracy metrics of Amazon Forecast.

Source: https://docs.aws.amazon.com/forecast/latest/dg/metrics.html (its formulas, text and variable lists).
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, Generic, TypeVar, overload

import numpy as np

from storecast_engines.forecasting.panel import Prediction

NEARLY_ZERO = 1e-8
# CreateAutoPredictor's OptimizationMetric -> field of Metrics
FIELD = {"AverageWeightedQuantileLoss": "average_wql", "WAPE": "wape", "RMSE": "rmse", "MAPE": "mape", "MASE": "mase"}


Value = TypeVar("Value", float, np.ndarray)


@dataclass(frozen=True)
class Metrics(Generic[Value]):
    """Lower is better; NaN where not defined. Numbers (pooled over series) or arrays (n,) with one value per series."""

    wql: np.ndarray  # (Q,) or (n, Q), in the order of the levels
    average_wql: Value
    wape: Value
    rmse: Value  # in the target's unit
    mape: Value
    mase: Value


def pooled(actual: np.ndarray, predicted: Prediction, levels: Sequence[float], scale: np.ndarray) -> Metrics[float]:
    """Metrics of one backtest window, pooled over all series.

    actual (n, H), scale (n,) from `seasonal_error`. Series with a missing actual value are excluded, as with the
    "nan" filling (GetAccuracyMetrics). MASE is the mean over the series where it is defined, MAPE over the points.

    >>> forecast = Prediction(quantiles=np.array([[[8.0]], [[30.0]]]), mean=np.array([[8.0], [30.0]]))
    >>> found = pooled(np.array([[10.0], [30.0]]), forecast, [0.5], np.array([1.0, 1.0]))
    >>> found.wape, found.mape, found.average_wql
    (0.05, 0.1, 0.05)
    """
    return totals(actual, predicted, levels, scale).pooled()


@dataclass(frozen=True)
class Totals:
    """Sums over the series of one backtest window from which their pooled metrics follow.

    Those of two groups of series can be added.
    """

    loss: np.ndarray  # (Q,)
    actual: float  # absolute
    error: float  # absolute
    squares: float
    points: int
    percentage: float
    percentages: int  # the points at which it is defined
    scaled: float
    scales: int  # the series for which it is defined

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def pooled(self) -> Metrics[float]:
        """NaN where there is no series."""
        if not self.points:
            return Metrics(np.full(len(self.loss), np.nan), *[np.nan] * 5)
        actual = np.asarray(self.actual)
        wql = _over(self.loss, actual)
        return Metrics(
            wql,
            defined_mean(wql),
            float(_over(np.asarray(self.error), actual)),
            float(np.sqrt(self.squares / self.points)),
            self.percentage / self.percentages if self.percentages else np.nan,
            self.scaled / self.scales if self.scales else np.nan,
        )


def totals(actual: np.ndarray, predicted: Prediction, levels: Sequence[float], scale: np.ndarray) -> Totals:
    """The Totals of a backtest window; the arguments are those of `pooled`."""
    complete = ~np.isnan(actual).any(axis=1)
    loss, error = _losses(actual, predicted, levels)
    loss, error, actual = loss[complete], error[complete], actual[complete]
    percentage, scaled = _percentage(error, actual), _scaled(error, scale[complete])
    return Totals(
        loss.sum(axis=(0, 1)),
        float(np.abs(actual).sum()),
        float(error.sum()),
        float((error**2).sum()),
        actual.size,
        *_defined(percentage),
        *_defined(scaled),
    )


def _defined(values: np.ndarray) -> tuple[float, int]:
    """The sum and the number of the values that are defined."""
    defined = ~np.isnan(values)
    return float(np.where(defined, values, 0.0).sum()), int(defined.sum())


def per_item(
    actual: np.ndarray, predicted: Prediction, levels: Sequence[float], scale: np.ndarray
) -> Metrics[np.ndarray]:
    """The same metrics for each series; all NaN for a series with a missing actual value.

    WAPE is normalised by the series' own actual values, like wQL (the service's item exports leave it unnormalised).
    """
    loss, error = _losses(actual, predicted, levels)
    total = np.abs(actual).sum(axis=1)
    wql = _over(loss.sum(axis=1), total[:, None])
    return Metrics(
        wql,
        defined_mean(wql, axis=1),
        _over(error.sum(axis=1), total),
        np.sqrt((error**2).mean(axis=1)),
        np.where(np.isnan(total), np.nan, defined_mean(_percentage(error, actual), axis=1)),
        _scaled(error, scale),
    )


def average(windows: Sequence[Metrics[Value]]) -> Metrics[Value]:
    """The arithmetic mean over windows of each metric, RMSE included (AWS: SUMMARY); undefined windows are skipped."""
    return Metrics(*[defined_mean(np.stack(values), axis=0) for values in zip(*map(astuple, windows))])


def seasonal_error(history: np.ndarray, season: int) -> np.ndarray:
    """(n,) MASE's denominator: mean |Y_t - Y_(t-m)| over the training part (n, T); NaN where there is no such pair."""
    return defined_mean(np.abs(history[:, season:] - history[:, :-season]), axis=1)


def _losses(actual: np.ndarray, predicted: Prediction, levels: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """The numerator of wQL, (n, H, Q), and the mean forecast's absolute error, (n, H)."""
    over = actual[:, :, None] - predicted.quantiles
    tau = np.asarray(levels, float)
    return 2 * np.maximum(tau * over, (tau - 1) * over), np.abs(actual - predicted.mean)


def _over(loss: np.ndarray, total: np.ndarray) -> np.ndarray:
    """loss / total, or the loss itself where the actual values sum to about zero, as the guide says."""
    return loss / np.where(np.abs(total) < NEARLY_ZERO, 1.0, total)


def _percentage(error: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """|e / A|, NaN where A is zero: there the percentage is not defined."""
    return np.divide(error, np.abs(actual), out=np.full(error.shape, np.nan), where=np.abs(actual) >= NEARLY_ZERO)


def _scaled(error: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(n,) mean |e| over the seasonal error; not defined for a series that never differed from its last season."""
    return error.mean(axis=1) / np.where(scale >= NEARLY_ZERO, scale, np.nan)


@overload
def defined_mean(values: np.ndarray, axis: None = None) -> float: ...


@overload
def defined_mean(values: np.ndarray, axis: int) -> Any: ...


def defined_mean(values: np.ndarray, axis: int | None = None) -> Any:
    """The mean of the defined values, NaN if there are none (numpy's nanmean warns about that)."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=axis)
    total = np.where(defined, values, 0.0).sum(axis=axis)
    mean = np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
    return float(mean) if mean.ndim == 0 else mean
