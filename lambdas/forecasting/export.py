"""Export: write a forecast or the backtests to S3 (CreateForecastExportJob, CreatePredictorBacktestExportJob)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    kind = event["export"]["kind"]
    source = (
        {"ForecastArn": event["forecastArn"]}
        if kind == "forecast_export_job"
        else {"PredictorArn": event["predictorArn"]}
    )
    return {"exportJobArn": create(client("forecast"), kind, {**event["export"]["request"], **source})}
