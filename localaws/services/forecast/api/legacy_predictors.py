"""Legacy predictors: one algorithm with its hyperparameters, given or tuned, or the best of several (AutoML).

Sources: docs/aws-sources.md#forecast-API_CreatePredictor; of the algorithms
docs/aws-sources.md#forecast-aws-forecast-recipe-npts, docs/aws-sources.md#forecast-aws-forecast-algo-cnnqr and
docs/aws-sources.md#forecast-aws-forecast-recipe-deeparplus.
"""

from collections.abc import Callable
from typing import Any

from localaws.errors import invalid
from localaws.registration import Context
from localaws.services.forecast import schema
from localaws.services.forecast.api.predictors import legacy_transformations, predictor_shown_by, train
from localaws.services.forecast.resource_types import FORECAST, STATES
from storecast_engines.forecasting import ALGORITHMS, NEURAL

ALGORITHM_PREFIX = "arn:aws:forecast:::algorithm/"
# AutoML evaluates "each algorithm" (docs/aws-sources.md#forecast-API_CreatePredictor); AutoMLOverrideStrategy
# LatencyOptimized asks for little training time: here it leaves out the networks, which take minutes
OPTIONS = ("CNN-QR", "Deep_AR_Plus", "NPTS", "ETS", "ARIMA", "Prophet")  # in the order of the service's own message
AUTO_ML = ("ARIMA", "ETS", "NPTS", "Prophet", *NEURAL)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


# the TrainingParameters of the guide that the engines have, and what their text stands for; other algorithms have none
HYPERPARAMETERS: dict[str, dict[str, Callable[[str], Any]]] = {
    "NPTS": {
        "context_length": int,
        "kernel_type": str,
        "exp_kernel_weights": float,
        "use_seasonal_model": _boolean,
        "use_default_time_features": _boolean,
    },
    "CNN-QR": {"context_length": int, "use_related_data": str, "use_item_metadata": str, "epochs": int},
    "Deep_AR_Plus": {
        "context_length": int,
        "epochs": int,
        "learning_rate": float,
        "likelihood": str,
        "num_cells": int,
        "num_layers": int,
        "learning_rate_decay": float,
        "max_learning_rate_decays": int,
        "num_averaged_models": int,
    },
}
# HPO where HPOConfig says nothing: the same members as a ParameterRanges
TUNED: dict[str, dict[str, list[dict]]] = {
    "CNN-QR": {
        "IntegerParameterRanges": [{"Name": "context_length", "MinValue": 10, "MaxValue": 200}],
        "CategoricalParameterRanges": [
            {"Name": "use_related_data", "Values": ["ALL", "NONE", "HISTORICAL", "FORWARD_LOOKING"]},
            {"Name": "use_item_metadata", "Values": ["ALL", "NONE"]},
        ],
    },
    "Deep_AR_Plus": {
        "IntegerParameterRanges": [{"Name": "context_length", "MinValue": 1, "MaxValue": 200}],
        "ContinuousParameterRanges": [{"Name": "learning_rate", "MinValue": 0.0001, "MaxValue": 0.1}],
    },
}


def create_predictor(context: Context, params: dict) -> dict:
    """One algorithm, named by its ARN, or with PerformAutoML the best of AWS's by mean wQL."""
    auto_ml = params.get("PerformAutoML", False)
    if auto_ml:
        _check_auto_ml(params)
    elif "AutoMLOverrideStrategy" in params:
        raise invalid("AutoMLOverrideStrategy is only valid when PerformAutoML is true")
    members = auto_ml_members(params.get("AutoMLOverrideStrategy")) if auto_ml else [_algorithm(params)]
    featurization = params["FeaturizationConfig"]
    config = params | {key: featurization[key] for key in featurization if key.startswith("Forecast")}
    evaluation = params.get("EvaluationParameters", {})
    _check_evaluation(evaluation, params["ForecastHorizon"])
    country = schema.holiday_country(
        [(each["Name"], each["Value"]) for each in params["InputDataConfig"].get("SupplementaryFeatures", [])]
    )
    return train(
        context,
        config,
        params["InputDataConfig"]["DatasetGroupArn"],
        legacy_transformations(featurization),
        {
            "members": members,
            "auto_ml": auto_ml,
            "country": country,
            "windows": evaluation.get("NumberOfBacktestWindows", 1),
            "offset": evaluation.get("BackTestWindowOffset"),
            "hyperparameters": _training_parameters(members[0], params.get("TrainingParameters", {})),
            "ranges": _ranges(members[0], params),
        },
        IsAutoPredictor=False,
        EvaluationParameters={"NumberOfBacktestWindows": 1, "BackTestWindowOffset": params["ForecastHorizon"]}
        | evaluation,
        PerformAutoML=auto_ml,
        PerformHPO=params.get("PerformHPO", False),
    )


def describe_predictor(context: Context, params: dict) -> dict:
    """With the filling where the request had none, and the backtests that have been run, once there are any."""
    predictor = predictor_shown_by(context, params["PredictorArn"], auto=False)
    shown = FORECAST.view(predictor)
    domain = FORECAST.get(context, "DatasetGroup", predictor.record["DatasetGroupArn"]).record["Domain"]
    default = {"Featurizations": [_filling(schema.DOMAINS[domain].target)]}
    shown["FeaturizationConfig"] = default | predictor.record["FeaturizationConfig"]
    if evaluation := predictor.private.get("evaluation"):
        shown["PredictorExecutionDetails"] = {"PredictorExecutions": [_execution(each) for each in evaluation]}
    return shown


