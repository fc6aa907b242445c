"""What-if analyses, their forecasts and the exports (docs/aws-sources.md#forecast-what-if,
docs/aws-sources.md#forecast-data-transformations, docs/aws-sources.md#forecast-replacement-series)."""

import pandas as pd

from localaws.errors import invalid
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.forecast import schema, selection
from localaws.services.forecast.access import assume
from localaws.services.forecast.api.exports import export
from localaws.services.forecast.files import Source
from localaws.services.forecast.jobs import what_if as jobs
from localaws.services.forecast.jobs.exports import ExportWhatIf, export_what_if
from localaws.services.forecast.private import Datasets, Settings
from localaws.services.forecast.resource_types import FORECAST
from storecast_engines.files import Layout


def create_analysis(context: Context, params: dict) -> dict:
    """The series of a forecast whose related series what-if forecasts may change."""
    forecast = FORECAST.get(context, "Forecast", params["ForecastArn"], active=True)
    if not forecast.record["CreatedUsingAutoPredictor"]:
        raise invalid(f"A what-if analysis needs a forecast of an AutoPredictor, which {forecast.arn} is not")
    if schema.RELATED not in forecast.private["datasets"]:
        raise invalid(f"A what-if analysis needs related time series, and {forecast.arn} was made without them")
    series = selection.selected(params, _settings(context, forecast)["keys"])
    analysis = FORECAST.create(context, "WhatIfAnalysis", params)
    context.jobs.submit(
        analysis.arn,
        jobs.create_analysis,
        jobs.CreateAnalysis(context.store.folder(forecast.arn), series),
        access=assume(context, series.role, analysis.arn) if series else None,
    )
    return {"WhatIfAnalysisArn": analysis.arn}


def create_forecast(context: Context, params: dict) -> dict:
    """The baseline's predictor on the baseline's data with other related series over the horizon."""
    analysis = FORECAST.get(context, "WhatIfAnalysis", params["WhatIfAnalysisArn"], active=True)
    forecast = FORECAST.get(context, "Forecast", analysis.record["ForecastArn"], active=True)
    predictor = FORECAST.get(context, "Predictor", forecast.record["PredictorArn"])
    transformations = params.get("TimeSeriesTransformations")
    replacements = params.get("TimeSeriesReplacementsDataSource")
    if bool(transformations) == bool(replacements):
        raise invalid("Give either TimeSeriesTransformations or TimeSeriesReplacementsDataSource")
    found, keys = forecast.private["datasets"], predictor.private["settings"]["keys"]
    for each in transformations or []:
        _check_transformation(each, found, keys)
    if replacements:
        _check_replacements(replacements, found, keys)
    made = FORECAST.create(context, "WhatIfForecast", params, ForecastTypes=forecast.record["ForecastTypes"])
    changed = _replacements_file(replacements, keys) if replacements else None
    context.jobs.submit(
        made.arn,
        jobs.create_forecast,
        jobs.CreateForecast(
            datasets=found,
            settings=predictor.private["settings"],
            predictor=context.store.folder(predictor.arn),
            baseline=context.store.folder(forecast.arn),
            types=forecast.record["ForecastTypes"],
            rows=analysis.private["rows"],
            transformations=transformations or [],
            replacements=changed,
            destination=context.store.folder(made.arn),
        ),
        access=assume(context, changed.role, made.arn) if changed else None,
    )
    return {"WhatIfForecastArn": made.arn}


def create_export(context: Context, params: dict) -> dict:
    """The baseline beside what-if forecasts; they must be of one analysis, so that they have one baseline."""
    found = [FORECAST.get(context, "WhatIfForecast", arn, active=True) for arn in params["WhatIfForecastArns"]]
    analyses = {each.record["WhatIfAnalysisArn"] for each in found}
    if len(analyses) > 1:
        raise invalid(f"WhatIfForecastArns must be of one what-if analysis; these are of {', '.join(sorted(analyses))}")
    analysis = FORECAST.get(context, "WhatIfAnalysis", analyses.pop())
    baseline = context.store.folder(analysis.record["ForecastArn"])
    forecasts = {each.name: context.store.folder(each.arn) for each in found}
    return export(
        context, "WhatIfForecastExport", params, export_what_if, lambda to: ExportWhatIf(to, baseline, forecasts)
    )


