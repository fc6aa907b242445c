"""Hyperparameter tuning: a few settings are drawn from ranges, the one with the smallest backtest loss wins.

The guide says which hyperparameters are tuned and on what scales (Amazon Forecast API, ParameterRanges, and the pages
of CNN-QR and DeepAR+), not how the service searches. Here the trials are a Latin hypercube: each takes another part of
every range, the parts matched at random. Source: McKay, Beckman and Conover, "A comparison of three methods for
selecting values of input variables" (1979).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from storecast_engines.forecasting.algorithms import ALGORITHMS
from storecast_engines.forecasting.backtest import backtest, window_starts
from storecast_engines.forecasting.panel import Panel

TRIALS = 5  # a network takes a minute for each
SEED = 7
WIDE = 10  # ratio of its ends from which a range of scale Auto is searched logarithmically


@dataclass(frozen=True)
class NumericRange:
    """A range, both ends included; `scale` is Auto, Linear, Logarithmic or ReverseLogarithmic, `whole`: integers only.

    >>> NumericRange(1, 100, "Logarithmic").value_at(0.5)
    10.0
    """

    low: float
    high: float
    scale: str = "Auto"
    whole: bool = False

    def value_at(self, place: float) -> float | int:
        """The value at a place of the range, 0 <= place < 1, on its scale."""
        scale = self.scale
        if scale == "Auto":
            scale = "Logarithmic" if self.low > 0 and self.high / self.low >= WIDE else "Linear"
        if scale == "Linear":
            value = self.low + place * (self.high - self.low)
        elif scale == "Logarithmic":
            value = self.low * (self.high / self.low) ** place
        else:
            value = 1 - (1 - self.low) * ((1 - self.high) / (1 - self.low)) ** place
        return round(value) if self.whole else float(value)


@dataclass(frozen=True)
class Choices:
    """Values to choose from."""

    values: tuple[Any, ...]

    def value_at(self, place: float) -> Any:
        """The value at a place of the list, 0 <= place < 1."""
        return self.values[int(place * len(self.values))]


def tune(
    algorithm: str,
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    space: Mapping[str, NumericRange | Choices],
    *,
    fixed: Mapping[str, Any],
    windows: int = 1,
    offset: int | None = None,
) -> dict[str, Any]:
    """`fixed` and the drawn settings with the least average wQL on the horizon before the backtest windows.

    The windows themselves are not used: they stay an out-of-sample test of the choice.

    Raises ValueError if the history is too short for one more window, or the algorithm refuses a setting.
    """
    before = panel.cut(window_starts(panel.target.shape[1], horizon, windows, offset)[-1])
    starts = window_starts(before.target.shape[1], horizon)
    rng = np.random.default_rng(SEED)
    places = {name: (rng.permutation(TRIALS) + rng.random(TRIALS)) / TRIALS for name in space}
    drawn = [{name: choice.value_at(places[name][trial]) for name, choice in space.items()} for trial in range(TRIALS)]
    losses = [_loss(algorithm, before, horizon, levels, starts, {**fixed, **each}) for each in drawn]
    return {**fixed, **drawn[int(np.argmin(losses))]}


def _loss(
    algorithm: str, panel: Panel, horizon: int, levels: Sequence[float], starts: Sequence[int], settings: dict[str, Any]
) -> float:
    """The average wQL; infinite where it is not defined, so that such a trial cannot win."""
    loss = backtest(ALGORITHMS[algorithm], panel, horizon, levels, starts, **settings).summary().average_wql
    return np.inf if np.isnan(loss) else loss
