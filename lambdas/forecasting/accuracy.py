"""What the backtests say beside the service's own metrics: bias, and the seasonal naive forecast as a yardstick."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from forecasting.history import History, Key, Steps, series_key
from forecasting.payload import AccuracyRow, Run
from storecast_engines.time_steps import season_length


@dataclass
class Backtest:
    """Backtest windows: what was there, and what the predictor expected (mean, or median where there is no mean).

    A window goes by its first time step.
    """

    actual: dict[int, dict[Key, dict[int, float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    expected: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    total: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    error: dict[Key, float] = field(default_factory=lambda: defaultdict(float))  # absolute, summed


def collect(records: Iterable[dict[str, str]], event: Run, steps: Steps) -> Backtest:
    found = Backtest()
    for record in records:
        if not record["target_value"]:
            continue
        key, window = series_key(record, event), steps.number(record["backtestwindow_start_time"])
        actual, expected = float(record["target_value"]), float(record.get("mean") or record["p50"])
        found.actual[window][key][steps.number(record["timestamp"])] = actual
        found.total[key] += actual
        found.expected[key] += expected
        found.error[key] += abs(actual - expected)
    return found


def bias(backtest: Backtest, key: Key | None = None) -> float | None:
    """(expected - actual) / actual over the backtests, of one series or of all; None where nothing was sold."""
    keys = backtest.total if key is None else [key]
    actual = sum(backtest.total.get(k, 0.0) for k in keys)
    return (sum(backtest.expected.get(k, 0.0) for k in keys) - actual) / actual if actual else None


def wape(backtest: Backtest, key: Key) -> float | None:
    """Absolute error / actual of one series over its backtests (docs/aws-sources.md#forecast-metrics); None where
    nothing was sold."""
    actual = backtest.total.get(key, 0.0)
    return backtest.error[key] / actual if actual else None


def worst_first(backtest: Backtest, history: History) -> list[Key]:
    """All series, those whose backtests missed by most units first: what a planner loses most by."""
    return sorted(history.first, key=lambda key: (-backtest.error.get(key, 0.0), -history.volume(key), key))


def quantile_loss(error: float, level: float) -> float:
    """Twice the loss of a forecast at the quantile `level` that was `error` too low
    (docs/aws-sources.md#forecast-metrics)."""
    return 2 * max(level * error, (level - 1) * error)


def naive_sources(backtest: Backtest, history: History, frequency: str) -> dict[int, dict[int, int]]:
    """Per window, for each of its steps: the step of the season before it that the seasonal naive repeats.

    A window is left out if the history has no whole season before it.
    """
    season = season_length(frequency)
    return {
        window: {step: window - season + (step - window) % season for values in series.values() for step in values}
        for window, series in backtest.actual.items()
        if window - season >= history.start
    }


def seasonal_naive(
    backtest: Backtest, sources: dict[int, dict[int, int]], history: History, quantiles: list[str], frequency: str
) -> AccuracyRow | None:
    """The yardstick's metrics over the same windows (docs/aws-sources.md#forecast-metrics: wQL and WAPE per window,
    then the mean over windows).

    Where the season before has no value, the newest one of that place in the season counts, then the newest one at all,
    then zero, as in the engines.
    """
    season = season_length(frequency)
    levels = [float(q) for q in quantiles if q != "mean"]
    windows = []
    for window, source in sources.items():
        losses, absolute, weight = [0.0] * len(levels), 0.0, 0.0
        for key, values in backtest.actual[window].items():
            for step, actual in values.items():
                expected = history.newest(key, source[step], season)
                if expected is None:
                    expected = history.newest(key, window - 1, 1) or 0.0
                error = actual - expected
                absolute, weight = absolute + abs(error), weight + abs(actual)
                losses = [loss + quantile_loss(error, level) for loss, level in zip(losses, levels, strict=True)]
        if weight:
            windows.append([*(loss / weight for loss in losses), absolute / weight])
    if not windows:
        return None
    *wql, wape = [sum(column) / len(windows) for column in zip(*windows, strict=True)]
    return {
        "algorithm": "Seasonal naive",
        "yardstick": True,
        "AverageWeightedQuantileLoss": sum(wql) / len(wql),
        **{f"wQL[{level}]": loss for level, loss in zip(levels, wql, strict=True)},
        "WAPE": wape,
    }
