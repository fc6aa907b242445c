"""Forecast: start one of the run's forecasts, its what-if analysis or one of that one's forecasts, or its predictor's
explainability (CreateForecast, CreateWhatIfAnalysis, CreateWhatIfForecast, CreateExplainability)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create, summaries
from common.step import LambdaContext, step
from forecasting.payload import AwsJson, ForecastAnswer, ForecastRequest


@step
def handler(event: ForecastRequest, context: LambdaContext) -> ForecastAnswer:
    forecast, wanted, source = client("forecast"), event["forecast"], event["sourceArn"]
    request = {**wanted["request"], wanted["of"]: source}
    if wanted["kind"] == "explainability":
        return {"madeArn": _explanation(forecast, request, source)}
    return {"madeArn": create(forecast, wanted["kind"], request)}


def _explanation(forecast: Any, request: AwsJson, predictor: str) -> str:
    """The explainability of the predictor, which has one: a second one is refused, also where the first answer to
    this call was lost."""
    if there := _explained(forecast, predictor):
        return there
    try:
        return create(forecast, "explainability", request)
    except forecast.exceptions.InvalidInputException:
        if there := _explained(forecast, predictor):
            return there
        raise


def _explained(forecast: Any, predictor: str) -> str | None:
    """The explainability that an earlier run or attempt made of the predictor."""
    of_predictor = [{"Key": "ResourceArn", "Value": predictor, "Condition": "IS"}]
    return next(
        (
            found["ExplainabilityArn"]
            for found in summaries(forecast, "explainability", Filters=of_predictor)
            if found["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS", "ACTIVE")
        ),
        None,
    )
