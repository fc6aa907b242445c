"""Amazon Forecast: its operations by name, as they register with the emulator."""

from functools import partial

from localaws import protocol
from localaws.registration import Registration
from localaws.services.forecast import notifications
from localaws.services.forecast.api import (
    datasets,
    explainability,
    forecasts,
    legacy_predictors,
    monitors,
    predictors,
    what_if,
)
from localaws.services.forecast.resource_types import FORECAST as OPERATIONS
from localaws.services.forecast.resource_types import TYPES, delete_tree, stop

# The model gives RoleArn and the Value of a filter the pattern of a Forecast ARN and leaves multiples such as 2W out of
# Frequency; the guide (docs/aws-sources.md#forecast-aws-forecast-iam-roles,
# docs/aws-sources.md#forecast-API_ListPredictors, docs/aws-sources.md#forecast-howitworks-datasets-groups) says
# otherwise.
UNCHECKED = {
    "RoleArn": r"arn:[a-z\d-]+:iam::\d{12}:role/[\w+=,.@/-]+",
    "Value": "",
    "ForecastFrequency": "",
    "DataFrequency": "",
}

FORECAST = protocol.Service(
    "forecast",
    OPERATIONS.shared()
    | {
        "DeleteResourceTree": delete_tree,
        "StopResource": stop,
        "CreateDatasetGroup": datasets.create_dataset_group,
        "UpdateDatasetGroup": datasets.update_dataset_group,
        "CreateDataset": datasets.create_dataset,
        "CreateDatasetImportJob": partial(datasets.create_import, monitors.evaluate),
        "CreateAutoPredictor": predictors.create_auto_predictor,
        "CreatePredictor": legacy_predictors.create_predictor,
        "DescribeAutoPredictor": predictors.describe_auto_predictor,
        "DescribePredictor": legacy_predictors.describe_predictor,
        "GetAccuracyMetrics": predictors.get_accuracy_metrics,
        "CreatePredictorBacktestExportJob": predictors.create_backtest_export,
        "CreateForecast": forecasts.create_forecast,
        "CreateForecastExportJob": forecasts.create_export,
        "CreateExplainability": explainability.create_explainability,
        "CreateExplainabilityExport": explainability.create_export,
        "CreateMonitor": monitors.create_monitor,
        "DescribeMonitor": monitors.describe_monitor,
        "ListMonitorEvaluations": monitors.list_evaluations,
        "ResumeResource": monitors.resume,
        "CreateWhatIfAnalysis": what_if.create_analysis,
        "CreateWhatIfForecast": what_if.create_forecast,
        "CreateWhatIfForecastExport": what_if.create_export,
    },
    invalid_input="ValidationException",  # recorded of CreatePredictor; its model does not declare it
    unchecked_patterns=UNCHECKED,
)
FORECASTQUERY = protocol.Service(
    "forecastquery",
    {
        "QueryForecast": partial(forecasts.query, "Forecast"),
        "QueryWhatIfForecast": partial(forecasts.query, "WhatIfForecast"),
    },
    invalid_input="InvalidInputException",
)


def _service_for(request: protocol.Request) -> protocol.Service:
    return FORECASTQUERY if request.headers.get("x-amz-target", "").startswith("AmazonForecastRuntime") else FORECAST


REGISTRATION = Registration(
    types=TYPES,
    signing_name="forecast",
    target_prefixes=("AmazonForecast.", "AmazonForecastRuntime."),
    service_for=_service_for,
    new_arns=OPERATIONS.named_by_call,
    sdk_prefix="Forecast",
    event=notifications.event,
)
