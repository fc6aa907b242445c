"""Forecast: start one of the run's forecasts, its what-if analysis or one of that one's forecasts, or its predictor's
explainability (CreateForecast, CreateWhatIfAnalysis, CreateWhatIfForecast, CreateExplainability)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create, summaries
from common.step import LambdaContext, step
from forecasting.payload import ForecastAnswer, ForecastRequest


@step
def handler(event: ForecastRequest, context: LambdaContext) -> ForecastAnswer:
    forecast, wanted, source = client("forecast"), event["forecast"], event["sourceArn"]
    if wanted["kind"] == "explainability" and (there := _explained(forecast, source)):
        return {"madeArn": there}
    return {"madeArn": create(forecast, wanted["kind"], {**wanted["request"], wanted["of"]: source})}


def _explained(forecast: Any, predictor: str) -> str | None:
    """The explainability that an earlier run made of the predictor: a predictor has one."""
    of_predictor = [{"Key": "ResourceArn", "Value": predictor, "Condition": "IS"}]
    return next(
        (
            found["ExplainabilityArn"]
            for found in summaries(forecast, "explainability", Filters=of_predictor)
            if found["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS", "ACTIVE")
        ),
        None,
    )
