"""Forecast: start one of the run's forecasts, its what-if analysis or one of that one's forecasts (CreateForecast,
CreateWhatIfAnalysis, CreateWhatIfForecast)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    made = event["forecast"]
    return {"madeArn": create(client("forecast"), made["kind"], {**made["request"], made["of"]: event["sourceArn"]})}
