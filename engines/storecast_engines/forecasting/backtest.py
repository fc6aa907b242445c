"""Backtests: forecast the newest part of the history from what came before it, and compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from storecast_engines.forecasting import metrics
from storecast_engines.forecasting.frequency import season_length
from storecast_engines.forecasting.panel import Panel, Prediction


@dataclass(frozen=True)
class Backtest:
    """The forecasts of W windows, newest first, and the actual values; metrics are computed from these arrays."""

    levels: tuple[float, ...]
    timestamps: np.ndarray  # (W, H) datetime64, the steps of each window
    actual: np.ndarray  # (W, n, H), NaN = missing
    quantiles: np.ndarray  # (W, n, H, Q)
    mean: np.ndarray  # (W, n, H)
    scale: np.ndarray  # (W, n) MASE's denominator, from each window's training part

    def newest(self, windows: int) -> "Backtest":
        """The backtest of the newest windows alone."""
        return Backtest(self.levels, *(getattr(self, each.name)[:windows] for each in fields(self)[1:]))

    def prediction(self, window: int) -> Prediction:
        """The forecast of one window."""
        return Prediction(self.quantiles[window], self.mean[window])

    def window_metrics(self) -> list[metrics.Metrics[float]]:
        """One Metrics of numbers per window, pooled over the series (AWS: COMPUTED)."""
        return [
            metrics.pooled(self.actual[w], self.prediction(w), self.levels, self.scale[w])
            for w in range(len(self.actual))
        ]

    def item_metrics(self) -> list[metrics.Metrics[np.ndarray]]:
        """One Metrics of arrays (n,) per window."""
        return [
            metrics.per_item(self.actual[w], self.prediction(w), self.levels, self.scale[w])
            for w in range(len(self.actual))
        ]

    def summary(self) -> metrics.Metrics[float]:
        """The mean over the windows of each metric (AWS: SUMMARY)."""
        return metrics.average(self.window_metrics())

    def item_summary(self) -> metrics.Metrics[np.ndarray]:
        """The mean over the windows, with one value per series."""
        return metrics.average(self.item_metrics())

    def item_counts(self) -> list[int]:
        """Per window, the number of series without a missing value: only these count."""
        return (~np.isnan(self.actual).any(axis=2)).sum(axis=1).tolist()


def window_starts(steps: int, horizon: int, windows: int = 1, offset: int | None = None) -> list[int]:
    """First time step (counted from 0) of each backtest window of a history of `steps`, newest first.

    `windows` is NumberOfBacktestWindows (1-5), `offset` BackTestWindowOffset, counted from the end of the history
    (default the horizon): horizon <= offset < steps / 2 (Amazon Forecast API, EvaluationParameters). Each next window
    begins one horizon earlier, as in the service's exports.

    Raises ValueError if a rule is broken or the history is too short.

    >>> window_starts(100, 14, windows=2)
    [86, 72]
    """
    offset = horizon if offset is None else offset
    if not 1 <= windows <= 5:
        raise ValueError(f"NumberOfBacktestWindows is {windows}, allowed are 1 to 5")
    if horizon < 1 or not horizon <= offset < steps / 2:
        raise ValueError(
            f"BackTestWindowOffset is {offset}: it must be at least the forecast horizon ({horizon}) and "
            f"less than half of the target time series' {steps} time steps"
        )
    starts = [steps - offset - window * horizon for window in range(windows)]
    if starts[-1] < horizon:
        raise ValueError(
            f"{windows} backtest windows of {horizon} steps leave only {starts[-1]} of {steps} time steps "
            "to train on, fewer than one horizon: use fewer windows or a smaller offset"
        )
    return starts


def earlier_starts(starts: Sequence[int], horizon: int, windows: int) -> list[int]:
    """Starts of up to `windows` windows before those at `starts`, newest first; each leaves a horizon to train on."""
    return [start for at in range(windows) if (start := starts[-1] - (at + 1) * horizon) >= horizon]


def backtest(
    algorithm: Callable[..., Prediction],
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    starts: Sequence[int],
    **hyperparameters: Any,
) -> Backtest:
    """Run `algorithm` on the panel as it was before each of `starts`; keep the actual values beside its forecasts."""
    season = season_length(panel.freq)
    predictions = [algorithm(panel.cut(start), horizon, levels, **hyperparameters) for start in starts]
    return Backtest(
        levels=tuple(levels),
        timestamps=np.stack([panel.timestamps[start : start + horizon].to_numpy() for start in starts]),
        actual=np.stack([panel.target[:, start : start + horizon] for start in starts]),
        quantiles=np.stack([prediction.quantiles for prediction in predictions]),
        mean=np.stack([prediction.mean for prediction in predictions]),
        scale=np.stack([metrics.seasonal_error(panel.target[:, :start], season) for start in starts]),
    )
