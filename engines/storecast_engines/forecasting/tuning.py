"""Hyperparameter optimisation: a few settings drawn from ranges, the one with the smallest backtest loss wins.

The guide says which hyperparameters are tuned and on what scales (API_ParameterRanges.md and the pages of CNN-QR and
DeepAR+), not how the service searches. Here each trial takes its own part of every range, the parts matched at random:
McKay, Beckman and Conover, "A comparison of three methods for selecting values of input variables" (1979).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from storecast_engines.forecasting import ALGORITHMS
from storecast_engines.forecasting.backtest import backtest, window_starts
from storecast_engines.forecasting.panel import Panel

TRIALS = 5  # settings tried: a network takes a minute for each
SEED = 7
WIDE = 10  # from such a ratio of its ends on, a range of scale Auto is searched logarithmically


@dataclass(frozen=True)
class Numbers:
    """A range with both ends; `scale` is Auto, Linear, Logarithmic or ReverseLogarithmic, `whole` asks for integers."""

    low: float
    high: float
    scale: str = "Auto"
    whole: bool = False

    def at(self, place: float) -> float | int:
        """The value at that place of the range, 0 <= place < 1, on its scale."""
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
class Categories:
    values: tuple[Any, ...]

    def at(self, place: float) -> Any:
        return self.values[int(place * len(self.values))]


def tuned(
    algorithm: str,
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    space: Mapping[str, Numbers | Categories],
    *,
    fixed: Mapping[str, Any],
    windows: int = 1,
    offset: int | None = None,
) -> dict[str, Any]:
    """`fixed` and the drawn settings with the least average wQL on the horizon before the backtest windows.

    The windows themselves are not looked at: they stay an honest test of what is chosen. ValueError: the history is
    too short for one more window, or the algorithm refuses a setting.
    """
    before = panel.cut(window_starts(panel.target.shape[1], horizon, windows, offset)[-1])
    starts = window_starts(before.target.shape[1], horizon)
    rng = np.random.default_rng(SEED)
    places = {name: (rng.permutation(TRIALS) + rng.random(TRIALS)) / TRIALS for name in space}
    drawn = [{name: choice.at(places[name][trial]) for name, choice in space.items()} for trial in range(TRIALS)]
    losses = [_loss(algorithm, before, horizon, levels, starts, {**fixed, **each}) for each in drawn]
    return {**fixed, **drawn[int(np.argmin(losses))]}


def _loss(
    algorithm: str, panel: Panel, horizon: int, levels: Sequence[float], starts: Sequence[int], settings: dict[str, Any]
) -> float:
    """A loss that is not defined loses."""
    loss = backtest(ALGORITHMS[algorithm], panel, horizon, levels, starts, **settings).summary().average_wql
    return np.inf if np.isnan(loss) else loss