def _settings(context: Context, forecast: Resource) -> Settings:
    return FORECAST.get(context, "Predictor", forecast.record["PredictorArn"]).private["settings"]


def _features(found: Datasets) -> list[str]:
    """The numeric attributes of the related time series."""
    return [
        each["AttributeName"] for each in found[schema.RELATED]["attributes"] if each["AttributeType"] in schema.NUMBERS
    ]


def _check_transformation(transformation: dict, found: Datasets, keys: list[str]) -> None:
    """Raises ServiceError InvalidInputException naming the attribute, operation or condition and what is allowed."""
    action = transformation.get("Action")
    if action is None:
        raise invalid("Each of TimeSeriesTransformations needs an Action")
    features = _features(found)
    if action["AttributeName"].lower() not in [name.lower() for name in features]:
        raise invalid(f"Action: AttributeName {action['AttributeName']!r} is not one of {', '.join(features)}")
    if action["Operation"] == "DIVIDE" and action["Value"] == 0:
        raise invalid("Action: DIVIDE by a Value of 0")
    metadata = found[schema.METADATA]["attributes"] if schema.METADATA in found else []
    allowed = list(dict.fromkeys([*keys, *(each["AttributeName"] for each in metadata), "timestamp"]))
    for condition in transformation.get("TimeSeriesConditions", []):
        name, value = condition["AttributeName"], condition["AttributeValue"]
        if name not in allowed:
            raise invalid(f"TimeSeriesConditions: AttributeName {name!r} is not one of {', '.join(allowed)}")
        if name == "timestamp":
            _check_time(value)
        elif condition["Condition"] in ("LESS_THAN", "GREATER_THAN"):
            raise invalid(f"TimeSeriesConditions: {condition['Condition']} is for timestamp only, not for {name!r}")


def _check_time(value: str) -> None:
    try:
        pd.Timestamp(value)
    except ValueError:
        raise invalid(
            f"TimeSeriesConditions: AttributeValue {value!r} is not a time such as 2022-08-01 00:00:00"
        ) from None


def _check_replacements(replacements: dict, found: Datasets, keys: list[str]) -> None:
    """The item, all forecast dimensions of the related series, the timestamp, and at least one related series."""
    attributes = replacements["Schema"].get("Attributes", [])
    types = {each["AttributeName"]: each["AttributeType"] for each in attributes}
    related = {each["AttributeName"]: each["AttributeType"] for each in found[schema.RELATED]["attributes"]}
    needed = [name for name in [*keys, "timestamp"] if name in related]
    missing = [name for name in needed if name not in types]
    if missing:
        raise invalid(f"TimeSeriesReplacementsDataSource: the Schema lacks {', '.join(missing)}")
    wrong = {name: kind for name, kind in types.items() if related.get(name) != kind}
    if wrong:
        raise invalid(
            f"TimeSeriesReplacementsDataSource: {wrong} are not in the related time series, which has {related}"
        )
    if not set(types) - set(needed):
        raise invalid(f"TimeSeriesReplacementsDataSource: the Schema has none of {', '.join(_features(found))}")
    timestamp_format = replacements.get("TimestampFormat", schema.DEFAULT_TIMESTAMP_FORMAT)
    schema.check_timestamp_format(timestamp_format, found[schema.RELATED]["frequency"])
    schema.format_of(replacements)


def _replacements_file(replacements: dict, keys: list[str]) -> Source:
    types = schema.types_of(replacements["Schema"]["Attributes"])
    timestamp_format = replacements.get("TimestampFormat", schema.DEFAULT_TIMESTAMP_FORMAT)
    layout = Layout(types, timestamp_format, [name for name in types if name in keys])
    location = replacements["S3Config"]
    return Source(location["RoleArn"], location["Path"], layout, schema.format_of(replacements))
