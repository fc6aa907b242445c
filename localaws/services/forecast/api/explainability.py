"""Explainabilities of predictors and forecasts, and their exports.

Sources: docs/aws-sources.md#forecast-predictor-explainability, docs/aws-sources.md#forecast-explainability,
docs/aws-sources.md#forecast-API_CreateExplainability.
"""

from datetime import datetime

from localaws.errors import invalid
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.forecast import schema, selection
from localaws.services.forecast.access import assume
from localaws.services.forecast.api.exports import export
from localaws.services.forecast.jobs import explainability as jobs
from localaws.services.forecast.jobs.exports import ExportExplainability, export_explainability
from localaws.services.forecast.private import Datasets
from localaws.services.forecast.resource_types import FORECAST, newest_of

WHOLE = {"TimeSeriesGranularity": "ALL", "TimePointGranularity": "ALL"}
OF_FORECASTS = ("DataSource", "Schema", "StartDateTime", "EndDateTime")


def create_explainability(context: Context, params: dict) -> dict:
    """Impact scores of all attributes: of a predictor over everything, of a forecast also for some series and steps."""
    resource = FORECAST.existing(context, params["ResourceArn"])
    start = {"Predictor": explain_predictor, "Forecast": _explain_forecast}.get(resource.type)
    if start is None:
        raise invalid(f"ResourceArn must be of a predictor or a forecast, which {resource.arn} is not")
    resource = FORECAST.get(context, resource.type, resource.arn, active=True)
    if not resource.record["IsAutoPredictor" if resource.type == "Predictor" else "CreatedUsingAutoPredictor"]:
        raise invalid(f"Explainability needs an AutoPredictor or a forecast made by one, which {resource.arn} is not")
    return {"ExplainabilityArn": start(context, resource, params).arn}


def explain_predictor(context: Context, predictor: Resource, params: dict) -> Resource:
    """Starts the scores of a whole predictor; there is one Explainability of each, a failed one can be tried again."""
    config = params["ExplainabilityConfig"]
    given = [member for member in OF_FORECASTS if member in params]
    if config != WHOLE or given:
        raise invalid(
            "With a predictor both granularities of ExplainabilityConfig must be ALL, and none of "
            f"{', '.join(OF_FORECASTS)} may be given; got {config}, {', '.join(given) or 'none of them'}"
        )
    other = newest_of(context, "Explainability", predictor)
    if other and other.status != "CREATE_FAILED":
        raise invalid(f"Predictor {predictor.arn} has its one Explainability already: {other.arn}")
    found = predictor.private["datasets"]
    check_attributes(found, predictor.private["settings"]["country"])
    made = FORECAST.create(context, "Explainability", params)
    context.jobs.submit(
        made.arn,
        jobs.explain_predictor,
        jobs.ExplainPredictor(
            datasets=found,
            settings=predictor.private["settings"],
            predictor=context.store.folder(predictor.arn),
            destination=context.store.folder(made.arn),
        ),
    )
    return made


def _explain_forecast(context: Context, forecast: Resource, params: dict) -> Resource:
    config = params["ExplainabilityConfig"]
    points = [member for member in ("StartDateTime", "EndDateTime") if member in params]
    file = [member for member in ("DataSource", "Schema") if member in params]
    for granularity, given in (("TimePointGranularity", points), ("TimeSeriesGranularity", file)):
        wanted = 2 if config[granularity] == "SPECIFIC" else 0
        if len(given) != wanted:
            allowed = OF_FORECASTS[2:] if granularity == "TimePointGranularity" else OF_FORECASTS[:2]
            raise invalid(
                f"{' and '.join(allowed)} go with {granularity} SPECIFIC, and only with it; "
                f"got {config[granularity]} with {', '.join(given) or 'none of them'}"
            )
    predictor = FORECAST.get(context, "Predictor", forecast.record["PredictorArn"])
    found = forecast.private["datasets"]
    check_attributes(found, predictor.private["settings"]["country"])
    if points:
        _check_order(params["StartDateTime"], params["EndDateTime"])
    if file:
        selection.check(params["Schema"].get("Attributes", []), predictor.private["settings"]["keys"])
    series = selection.source_of(params) if file else None
    made = FORECAST.create(context, "Explainability", params)
    context.jobs.submit(
        made.arn,
        jobs.explain_forecast,
        jobs.ExplainForecast(
            datasets=found,
            settings=predictor.private["settings"],
            predictor=context.store.folder(predictor.arn),
            destination=context.store.folder(made.arn),
            forecast=context.store.folder(forecast.arn),
            start=params.get("StartDateTime"),
            end=params.get("EndDateTime"),
            series=series,
        ),
        access=assume(context, series.role, made.arn) if series else None,
    )
    return made


def check_attributes(found: Datasets, country: str | None) -> None:
    """Raises ServiceError InvalidInputException when there is nothing whose impact could be measured."""
    if not {schema.RELATED, schema.METADATA} & set(found) and not country:
        raise invalid("Explainability needs related time series, item metadata or holidays; the data has none of them")


def _check_order(start: str, end: str) -> None:
    try:
        ordered = datetime.fromisoformat(start) <= datetime.fromisoformat(end)
    except ValueError:
        raise invalid(f"StartDateTime {start!r}, EndDateTime {end!r}: times such as 2015-01-01T20:00:00") from None
    if not ordered:
        raise invalid(f"StartDateTime {start} lies after EndDateTime {end}")


def create_export(context: Context, params: dict) -> dict:
    explainability = FORECAST.get(context, "Explainability", params["ExplainabilityArn"], active=True)
    scores = context.store.folder(explainability.arn)
    about = {"ResourceArn": explainability.record["ResourceArn"]}  # what ListExplainabilityExports filters by
    return export(
        context,
        "ExplainabilityExport",
        params | about,
        export_explainability,
        lambda to: ExportExplainability(to, scores),
    )
