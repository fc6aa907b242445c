"""Export: write a forecast, the backtests, the what-if forecasts or the explainability to S3 (CreateForecastExportJob,
CreatePredictorBacktestExportJob, CreateWhatIfForecastExport, CreateExplainabilityExport)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create
from common.step import step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    job = event["export"]
    return {"exportJobArn": create(client("forecast"), job["kind"], {**job["request"], job["of"]: event["sourceArn"]})}
