"""Forecast: start one of the run's forecasts, its what-if analysis or one of that one's forecasts (CreateForecast,
CreateWhatIfAnalysis, CreateWhatIfForecast)."""

from __future__ import annotations

from common.clients import client
from common.resources import create
from common.step import LambdaContext, step
from forecasting.payload import ForecastAnswer, ForecastRequest


@step
def handler(event: ForecastRequest, context: LambdaContext) -> ForecastAnswer:
    wanted = event["forecast"]
    request = {**wanted["request"], wanted["of"]: event["sourceArn"]}
    return {"madeArn": create(client("forecast"), wanted["kind"], request)}
