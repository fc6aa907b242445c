"""Predictors: AutoPredictor and the single algorithms, their accuracy and the export of their backtests."""

from typing import Any

from localaws.forecast import datasets, schema
from localaws.forecast.engine import ALGORITHMS, UNAVAILABLE
from localaws.forecast.exports import export
from localaws.forecast.kinds import create, get, invalid, view
from localaws.gateway import Context
from localaws.resources import Resource

DEFAULT_TYPES = ["0.1", "0.5", "0.9"]
ALGORITHM_PREFIX = "arn:aws:forecast:::algorithm/"
AUTO_ML = ("ARIMA", "ETS", "NPTS", "Prophet")  # those of AWS's that train in seconds


def create_auto_predictor(context: Context, params: dict) -> dict:
    """A new AutoPredictor, or with ReferencePredictorArn one that is trained anew on the newest data."""
    reference = params.get("ReferencePredictorArn")
    config = _of_reference(context, params, reference) if reference else dict(params)
    for member in ("DataConfig", "ForecastHorizon", "ForecastFrequency"):
        if member not in config:
            raise invalid(f"{member} is required to create a new predictor")
    country = schema.holiday_country(
        [
            (each["Name"], code)
            for each in config["DataConfig"].get("AdditionalDatasets", [])
            for code in each.get("Configuration", {}).get("CountryCode") or [None]
        ]
    )
    if params.get("ExplainPredictor") or params.get("MonitorConfig"):
        raise invalid("ExplainPredictor and MonitorConfig are not built in Storecast's embedded AWS")
    transformations = {
        each["AttributeName"]: each["Transformations"] for each in config["DataConfig"].get("AttributeConfigs", [])
    }
    group_arn = config["DataConfig"]["DatasetGroupArn"]
    return _train(context, config, group_arn, transformations, {"country": country}, IsAutoPredictor=True)


def _of_reference(context: Context, params: dict, reference: str) -> dict:
    """Only the name and the reference are given (API_CreateAutoPredictor.md); all else is the reference's."""
    others = sorted(set(params) - {"PredictorName", "ReferencePredictorArn", "Tags", "ExplainPredictor"})
    if others:
        raise invalid(f"With ReferencePredictorArn only PredictorName may be given, not {', '.join(others)}")
    old = get(context, "Predictor", reference, active=True).record
    asked = ("ForecastHorizon", "ForecastFrequency", "ForecastTypes", "ForecastDimensions", "OptimizationMetric")
    summary = {"ReferencePredictorSummary": {"Arn": reference, "State": "Active"}}
    return params | summary | {key: old[key] for key in ("DataConfig", "TimeAlignmentBoundary", *asked) if key in old}


def create_predictor(context: Context, params: dict) -> dict:
    """A legacy predictor: one algorithm, named by its ARN, or with PerformAutoML the best of AWS's by mean wQL."""
    if params.get("PerformHPO"):
        raise invalid("PerformHPO is not built in Storecast's embedded AWS")
    auto_ml = params.get("PerformAutoML", False)
    members = [name for name in AUTO_ML if name in ALGORITHMS] if auto_ml else [_algorithm(params)]
    if auto_ml and "AlgorithmArn" in params:
        raise invalid("AlgorithmArn may not be given when PerformAutoML is true")
    featurization = params["FeaturizationConfig"]
    transformations = {
        each["AttributeName"]: each["FeaturizationPipeline"][0].get("FeaturizationMethodParameters", {})
        for each in featurization.get("Featurizations", [])
        if each.get("FeaturizationPipeline")
    }
    config = params | {key: featurization[key] for key in featurization if key.startswith("Forecast")}
    evaluation = params.get("EvaluationParameters", {})
    country = schema.holiday_country(
        [(each["Name"], each["Value"]) for each in params["InputDataConfig"].get("SupplementaryFeatures", [])]
    )
    return _train(
        context,
        config,
        params["InputDataConfig"]["DatasetGroupArn"],
        transformations,
        {
            "members": members,
            "auto_ml": auto_ml,
            "country": country,
            "windows": evaluation.get("NumberOfBacktestWindows", 1),
            "offset": evaluation.get("BackTestWindowOffset"),
        },
        IsAutoPredictor=False,
        EvaluationParameters=evaluation,
    )


