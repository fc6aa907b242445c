"""Predictors: trained once, they forecast later. An AutoPredictor weighs several algorithms for each series.

The guide says only that AutoPredictor applies "the optimal combination of algorithms to each time series"
(howitworks-predictor.md); how is ours, see ensemble.py.
"""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd

from storecast_engines.forecasting import ALGORITHMS, NEURAL, UNAVAILABLE, ensemble
from storecast_engines.forecasting.backtest import backtest, further_starts, window_starts
from storecast_engines.forecasting.cold_start import forecast_of_likes, without_history
from storecast_engines.forecasting.frequency import parse
from storecast_engines.forecasting.metrics import FIELD, Metrics
from storecast_engines.forecasting.panel import Panel, Prediction
from storecast_engines.forecasting.trained import Trained

# Up to so many series the slow take part. The costs are CPU seconds for one series of a year of days and one fit: ARIMA
# 0.4, ten times as much for some; ETS 0.2 to 0.4, MSTL 0.03. Beyond, ARIMA stays away, ETS is searched without trend
# (0.02), and MSTL's trend is not searched but plain exponential smoothing (0.007); only within the day it has a slope,
# which M4's hourly series need.
FEW_SERIES = 10
# A single window can mislead: two were better on the recorded cases and most of M4's windows (benchmarks/README.md).
WEIGHED = 2
# Of the slow also the extras, where they are installed and most series have so many values, as AWS's samples ask before
# deep learning or Prophet (ForecastCheatSheet.md). One fit of CNN-QR takes 30 to 60 CPU seconds. On many series it made
# AutoPredictor slightly worse (benchmarks/README.md); Deep_AR_Plus takes five minutes and stays away.
LONG = 300


def train(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    members: Sequence[str] | None = None,
    metric: str = "AverageWeightedQuantileLoss",
    windows: int = 1,
    offset: int | None = None,
    hyperparameters: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int = 1,
) -> Trained:
    """Backtest the members and weigh them; `members=("ETS",)` trains that one algorithm.

    `members` and `hyperparameters` (by algorithm) default to `default_members`. `metric` is the OptimizationMetric
    (ensemble.py). Members are weighed on at least WEIGHED windows, where the history has room for them. The backtest's
    own metrics, of the `windows` asked for, are honest: no part of it is weighed by its own outcome (ensemble.honest),
    while the weights kept are learned from all windows.
    ValueError: a member that is unknown or cannot run here, an unknown metric, or a history too short for the windows
    (backtest.window_starts).
    """
    panel = panel.series(~without_history(panel))  # there is nothing to compare a forecast of the others with
    given = {name: {} for name in members} if members else default_members(panel)
    unknown = [name for name in (*given, *(hyperparameters or {})) if name not in ALGORITHMS]
    if unknown:
        allowed = f"unknown algorithm {unknown[0]!r}, allowed are {', '.join(ALGORITHMS)}"
        raise ValueError(UNAVAILABLE.get(unknown[0], allowed))
    if metric not in FIELD:
        raise ValueError(f"unknown OptimizationMetric {metric!r}, allowed are {', '.join(FIELD)}")
    settings = {name: {**defaults, **(hyperparameters or {}).get(name, {})} for name, defaults in given.items()}
    starts = window_starts(panel.target.shape[1], horizon, windows, offset)
    if len(settings) > 1:
        starts += further_starts(starts, horizon, WEIGHED - windows)
    runs = {
        name: backtest(ALGORITHMS[name], panel, horizon, levels, starts, **_options(name, settings, workers))
        for name in settings
    }
    run = ensemble.honest(runs, metric).newest(windows)
    leaderboard = {name: _named(member.newest(windows).summary()) for name, member in runs.items()}
    if len(runs) > 1:
        leaderboard["AutoPredictor"] = _named(run.summary())
    return Trained(
        tuple(settings),
        settings,
        panel.keys,
        ensemble.weights(runs, ensemble.whole(len(starts)), metric),
        metric,
        leaderboard,
        run,
        panel.messages,
    )


def predict(trained: Trained, panel: Panel, horizon: int, levels: Sequence[float], *, workers: int = 1) -> Prediction:
    """The members that weigh something, fitted on the whole panel and averaged with the trained weights.

    Any levels may be asked for: each is weighed as the nearest one of training. A series without history is forecast
    by the networks themselves, by the other members from its likes (likeness.py); the service forecasts such items
    with CNN-QR and DeepAR+ only (aws-forecast-choosing-recipes.md).
    ValueError: an extra that weighs something was installed in training and is not any more.
    """
    weights = weights_of(trained, panel)[:, :, _nearest(trained.backtest.levels, levels)]
    used = np.flatnonzero(weights.any(axis=(0, 2)))
    members = []
    for name in (trained.algorithms[a] for a in used):
        if name in UNAVAILABLE:
            raise ValueError(UNAVAILABLE[name])
        member = ALGORITHMS[name](panel, horizon, levels, **_options(name, trained.hyperparameters, workers))
        members.append(member if name in NEURAL else forecast_of_likes(panel, member))
    return ensemble.blend(weights[:, used], members, levels)


def _nearest(learned: Sequence[float], levels: Sequence[float]) -> list[int]:
    """Which of the Q+1 weights serve each level, and the mean's; a predictor of the mean alone has no others."""
    at = [int(np.abs(np.subtract(learned, level)).argmin()) if len(learned) else -1 for level in levels]
    return [*at, -1]


def weights_of(trained: Trained, panel: Panel) -> np.ndarray:
    """(n, A, Q+1) of the panel's series; one that was not there in training takes the mean of all series' weights."""
    known = pd.MultiIndex.from_frame(trained.keys).get_indexer(pd.MultiIndex.from_frame(panel.keys))
    return np.where(known[:, None, None] >= 0, trained.weights[known], trained.weights.mean(axis=0))


def default_members(panel: Panel) -> dict[str, dict[str, Any]]:
    """Members and hyperparameters for a panel of this size: the slow only for few series, extras if those are long."""
    members: dict[str, dict[str, Any]] = {"SeasonalNaive": {}, "NPTS": {}, "MSTL": {}, "LightGBM": {}, "ETS": {}}
    if len(panel.target) > FEW_SERIES:
        within_the_day = parse(panel.freq)[1] in ("H", "min")
        return members | {"ETS": {"model": "ZNZ"}, "MSTL": {"trend": "AZN" if within_the_day else "ANN"}}
    long = np.median((~np.isnan(panel.target)).sum(axis=1)) >= LONG
    extras = [name for name in ("CNN-QR", "Prophet") if long and name in ALGORITHMS]
    return members | {name: {} for name in ("ARIMA", *extras)}


def _options(name: str, settings: Mapping[str, Mapping[str, Any]], workers: int) -> dict[str, Any]:
    parallel = "workers" in signature(ALGORITHMS[name]).parameters
    return {**settings[name], **({"workers": workers} if parallel else {})}


def _named(summary: Metrics) -> dict[str, float]:
    return {metric: float(getattr(summary, field)) for metric, field in FIELD.items()}
