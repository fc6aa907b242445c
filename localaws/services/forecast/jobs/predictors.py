"""The training of predictors, in a process of its own: files in, files out."""

import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from localaws.errors import JobFailed
from localaws.jobs import Result, report
from localaws.services.forecast import artifacts
from localaws.services.forecast.jobs.panels import panel_of
from localaws.services.forecast.private import Datasets, Settings
from storecast_engines.forecasting import (
    ALGORITHMS,
    NEURAL,
    UNAVAILABLE,
    NotInstalled,
    autopredictor,
    exports,
    metrics,
    tuning,
)
from storecast_engines.forecasting.autopredictor import Predictor
from storecast_engines.forecasting.panel import Panel


@dataclass(frozen=True)
class TrainPredictor:
    """`auto`: an AutoPredictor, not one of CreatePredictor."""

    datasets: Datasets
    settings: Settings
    auto: bool
    destination: Path


def train_predictor(job: TrainPredictor) -> Result:
    settings, auto = job.settings, job.auto
    horizon, types = settings["horizon"], settings["types"]
    panel = panel_of(job.datasets, settings)
    _check_horizon(panel, horizon, 3 if settings.get("retrained") or not auto else 4)
    options: dict[str, Any] = {key: value for key in ("windows", "offset") if (value := settings.get(key))}
    train = partial(
        autopredictor.train,
        panel,
        horizon,
        exports.levels_of(types),
        metric=settings["metric"],
        workers=os.cpu_count() or 1,
        progress=report,
        **options,
    )
    chosen: dict[str, Any] = {}
    try:
        if settings.get("auto_ml"):
            parts = len(settings["members"])
            predictors = [
                train(algorithms=[name], progress=partial(_report_part, at, parts))
                for at, name in enumerate(settings["members"])
            ]
            predictors.sort(key=_average_wql)
        elif auto:
            predictors = [train()]
        else:
            (name,) = settings["members"]
            hyperparameters = _hyperparameters(name, panel, settings, options)
            predictors = [train(algorithms=[name], hyperparameters={name: hyperparameters})]
            if name in TRAINED_WITH:
                chosen["TrainingParameters"] = _shown(name, hyperparameters, horizon)
    except NotInstalled as error:
        raise JobFailed(how_to_install(error)) from None
    except ValueError as error:
        raise JobFailed(str(error)) from None
    predictor = predictors[0]
    _check_windows(predictor, panel)
    artifacts.save_predictor(job.destination, predictor)
    about = _members_message(predictor) if auto else _weighed(predictors) if settings.get("auto_ml") else ""
    evaluations = [_evaluation(each, panel, types, auto) for each in predictors]
    if not auto:
        chosen["AutoMLAlgorithmArns"] = [evaluations[0]["AlgorithmArn"]]
    notes = " ".join([about, *panel.messages, *predictor.messages]).strip()
    return Result(chosen, {"evaluation": evaluations}, notes)


def _report_part(at: int, parts: int, share: float, what: str) -> None:
    report((at + share) / parts, what)


def _hyperparameters(name: str, panel: Panel, settings: Settings, options: dict) -> dict[str, Any]:
    """Those given, and with HPO those found."""
    given, ranges = settings["hyperparameters"], settings["ranges"]
    if ranges and name in ALGORITHMS:  # training says of one that is not installed how to install it
        space = _search_space(ranges, given)
        given = tuning.tune(
            name, panel, settings["horizon"], exports.levels_of(settings["types"]), space, fixed=given, **options
        )
    return given


# the modules of the algorithms that have TrainingParameters in the guide
TRAINED_WITH = {"NPTS": "npts", **NEURAL}


def _shown(name: str, hyperparameters: dict[str, Any], horizon: int) -> dict[str, str]:
    """All TrainingParameters of an algorithm as DescribePredictor has them, also those left at their defaults.

    One whose default follows from the data (context_length) is left out.
    """
    function = inspect.signature(import_module(f"storecast_engines.forecasting.{TRAINED_WITH[name]}").forecast)
    defaults = {key: each.default for key, each in function.parameters.items() if each.kind == each.KEYWORD_ONLY}
    values = defaults | {"prediction_length": horizon} | hyperparameters
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in values.items()
        if value is not None
    }


def _search_space(ranges: dict, given: dict) -> dict[str, tuning.NumericRange | tuning.Choices]:
    """docs/aws-sources.md#forecast-API_ParameterRanges's members as the engine takes them; what TrainingParameters set
    is not searched."""
    space: dict[str, tuning.NumericRange | tuning.Choices] = {
        each["Name"]: tuning.Choices(tuple(each["Values"])) for each in ranges.get("CategoricalParameterRanges", [])
    }
    for kind in ("ContinuousParameterRanges", "IntegerParameterRanges"):
        for each in ranges.get(kind, []):
            scale = each.get("ScalingType", "Auto")
            whole = kind == "IntegerParameterRanges"
            space[each["Name"]] = tuning.NumericRange(each["MinValue"], each["MaxValue"], scale, whole)
    return {name: choice for name, choice in space.items() if name not in given}


