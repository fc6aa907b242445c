"""Export: write a forecast, the backtests, the what-if forecasts or the explainability to S3 (CreateForecastExportJob,
CreatePredictorBacktestExportJob, CreateWhatIfForecastExport, CreateExplainabilityExport)."""

from __future__ import annotations

from common.clients import client
from common.resources import create
from common.step import LambdaContext, step
from forecasting.payload import ExportAnswer, ExportRequest


@step
def handler(event: ExportRequest, context: LambdaContext) -> ExportAnswer:
    job = event["export"]
    return {"exportJobArn": create(client("forecast"), job["kind"], {**job["request"], job["of"]: event["sourceArn"]})}