def _filling(target: str) -> dict:
    """The featurization of the target that recorded answers show where the request had none."""
    methods = {"aggregation": "sum", "backfill": "zero", "frontfill": "none", "middlefill": "zero"}
    pipeline = [{"FeaturizationMethodName": "filling", "FeaturizationMethodParameters": methods}]
    return {"AttributeName": target, "FeaturizationPipeline": pipeline}


def _execution(evaluation: dict) -> dict:
    """docs/aws-sources.md#forecast-API_PredictorExecution, of an EvaluationResult."""
    windows = [each for each in evaluation["TestWindows"] if each["EvaluationType"] == "COMPUTED"]
    kept = ("TestWindowStart", "TestWindowEnd")
    return {
        "AlgorithmArn": evaluation["AlgorithmArn"],
        "TestWindows": [{"Status": STATES.done} | {name: each[name] for name in kept} for each in windows],
    }


def _algorithm(params: dict) -> str:
    if "AlgorithmArn" not in params:
        raise invalid("AlgorithmArn is required unless PerformAutoML is true")
    name = params["AlgorithmArn"].removeprefix(ALGORITHM_PREFIX)
    if name not in OPTIONS:  # the job of one that is not installed fails and says why
        options = ",".join(ALGORITHM_PREFIX + each for each in OPTIONS)
        raise invalid(f"Invalid Algorithm ARN specified: {params['AlgorithmArn']}. Options: {options}")
    return name


def auto_ml_members(strategy: str | None) -> list[str]:
    """The algorithms that AutoML evaluates, all that are installed but for those that the strategy leaves out."""
    left_out = tuple(NEURAL) if strategy == "LatencyOptimized" else ()
    return [name for name in AUTO_ML if name in ALGORITHMS and name not in left_out]


def _check_auto_ml(params: dict) -> None:
    """AutoML chooses the algorithm and its hyperparameters."""
    given = [name for name in ("AlgorithmArn", "TrainingParameters", "HPOConfig") if name in params]
    if given or params.get("PerformHPO"):
        raise invalid(f"{', '.join(given) or 'PerformHPO'} may not be given when PerformAutoML is true")


def _check_evaluation(evaluation: dict, horizon: int) -> None:
    """docs/aws-sources.md#forecast-API_EvaluationParameters; that the offset is less than half of the history is for
    the job to see."""
    windows = evaluation.get("NumberOfBacktestWindows", 1)
    if not 1 <= windows <= 5:
        raise invalid(f"NumberOfBacktestWindows is {windows}, allowed are 1 to 5")
    offset = evaluation.get("BackTestWindowOffset", horizon)
    if offset < horizon:
        raise invalid(f"BackTestWindowOffset is {offset}: it must be at least the ForecastHorizon, {horizon}")


def _training_parameters(algorithm: str, given: dict[str, str]) -> dict[str, Any]:
    known = HYPERPARAMETERS.get(algorithm, {})
    values = {}
    for name, text in given.items():
        if name not in known:
            allowed = ", ".join(known) or "no hyperparameters"
            raise invalid(f"TrainingParameters: {algorithm} has no {name!r} here; it has {allowed}")
        try:
            values[name] = known[name](text)
        except (ValueError, KeyError):
            kind = {int: "an integer", float: "a number", _boolean: "true or false"}[known[name]]
            raise invalid(f"TrainingParameters: {name} is {text!r}, it must be {kind}") from None
    return values


def _ranges(algorithm: str, params: dict) -> dict[str, list[dict]]:
    """ParameterRanges to search, none without PerformHPO; HPOConfig's take the place of our own of the same names."""
    given = params.get("HPOConfig", {}).get("ParameterRanges", {})
    if not params.get("PerformHPO"):
        if "HPOConfig" in params:
            raise invalid("HPOConfig needs PerformHPO to be true")
        return {}
    if algorithm not in TUNED:
        raise invalid(f"PerformHPO is for {' and '.join(TUNED)}, not for {algorithm}")
    own = TUNED[algorithm]
    for kind, ranges in given.items():
        names = [each["Name"] for each in own.get(kind, [])]
        for each in ranges:
            _check_range(algorithm, kind, each, names)
    return {
        kind: [next((one for one in given.get(kind, []) if one["Name"] == each["Name"]), each) for each in ranges]
        for kind, ranges in own.items()
    }


def _check_range(algorithm: str, kind: str, given: dict, names: list[str]) -> None:
    if given["Name"] not in names:
        raise invalid(f"{kind}: {algorithm} does not tune {given['Name']!r}; it tunes {', '.join(names) or 'none'}")
    if "Values" in given:
        return
    low, high, scale = given["MinValue"], given["MaxValue"], given.get("ScalingType", "Auto")
    if low > high:
        raise invalid(f"{kind}: {given['Name']} has MinValue {low} above MaxValue {high}")
    if scale == "Logarithmic" and low <= 0:
        raise invalid(f"{kind}: {given['Name']} is Logarithmic, so MinValue must be above 0, not {low}")
    if scale == "ReverseLogarithmic" and (kind == "IntegerParameterRanges" or not 0 <= low <= high < 1):
        raise invalid(f"{kind}: {given['Name']} can only be ReverseLogarithmic within 0 <= x < 1, not {low} to {high}")