def _average_wql(predictor: Predictor) -> float:
    """AutoML's yardstick: the mean wQL over quantiles and windows; a predictor without one comes last."""
    loss = predictor.backtest.summary().average_wql
    return np.inf if np.isnan(loss) else loss


def how_to_install(error: NotInstalled) -> str:
    """The engines' message, and what it comes to in this repository."""
    return f"{error}, or here `make {error.extra}`, then restart the embedded AWS"


def _check_horizon(panel: Panel, horizon: int, part: int) -> None:
    """The lesser of 500 time steps and 1/4 of the target's length, or 1/3 for a legacy or a retrained predictor.

    Sources: docs/aws-sources.md#forecast-API_CreateAutoPredictor, docs/aws-sources.md#forecast-API_CreatePredictor.
    """
    longest = min(500, len(panel.timestamps) // part)
    if horizon > longest:
        raise JobFailed(
            f"ForecastHorizon {horizon} is too long: the target time series has {len(panel.timestamps)} time steps, so "
            f"it may be at most {longest} (the lesser of 500 and 1/{part} of them)"
        )


def _check_windows(predictor: Predictor, panel: Panel) -> None:
    """At least one item must have all of its values in each backtest window; the text is a recorded one."""
    run = predictor.backtest
    step = panel.future(1)[0] - panel.timestamps[-1]
    for count, window in zip(run.item_counts(), run.timestamps, strict=True):
        if not count:
            raise JobFailed(
                "Unable to evaluate this dataset because there is missing data in the evaluation window for all items. "
                "Ensure that there is complete data for at least one item in the evaluation window starting from "
                f"{pd.Timestamp(window[0]):%Y-%m-%dT%H:%M:%S} up to {pd.Timestamp(window[-1]) + step:%Y-%m-%dT%H:%M}."
            )


def _members_message(predictor: Predictor) -> str:
    weights = predictor.weights.mean(axis=(0, 2))
    shares = ", ".join(f"{name} {weight:.0%}" for name, weight in zip(predictor.algorithms, weights))
    return f"Mean weight per model: {shares}."


def _weighed(predictors: Sequence[Predictor]) -> str:
    """What AutoML compared, the best first, and what it could not."""
    losses = ", ".join(f"{each.algorithms[0]} {_average_wql(each):.4f}" for each in predictors)
    missing = "; ".join(how_to_install(NotInstalled(*each)) for each in UNAVAILABLE.items())
    return f"Average wQL in backtest: {losses}." + (f" Not compared: {missing}." if missing else "")


def _evaluation(predictor: Predictor, panel: Panel, types: list[str], auto: bool) -> dict:
    """An EvaluationResult; AutoPredictors show their SUMMARY only, as the service's saved answers do."""
    run = predictor.backtest
    step = panel.future(1)[0] - panel.timestamps[-1]
    ends = [pd.Timestamp(window[-1]) + step for window in run.timestamps]
    windows: list[dict[str, Any]] = [
        {"EvaluationType": "SUMMARY", "Metrics": _metrics(run.summary(), run.levels, types)}
    ]
    if auto:
        return {"TestWindows": windows}
    for at, window in enumerate(run.window_metrics()):
        windows.append(
            {
                "EvaluationType": "COMPUTED",
                "TestWindowStart": pd.Timestamp(run.timestamps[at][0]).timestamp(),
                "TestWindowEnd": ends[at].timestamp(),
                "ItemCount": int(run.item_counts()[at]),
                "Metrics": _metrics(window, run.levels, types),
            }
        )
    return {"AlgorithmArn": f"arn:aws:forecast:::algorithm/{predictor.algorithms[0]}", "TestWindows": windows}


def _metrics(values: metrics.Metrics, levels: tuple[float, ...], types: list[str]) -> dict:
    errors = {"WAPE": values.wape, "RMSE": values.rmse, "MAPE": values.mape, "MASE": values.mase}
    return _defined(
        {
            "RMSE": values.rmse,
            "WeightedQuantileLosses": [
                {"Quantile": level, "LossValue": float(loss)}
                for level, loss in sorted(zip(levels, values.wql), reverse=True)
            ],
            "ErrorMetrics": [{"ForecastType": "mean", **_defined(errors)}],
            "AverageWeightedQuantileLoss": values.average_wql,
        }
    )


def _defined(values: dict) -> dict:
    return {name: value for name, value in values.items() if not (isinstance(value, float) and np.isnan(value))}