def _algorithm(params: dict) -> str:
    if "AlgorithmArn" not in params:
        raise invalid("AlgorithmArn is required unless PerformAutoML is true")
    name = params["AlgorithmArn"].removeprefix(ALGORITHM_PREFIX)
    if name not in ALGORITHMS and name not in UNAVAILABLE:  # the job of an unavailable one fails and says why
        allowed = ", ".join(ALGORITHM_PREFIX + each for each in ALGORITHMS)
        raise invalid(f"AlgorithmArn {params['AlgorithmArn']} is not one of {allowed}")
    return name


def _train(context: Context, config: dict, group_arn: str, transformations: dict, options: dict, **record: Any) -> dict:
    group = get(context, "DatasetGroup", group_arn, active=True)
    types = config.get("ForecastTypes", DEFAULT_TYPES)
    schema.check_forecast_types(types)
    schema.check_frequency(config["ForecastFrequency"])
    boundary = config.get("TimeAlignmentBoundary", {})
    schema.check_boundary(config["ForecastFrequency"], boundary)
    if config["ForecastHorizon"] < 1:
        raise invalid(f"ForecastHorizon must be at least 1, not {config['ForecastHorizon']}")
    found = datasets.group_datasets(context, group)
    related = found.get(schema.RELATED, {}).get("frequency")
    schema.check_forecast_frequency(config["ForecastFrequency"], found[schema.TARGET]["frequency"], related)
    dimensions = config.get("ForecastDimensions", [])
    allowed = schema.dimensions_of(group.record["Domain"], found[schema.TARGET]["attributes"])
    if set(dimensions) - set(allowed):
        raise invalid(f"ForecastDimensions {dimensions} must be attributes of the target time series: {allowed}")
    metric = config.get("OptimizationMetric", "AverageWeightedQuantileLoss")
    predictor = create(
        context,
        "Predictor",
        config,
        DatasetGroupArn=group.arn,
        ForecastTypes=types,
        OptimizationMetric=metric,
        DatasetImportJobArns=[each["imports"][-1] for each in found.values()],
        **record,
    )
    settings = {
        "frequency": config["ForecastFrequency"],
        "horizon": config["ForecastHorizon"],
        "types": types,
        "dimensions": dimensions,
        "keys": [schema.DOMAINS[group.record["Domain"]].item_key, *dimensions],
        "transformations": transformations,
        "boundary": boundary,
        "metric": metric,
        **options,
    }
    context.store.update(predictor.arn, private={"settings": settings})
    context.jobs.submit(
        predictor.arn,
        "localaws.forecast.work:train_predictor",
        {
            "datasets": found,
            "settings": settings,
            "auto": record["IsAutoPredictor"],
            "destination": context.store.folder(predictor.arn),
        },
    )
    return {"PredictorArn": predictor.arn}


def describe_auto_predictor(context: Context, params: dict) -> dict:
    predictor = _kind_of(context, params["PredictorArn"], auto=True)
    summary = predictor.record.get("ReferencePredictorSummary")
    if summary and context.store.find(summary["Arn"]) is None:
        return view(predictor) | {"ReferencePredictorSummary": summary | {"State": "Deleted"}}
    return view(predictor)


def describe_predictor(context: Context, params: dict) -> dict:
    return view(_kind_of(context, params["PredictorArn"], auto=False))


def _kind_of(context: Context, arn: str, auto: bool) -> Resource:
    predictor = get(context, "Predictor", arn)
    if predictor.record["IsAutoPredictor"] != auto:
        right = "DescribePredictor" if auto else "DescribeAutoPredictor"
        raise invalid(f"Use {right} for predictor {arn}")
    return predictor


def get_accuracy_metrics(context: Context, params: dict) -> dict:
    predictor = get(context, "Predictor", params["PredictorArn"], active=True)
    return {
        "PredictorEvaluationResults": predictor.private["evaluation"],
        "IsAutoPredictor": predictor.record["IsAutoPredictor"],
        "OptimizationMetric": predictor.record["OptimizationMetric"],
    }


def create_backtest_export(context: Context, params: dict) -> dict:
    predictor = get(context, "Predictor", params["PredictorArn"], active=True)
    return export(
        context,
        "PredictorBacktestExportJob",
        params,
        "export_backtest",
        predictor=context.store.folder(predictor.arn),
        types=predictor.record["ForecastTypes"],
    )
