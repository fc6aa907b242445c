"""What a learner may do: all that the notebooks do, on resources under the learner's own names and folders only."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack

from infra.config import Pipeline
from infra.rights import Right
from infra.storage import Storage, reading, writing

_NAMED = "the learner's own names: they begin like this and end as the learner chooses"
_LISTED = "AWS narrows no List call"
_FORECAST_KINDS = (
    "DatasetGroup",
    "Dataset",
    "DatasetImportJob",
    "Predictor",
    "PredictorBacktestExportJob",
    "Forecast",
    "ForecastExportJob",
    "WhatIfAnalysis",
    "WhatIfForecast",
    "WhatIfForecastExport",
)
_FORECAST_MORE = (
    "CreateAutoPredictor",
    "DescribeAutoPredictor",
    "UpdateDatasetGroup",
    "GetAccuracyMetrics",
    "QueryForecast",
    "QueryWhatIfForecast",
    "StopResource",
    "DeleteResourceTree",
)
_PERSONALIZE_KINDS = ("DatasetGroup", "Dataset", "Schema", "Recommender", "Filter", "EventTracker")
_PERSONALIZE_MORE = (
    "CreateDatasetImportJob",
    "DescribeDatasetImportJob",
    "UpdateRecommender",
    "StartRecommender",
    "StopRecommender",
    "GetRecommendations",
    "PutItems",
    "PutUsers",
)
_GLUE = ("CreateDatabase", "GetDatabase", "DeleteDatabase", "CreateTable", "GetTable", "GetPartitions", "DeleteTable")


def allowed(stack: Stack, config: Pipeline, storage: Storage, names: str, folder: str) -> list[Right]:
    """The rights of the learner whose resources' names begin with `names` + "_" and whose files lie in `folder`."""
    return [
        *_files(storage, folder),
        *_forecast(stack, names),
        *_personalize(stack, names),
        *_athena(stack, names),
        *_pipelines(stack, config, storage),
    ]


def lists(service: str, *plurals: str) -> Right:
    return Right([f"{service}:List{plural}" for plural in plurals], ["*"], _LISTED)


def own(stack: Stack, service: str, names: str) -> list[str]:
    """Resources of any kind under the learner's names."""
    return [stack.format_arn(service=service, resource="*", resource_name=f"{names}_*")]


def trackers(stack: Stack) -> list[str]:
    """Event trackers: AWS chooses the name in their ARN."""
    return [stack.format_arn(service="personalize", resource="event-tracker", resource_name="*")]


def databases(stack: Stack, names: str) -> list[str]:
    """The Glue database called `names` with all that is in it."""
    inside = (("database", names), ("table", names), ("table", f"{names}/*"), ("userDefinedFunction", f"{names}/*"))
    return [
        stack.format_arn(service="glue", resource="catalog"),
        *(stack.format_arn(service="glue", resource=kind, resource_name=name) for kind, name in inside),
    ]


def _files(storage: Storage, folder: str) -> list[Right]:
    buckets = [storage.data_arn, storage.results_arn]
    return [
        *(right for bucket in buckets for right in (*reading(bucket, folder), *writing(bucket, folder))),
        Right(["s3:DeleteObject", "s3:DeleteObjectVersion"], [f"{bucket}/{folder}*" for bucket in buckets], _NAMED),
        Right(["s3:ListBucketVersions"], buckets, conditions={"StringLike": {"s3:prefix": [f"{folder}*"]}}),
        Right(["s3:GetBucketLocation"], buckets),
    ]


def _forecast(stack: Stack, names: str) -> list[Right]:
    mine = [*_each("forecast", _FORECAST_KINDS), *_actions("forecast", _FORECAST_MORE)]
    algorithms = f"arn:{stack.partition}:forecast:::algorithm/*"
    return [
        Right(mine, own(stack, "forecast", names), _NAMED),
        Right(["forecast:CreatePredictor"], [algorithms], "AWS's own algorithms"),
        lists(
            "forecast",
            "DatasetGroups",
            "Datasets",
            "DatasetImportJobs",
            "Predictors",
            "PredictorBacktestExportJobs",
            "Forecasts",
            "ForecastExportJobs",
            "WhatIfAnalyses",
            "WhatIfForecasts",
            "WhatIfForecastExports",
        ),
    ]


def _personalize(stack: Stack, names: str) -> list[Right]:
    mine = [*_each("personalize", _PERSONALIZE_KINDS), *_actions("personalize", _PERSONALIZE_MORE)]
    return [
        Right(mine, own(stack, "personalize", names), _NAMED),
        Right(_each("personalize", ("EventTracker",)), trackers(stack), "AWS chooses the name in their ARN"),
        Right(["personalize:PutEvents"], ["*"], "the call names no resource but the tracker's secret id"),
        lists(
            "personalize",
            "DatasetGroups",
            "Datasets",
            "DatasetImportJobs",
            "Schemas",
            "Recommenders",
            "Filters",
            "EventTrackers",
        ),
    ]


def _athena(stack: Stack, names: str) -> list[Right]:
    return [
        Right(
            ["athena:StartQueryExecution"],
            [stack.format_arn(service="athena", resource="workgroup", resource_name="primary")],
        ),
        Right(
            ["athena:GetQueryExecution", "athena:GetQueryResults"],
            ["*"],
            "the call names no resource but the query's id, which only who started it knows",
        ),
        Right(_actions("glue", _GLUE), databases(stack, names), _NAMED),
    ]


def _pipelines(stack: Stack, config: Pipeline, storage: Storage) -> list[Right]:
    """Bring data to the deployed pipelines, start and follow their runs, look at what came of it."""
    folders = [f"{pipeline}/{config.dataset}/" for pipeline in ("forecasting", "recommending")]
    states = f"arn:{stack.partition}:states:{stack.region}:{stack.account}"
    names = f"storecast-{config.dataset}"
    return [
        *(
            right
            for folder in folders
            for bucket in (storage.data_arn, storage.results_arn)
            for right in reading(bucket, folder)
        ),
        *writing(storage.data_arn, *folders),
        Right(
            ["states:StartExecution", "states:ListExecutions"],
            [f"{states}:stateMachine:{names}-{pipeline}" for pipeline in ("forecasting", "recommending")],
        ),
        Right(
            ["states:DescribeExecution", "states:GetExecutionHistory"],
            [f"{states}:execution:{names}-*"],
            "executions of these machines: their names are given at run time",
        ),
    ]


def _each(service: str, kinds: Sequence[str]) -> list[str]:
    return [f"{service}:{verb}{kind}" for verb in ("Create", "Describe", "Delete") for kind in kinds]


def _actions(service: str, names: Sequence[str]) -> list[str]:
    return [f"{service}:{name}" for name in names]
