"""Predictors: trained once, they forecast later. An AutoPredictor is an ensemble with weights for each series.

The guide says only that AutoPredictor applies "the optimal combination of algorithms to each time series"
(https://docs.aws.amazon.com/forecast/latest/dg/howitworks-predictor.html); how it is done here is in ensemble.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd

from storecast_engines.forecasting import algorithms as registry
from storecast_engines.forecasting import ensemble
from storecast_engines.forecasting.algorithms import ALGORITHMS, NEURAL
from storecast_engines.forecasting.backtest import Backtest, backtest, earlier_starts, window_starts
from storecast_engines.forecasting.cold_start import forecast_from_similar, without_history
from storecast_engines.forecasting.frequency import parse
from storecast_engines.forecasting.metrics import FIELD, Metrics
from storecast_engines.forecasting.panel import Panel, Prediction

# The slow models take part up to this many series. The costs are CPU seconds for one series of a year of days and one
# fit: ARIMA 0.4, ten times as much for some; ETS 0.2 to 0.4, MSTL 0.03. Beyond, ARIMA is left out, ETS is searched
# without trend (0.02), and MSTL's trend is not searched but plain exponential smoothing (0.007); only within the day it
# has a slope, which M4's hourly series need.
FEW_SERIES = 10
# A single window can mislead: two were better on the recorded cases and most of M4's windows (benchmarks/README.md).
ENSEMBLE_WINDOWS = 2
# What a fit costs beside the others: milliseconds of CPU for a daily series of two years, and for all series together.
# It serves the estimate of the time remaining only.
_COST = {"ARIMA": (400, 0), "ETS": (17, 0), "LightGBM": (0.5, 6_000), "MSTL": (3, 0), "Prophet": (2_000, 0)}
_COST |= {"CNN-QR": (0, 30_000), "Deep_AR_Plus": (0, 300_000)}
# With few series the extras take part too, where they are installed and most series have this many values, as AWS's
# samples ask before deep learning or Prophet (docs/aws-sources.md#samples-ForecastCheatSheet). One fit of CNN-QR takes
# 30 to 60 CPU seconds. On many series it made AutoPredictor slightly worse (benchmarks/README.md); Deep_AR_Plus takes
# five minutes: never.
LONG = 300


@dataclass(frozen=True)
class Predictor:
    """The result of training: ensemble weights. The models themselves are fitted again for each forecast."""

    algorithms: tuple[str, ...]  # (A,) names in ALGORITHMS
    hyperparameters: dict[str, dict[str, Any]]  # by algorithm, JSON values
    keys: pd.DataFrame  # (n, 1+d) the series that the weights' rows belong to
    weights: np.ndarray  # (n, A, Q+1) of each quantile level and, last, of the mean; sums to one over the algorithms
    metric: str  # the OptimizationMetric
    leaderboard: dict[str, dict[str, float]]  # algorithm (and "AutoPredictor") -> metric -> SUMMARY value
    backtest: Backtest  # of the ensemble
    messages: tuple[str, ...] = ()


def train(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    algorithms: Sequence[str] | None = None,
    metric: str = ensemble.AVERAGE_WQL,
    windows: int = 1,
    offset: int | None = None,
    hyperparameters: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int = 1,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> Predictor:
    """Backtest the algorithms and learn the ensemble weights; `algorithms=("ETS",)` trains that one alone.

    `algorithms` and `hyperparameters` (by algorithm) default to `default_algorithms`. `metric` is the
    OptimizationMetric (ensemble.py). Weights are learned from at least ENSEMBLE_WINDOWS windows, where the history has
    room for them. The backtest's own metrics, of the `windows` asked for, are out of sample: no part of it is weighted
    by its own outcome (`ensemble.out_of_sample`), while the weights kept are learned from all windows. `progress` is
    called with the share of the work that is done, and what it is: after each fit, and within the long ones.

    Raises NotInstalled for an algorithm whose extra is missing; ValueError for an unknown algorithm or metric, or a
    history too short for the windows (`backtest.window_starts`).
    """
    panel = panel.series(~without_history(panel))  # there is nothing to compare a forecast of the others with
    if metric not in FIELD:
        raise ValueError(f"unknown OptimizationMetric {metric!r}, allowed are {', '.join(FIELD)}")
    settings = settings_of(panel, algorithms, hyperparameters)
    starts = training_starts(panel.target.shape[1], horizon, windows, offset, ensemble=len(settings) > 1)
    fitted = _reporting(settings, len(panel.keys), len(starts), progress)

    def counted(name: str, *arguments: Any, **options: Any) -> Prediction:
        prediction = ALGORITHMS[name](*arguments, **options)
        fitted(name, 1)
        return prediction

    runs = {
        name: backtest(
            partial(counted, name), panel, horizon, levels, starts, **_options(name, settings, workers, fitted)
        )
        for name in settings
    }
    combined = ensemble.out_of_sample(runs, metric).newest(windows)
    leaderboard = {name: by_metric(run.newest(windows).summary()) for name, run in runs.items()}
    if len(runs) > 1:
        leaderboard["AutoPredictor"] = by_metric(combined.summary())
    return Predictor(
        tuple(settings),
        settings,
        panel.keys,
        ensemble.weights(runs, ensemble.all_parts(len(starts)), metric),
        metric,
        leaderboard,
        combined,
        panel.messages,
    )


def settings_of(
    panel: Panel, algorithms: Sequence[str] | None, hyperparameters: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, dict[str, Any]]:
    """The hyperparameters of each algorithm that is trained. Raises as `train`."""
    given = {name: {} for name in algorithms} if algorithms else default_algorithms(panel)
    for name in (*given, *(hyperparameters or {})):
        registry.check(name)
    return {name: {**defaults, **(hyperparameters or {}).get(name, {})} for name, defaults in given.items()}


def training_starts(steps: int, horizon: int, windows: int, offset: int | None, *, ensemble: bool) -> list[int]:
    """The starts of all windows that are backtested, the `windows` asked for first. Raises as `window_starts`."""
    starts = window_starts(steps, horizon, windows, offset)
    return starts + (earlier_starts(starts, horizon, ENSEMBLE_WINDOWS - windows) if ensemble else [])


def predict(
    predictor: Predictor,
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    workers: int = 1,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> Prediction:
    """Fit the models that have weight on the whole panel and average their forecasts with the trained weights.
    `progress` is called as in `train`.

    Any levels may be asked for: each takes the weights of the nearest trained level. A series without history is
    forecast by the networks themselves, and for the other models from similar series (cold_start.py); the service
    forecasts such items with CNN-QR and DeepAR+ only.

    Raises NotInstalled if an extra that has weight was installed in training and is not any more.
    """
    weights = ensemble_weights(predictor, panel)[:, :, nearest(predictor.backtest.levels, levels)]
    used = np.flatnonzero(weights.any(axis=(0, 2)))
    predictions, names = [], [predictor.algorithms[a] for a in used]
    fitted = _reporting(dict.fromkeys(names), len(panel.keys), 1, progress)
    for name in names:
        registry.check(name)
        found = ALGORITHMS[name](panel, horizon, levels, **_options(name, predictor.hyperparameters, workers, fitted))
        fitted(name, 1)
        predictions.append(found if name in NEURAL else forecast_from_similar(panel, found))
    return ensemble.blend(weights[:, used], predictions, levels)


def ensemble_weights(predictor: Predictor, panel: Panel) -> np.ndarray:
    """(n, A, Q+1) of the panel's series; one that was not there in training takes the mean of all series' weights."""
    known = pd.MultiIndex.from_frame(predictor.keys).get_indexer(pd.MultiIndex.from_frame(panel.keys))
    return np.where(known[:, None, None] >= 0, predictor.weights[known], predictor.weights.mean(axis=0))


def default_algorithms(panel: Panel) -> dict[str, dict[str, Any]]:
    """Algorithms and their hyperparameters for a panel of this size.

    The slow ones only for few series, the extras only if these are long.
    """
    chosen: dict[str, dict[str, Any]] = {"SeasonalNaive": {}, "NPTS": {}, "MSTL": {}, "LightGBM": {}, "ETS": {}}
    if len(panel.target) > FEW_SERIES:
        within_the_day = parse(panel.freq)[1] in ("H", "min")
        return chosen | {"ETS": {"model": "ZNZ"}, "MSTL": {"trend": "AZN" if within_the_day else "ANN"}}
    long = np.median((~np.isnan(panel.target)).sum(axis=1)) >= LONG
    extras = [name for name in ("CNN-QR", "Prophet") if long and name in ALGORITHMS]
    return chosen | {name: {} for name in ("ARIMA", *extras)}


def to_parts(predictor: Predictor) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A dict for json.dump and arrays for np.savez: a predictor is stored without pickle."""
    run = predictor.backtest
    document = {name: getattr(predictor, name) for name in ("hyperparameters", "metric", "leaderboard")}
    document |= {
        "algorithms": list(predictor.algorithms),
        "levels": list(run.levels),
        "messages": list(predictor.messages),
        "keys": predictor.keys.to_dict("list"),
    }
    arrays = {f.name: getattr(run, f.name) for f in fields(run) if f.name != "levels"}
    return document, arrays | {"weights": predictor.weights}


