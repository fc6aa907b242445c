"""Predictors: AutoPredictors, and what all predictors share: training, accuracy, the export of their backtests."""

from collections.abc import Callable
from functools import partial
from typing import Any

from localaws.errors import ServiceError, invalid
from localaws.jobs import Result
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.forecast import schema
from localaws.services.forecast.access import check_key
from localaws.services.forecast.api import datasets
from localaws.services.forecast.api.explainability import WHOLE, check_attributes, explain_predictor
from localaws.services.forecast.api.exports import export
from localaws.services.forecast.api.monitors import monitor
from localaws.services.forecast.jobs.exports import ExportBacktest, export_backtest
from localaws.services.forecast.jobs.predictors import TrainPredictor, train_predictor
from localaws.services.forecast.private import Options, Settings
from localaws.services.forecast.resource_types import FORECAST, newest_of

DEFAULT_TYPES = ["0.1", "0.5", "0.9"]


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
    transformations = {
        each["AttributeName"]: each["Transformations"] for each in config["DataConfig"].get("AttributeConfigs", [])
    }
    group_arn = config["DataConfig"]["DatasetGroupArn"]
    return train(
        context,
        config,
        group_arn,
        transformations,
        {"country": country, "retrained": reference is not None},
        partial(_with_insights, context, params),
        IsAutoPredictor=True,
    )


def _with_insights(context: Context, params: dict, predictor: Resource, result: Result) -> None:
    """What ExplainPredictor and MonitorConfig ask for, of a predictor that has just been trained.

    A predictor trained anew is monitored where its reference is. Where something cannot start, the predictor stays and
    the log says so; it can be tried again (docs/aws-sources.md#forecast-predictor-explainability, "Restrictions and
    best practices").
    """
    reference = params.get("ReferencePredictorArn")
    try:
        monitored = reference and newest_of(context, "Monitor", FORECAST.get(context, "Predictor", reference))
        if params.get("ExplainPredictor"):
            about = {"ExplainabilityName": predictor.name, "ResourceArn": predictor.arn, "ExplainabilityConfig": WHOLE}
            explain_predictor(context, predictor, about)
        if monitored or "MonitorConfig" in params:
            name = params.get("MonitorConfig", {"MonitorName": predictor.name})["MonitorName"]
            monitor(context, {"MonitorName": name, "ResourceArn": predictor.arn}, result.private, monitored)
    except ServiceError as error:
        result.notes = f"{result.notes} {error.message}".strip()


def _of_reference(context: Context, params: dict, reference: str) -> dict:
    """Only the name and the reference are given (docs/aws-sources.md#forecast-API_CreateAutoPredictor); all else is the
    reference's.

    A legacy predictor is upgraded: its configuration goes over (docs/aws-sources.md#forecast-howitworks-predictor,
    "Upgrading to AutoPredictor").
    """
    others = sorted(
        set(params) - {"PredictorName", "ReferencePredictorArn", "Tags", "ExplainPredictor", "MonitorConfig"}
    )
    if others:
        raise invalid(f"With ReferencePredictorArn only PredictorName may be given, not {', '.join(others)}")
    old = FORECAST.get(context, "Predictor", reference, active=True).record
    if not old["IsAutoPredictor"]:
        old = old | {"DataConfig": _data_config(old)}
    asked = ("ForecastHorizon", "ForecastFrequency", "ForecastTypes", "ForecastDimensions", "OptimizationMetric")
    summary = {"ReferencePredictorSummary": {"Arn": reference, "State": "Active"}}
    return params | summary | {key: old[key] for key in ("DataConfig", "TimeAlignmentBoundary", *asked) if key in old}


def _data_config(legacy: dict) -> dict:
    """InputDataConfig and FeaturizationConfig of a legacy predictor, as CreateAutoPredictor has them."""
    data = legacy["InputDataConfig"]
    config = {"DatasetGroupArn": data["DatasetGroupArn"]}
    transformations = legacy_transformations(legacy["FeaturizationConfig"])
    if transformations:
        config["AttributeConfigs"] = [
            {"AttributeName": name, "Transformations": methods} for name, methods in transformations.items()
        ]
    if "SupplementaryFeatures" in data:
        config["AdditionalDatasets"] = [
            {"Name": each["Name"], "Configuration": {"CountryCode": [each["Value"]]}}
            for each in data["SupplementaryFeatures"]
        ]
    return config


