"""The events that Forecast's jobs send to EventBridge when their status changes.

Sources: docs/aws-sources.md#forecast-notifications; for what-if and explainability the EventBridge reference
(docs/aws-sources.md#eventbridge-events-ref-forecast).
"""

from typing import Any

from localaws.resources import Resource

CREATION = {
    "DatasetImportJob": "Forecast Dataset Import Job State Change",
    "Predictor": "Forecast Predictor Creation State Change",
    "Forecast": "Forecast Forecast Creation State Change",
    "PredictorBacktestExportJob": "Forecast Predictor Backtest Export Job State Change",
    "ForecastExportJob": "Forecast Forecast Export Job State Change",
    "Explainability": "Forecast Explainability Creation State Change",
    "ExplainabilityExport": "Forecast Explainability Export Job State Change",
    "WhatIfAnalysis": "Forecast What-If Analysis Creation State Change",
    "WhatIfForecast": "Forecast What-If Forecast Creation State Change",
    "WhatIfForecastExport": "Forecast What-If Forecast Export Creation State Change",
}
DELETION = {
    "Dataset": "Forecast Dataset Deletion State Change",
    "DatasetImportJob": "Forecast Dataset Import Job Deletion State Change",
    "Predictor": "Forecast Predictor Deletion State Change",
    "Forecast": "Forecast Forecast Deletion State Change",
    "Explainability": "Forecast Explainability Deletion State Change",
    "WhatIfAnalysis": "Forecast What-If Analysis Deletion State Change",
    "WhatIfForecast": "Forecast What-If Forecast Deletion State Change",
    "WhatIfForecastExport": "Forecast What-If Forecast Export Deletion State Change",
}
CREATION_STATES = ("ACTIVE", "CREATE_IN_PROGRESS", "CREATE_FAILED", "CREATE_STOPPED")
DELETION_STATES = ("DELETE_IN_PROGRESS", "DELETE_FAILED")


def event(resource: Resource) -> tuple[str, dict] | None:
    """The event's detail-type and detail, None for a status that the guide lists no event for.

    Duration is in minutes and not given for deletions. The guide says that a failed job's event has its error message,
    not under which name: here it is Message, as DescribePredictor and its like have it.
    """
    detail: dict[str, Any] = {"Arn": resource.arn, "Status": resource.status}
    if resource.status in DELETION_STATES and resource.type in DELETION:
        return DELETION[resource.type], detail
    if resource.status not in CREATION_STATES or resource.type not in CREATION:
        return None
    detail["Duration"] = round((resource.modified - resource.created) / 60)
    if resource.status == "CREATE_FAILED":
        detail["Message"] = resource.record.get("Message", "")
    return CREATION[resource.type], detail