def from_parts(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
    """The inverse of `to_parts`; `arrays` may be what np.load returns (allow_pickle=False)."""
    run = {f.name: arrays[f.name] for f in fields(Backtest) if f.name != "levels"}
    return Predictor(
        tuple(document["algorithms"]),
        dict(document["hyperparameters"]),
        pd.DataFrame(document["keys"]),
        arrays["weights"],
        document["metric"],
        dict(document["leaderboard"]),
        Backtest(levels=tuple(document["levels"]), **run),
        tuple(document["messages"]),
    )


def nearest(trained: Sequence[float], levels: Sequence[float]) -> list[int]:
    """Which of the Q+1 weights serve each level, and the mean's; a predictor of the mean alone has no others."""
    at = [int(np.abs(np.subtract(trained, level)).argmin()) if len(trained) else -1 for level in levels]
    return [*at, -1]


def _reporting(
    settings: Mapping[str, Any], series: int, windows: int, progress: Callable[[float, str], None]
) -> Callable[[str, float], None]:
    """What is called with an algorithm and the share of its fit that is done; 1 ends the fit."""
    costs = {name: each * series + fixed + 1 for name, (each, fixed) in ((n, _COST.get(n, (0, 0))) for n in settings)}
    total, fits = windows * sum(costs.values()), windows * len(settings)
    before, ended = 0.0, 0

    def report(name: str, share: float) -> None:
        nonlocal before, ended
        done = before + share * costs[name]
        if share < 1:
            progress(done / total, f"{name}: {share:.0%} of a fit over {series:,} series done")
            return
        before, ended = done, ended + 1
        progress(done / total, f"{name} fitted, {ended} of {fits} fits")

    return report


def _options(
    name: str,
    settings: Mapping[str, Mapping[str, Any]],
    workers: int,
    progress: Callable[[str, float], None] = lambda name, share: None,
) -> dict[str, Any]:
    known = signature(ALGORITHMS[name]).parameters
    options = {"workers": workers, "progress": lambda share: progress(name, share) if share < 1 else None}
    return {**settings[name], **{option: value for option, value in options.items() if option in known}}


def by_metric(summary: Metrics[float]) -> dict[str, float]:
    """The metrics under their names as an OptimizationMetric."""
    return {metric: float(getattr(summary, field)) for metric, field in FIELD.items()}