def legacy_transformations(featurization: dict) -> dict[str, dict[str, str]]:
    """By attribute the filling and aggregation of a FeaturizationConfig
    (docs/aws-sources.md#forecast-API_FeaturizationMethod)."""
    return {
        each["AttributeName"]: each["FeaturizationPipeline"][0]["FeaturizationMethodParameters"]
        for each in featurization.get("Featurizations", [])
        if each.get("FeaturizationPipeline", [{}])[0].get("FeaturizationMethodParameters")
    }


def train(
    context: Context,
    config: dict,
    group_arn: str,
    transformations: dict,
    options: Options,
    after: Callable[[Resource, Result], None] = lambda predictor, result: None,
    **record: Any,
) -> dict:
    """`after(predictor, result)` comes when it is trained, before it is ACTIVE; `record` joins what Describe shows."""
    group = FORECAST.get(context, "DatasetGroup", group_arn, active=True)
    types = config.get("ForecastTypes", DEFAULT_TYPES)
    schema.check_forecast_types(types)
    schema.check_frequency(config["ForecastFrequency"])
    boundary = config.get("TimeAlignmentBoundary", {})
    schema.check_boundary(config["ForecastFrequency"], boundary)
    if config["ForecastHorizon"] < 1:
        raise invalid(f"ForecastHorizon must be at least 1, not {config['ForecastHorizon']}")
    found = datasets.group_datasets(context, group)
    related = found[schema.RELATED]["frequency"] if schema.RELATED in found else None
    schema.check_forecast_frequency(config["ForecastFrequency"], found[schema.TARGET]["frequency"], related)
    dimensions = config.get("ForecastDimensions", [])
    allowed = schema.dimensions_of(group.record["Domain"], found[schema.TARGET]["attributes"])
    if set(dimensions) - set(allowed):
        raise invalid(f"ForecastDimensions {dimensions} must be attributes of the target time series: {allowed}")
    schema.check_related(found, group.record["Domain"], dimensions)
    if config.get("ExplainPredictor"):
        check_attributes(found, options["country"])
    metric = config.get("OptimizationMetric", "AverageWeightedQuantileLoss")
    check_key(context, "Predictor", config)
    predictor = FORECAST.create(
        context,
        "Predictor",
        config,
        DatasetGroupArn=group.arn,
        ForecastTypes=types,
        OptimizationMetric=metric,
        DatasetImportJobArns=[each["imports"][-1] for each in found.values()],
        **record,
    )
    settings: Settings = {
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
    FORECAST.keep(context, predictor.arn, settings=settings, datasets=found)
    context.jobs.submit(
        predictor.arn,
        train_predictor,
        TrainPredictor(
            datasets=found,
            settings=settings,
            auto=record["IsAutoPredictor"],
            destination=context.store.folder(predictor.arn),
        ),
        then=lambda result: after(context.store.get(predictor.arn), result),
    )
    return {"PredictorArn": predictor.arn}


def describe_auto_predictor(context: Context, params: dict) -> dict:
    predictor = predictor_shown_by(context, params["PredictorArn"], auto=True)
    shown = FORECAST.view(predictor)
    summary = predictor.record.get("ReferencePredictorSummary")
    if summary and context.store.find(summary["Arn"]) is None:
        shown["ReferencePredictorSummary"] = summary | {"State": "Deleted"}
    if made := newest_of(context, "Explainability", predictor):
        shown["ExplainabilityInfo"] = {"ExplainabilityArn": made.arn, "Status": made.status}
    if made := newest_of(context, "Monitor", predictor):
        shown["MonitorInfo"] = {"MonitorArn": made.arn, "Status": made.status}
    return shown


def predictor_shown_by(context: Context, arn: str, auto: bool) -> Resource:
    """Each of the two Describe operations answers for its own predictors only."""
    predictor = FORECAST.get(context, "Predictor", arn)
    if predictor.record["IsAutoPredictor"] != auto:
        right = "DescribePredictor" if auto else "DescribeAutoPredictor"
        raise invalid(f"Use {right} for predictor {arn}")
    return predictor


def get_accuracy_metrics(context: Context, params: dict) -> dict:
    predictor = FORECAST.get(context, "Predictor", params["PredictorArn"], active=True)
    return {
        "PredictorEvaluationResults": predictor.private["evaluation"],
        "IsAutoPredictor": predictor.record["IsAutoPredictor"],
        "OptimizationMetric": predictor.record["OptimizationMetric"],
    }


def create_backtest_export(context: Context, params: dict) -> dict:
    predictor = FORECAST.get(context, "Predictor", params["PredictorArn"], active=True)
    folder, types = context.store.folder(predictor.arn), predictor.record["ForecastTypes"]
    return export(
        context, "PredictorBacktestExportJob", params, export_backtest, lambda to: ExportBacktest(to, folder, types)
    )
