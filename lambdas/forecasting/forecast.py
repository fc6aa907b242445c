"""Forecast: start one of the run's forecasts (CreateForecast)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request = {**event["forecast"]["request"], "PredictorArn": event["predictorArn"]}
    return {"forecastArn": create(client("forecast"), "forecast", request)}
