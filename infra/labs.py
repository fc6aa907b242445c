"""What a learner may do: all that the notebooks do, on resources under the learner's own names and folders only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aws_cdk import Stack

from infra.config import Pipeline
from infra.permissions import Permission
from infra.storage import reading, serving, writing

_NAMED = "the learner's own names: they begin like this and end as the learner chooses"
_LISTED = "AWS narrows no List call"
_FORECAST = (
    "CreateDatasetGroup",
    "CreateDataset",
    "CreateDatasetImportJob",
    "CreatePredictor",
    "CreateAutoPredictor",
    "CreateForecast",
    "CreateForecastExportJob",
    "CreateWhatIfAnalysis",
    "CreateWhatIfForecast",
    "DescribeDatasetImportJob",
    "GetAccuracyMetrics",
    "QueryForecast",
    "QueryWhatIfForecast",
    "DeleteResourceTree",
)
_PERSONALIZE_KINDS = ("DatasetGroup", "Dataset", "Schema", "Recommender", "Filter")
_PERSONALIZE_MORE = ("CreateDatasetImportJob", "CreateEventTracker", "DescribeRecommender", "GetRecommendations")
_GLUE = ("CreateDatabase", "GetDatabase", "DeleteDatabase", "CreateTable", "GetTable", "GetPartitions")


class Buckets(Protocol):
    """What the permissions need to know of the storage stack."""

    @property
    def data_arn(self) -> str: ...

    @property
    def results_arn(self) -> str: ...


def allowed(stack: Stack, storage: Buckets, names: str, folder: str) -> list[Permission]:
    """What a learner may do, beside `shared`, whose resources' names begin with `names` + "_" and whose files are in
    `folder`."""
    made = [f"{verb}{kind}" for verb in ("Create", "Delete") for kind in _PERSONALIZE_KINDS]
    return [
        *_files(storage, folder),
        Permission(_actions("forecast", _FORECAST), own(stack, "forecast", names), _NAMED),
        Permission(_actions("personalize", (*made, *_PERSONALIZE_MORE)), own(stack, "personalize", names), _NAMED),
        Permission(_actions("glue", _GLUE), databases(stack, names), _NAMED),
    ]


def shared(stack: Stack, config: Pipeline, storage: Buckets) -> list[Permission]:
    """What every learner may do: calls that AWS narrows to no learner, and to bring data to the deployed pipelines."""
    return [*_forecast(), *_personalize(stack), *_athena(stack, storage), *_pipelines(stack, config, storage)]


def served(storage: Buckets, folder: str) -> dict[str, list[Permission]]:
    """By service, what the role may do that the learner passes to it: read and write the learner's own files. A role
    that learners share would reach everyone's, and who may pass it reaches what it reaches."""
    data, results = storage.data_arn, storage.results_arn
    return {
        "forecast": [
            *serving("forecast", data, folder),
            *serving("forecast", results, folder),
            *writing(results, folder),
        ],
        "personalize": serving("personalize", data, folder),
    }


def lists(service: str, *plurals: str) -> Permission:
    return Permission([f"{service}:List{plural}" for plural in plurals], ["*"], _LISTED)


def own(stack: Stack, service: str, names: str) -> list[str]:
    """Resources of any kind under the learner's names."""
    return [stack.format_arn(service=service, resource="*", resource_name=f"{names}_*")]


def trackers(stack: Stack) -> list[str]:
    """Event trackers: AWS chooses the name in their ARN."""
    return [stack.format_arn(service="personalize", resource="event-tracker", resource_name="*")]


def databases(stack: Stack, names: str) -> list[str]:
    """The Glue database called `names` with all that is in it."""
    inside = (("database", names), ("table", f"{names}/*"), ("userDefinedFunction", f"{names}/*"))
    return [
        stack.format_arn(service="glue", resource="catalog"),
        *(stack.format_arn(service="glue", resource=kind, resource_name=name) for kind, name in inside),
    ]


def _files(storage: Buckets, folder: str) -> list[Permission]:
    buckets = [storage.data_arn, storage.results_arn]
    return [
        *(permission for bucket in buckets for permission in (*reading(bucket, folder), *writing(bucket, folder))),
        Permission(
            ["s3:DeleteObject", "s3:DeleteObjectVersion"], [f"{bucket}/{folder}*" for bucket in buckets], _NAMED
        ),
        Permission(["s3:ListBucketVersions"], buckets, conditions={"StringLike": {"s3:prefix": [f"{folder}*"]}}),
    ]


def _forecast() -> list[Permission]:
    return [
        lists(
            "forecast",
            "DatasetGroups",
            "Datasets",
            "DatasetImportJobs",
            "Predictors",
            "Forecasts",
            "ForecastExportJobs",
            "WhatIfAnalyses",
            "WhatIfForecasts",
        ),
    ]


def _personalize(stack: Stack) -> list[Permission]:
    return [
        Permission(
            _actions("personalize", ("CreateEventTracker", "DescribeEventTracker", "DeleteEventTracker")),
            trackers(stack),
            "AWS chooses the name in their ARN",
        ),
        Permission(["personalize:PutEvents"], ["*"], "the call names no resource but the tracker's secret id"),
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


def _athena(stack: Stack, storage: Buckets) -> list[Permission]:
    return [
        Permission(
            ["athena:StartQueryExecution"],
            [stack.format_arn(service="athena", resource="workgroup", resource_name="primary")],
        ),
        Permission(
            ["athena:GetQueryExecution", "athena:GetQueryResults"],
            ["*"],
            "the call names no resource but the query's id, which only who started it knows",
        ),
        # Athena looks at it before any query (docs/aws-sources.md#athena-fine-grained-access-to-glue-resources).
        Permission(
            ["glue:GetDatabase"], [stack.format_arn(service="glue", resource="database", resource_name="default")]
        ),
        Permission(["s3:GetBucketLocation"], [storage.results_arn]),
    ]


def _pipelines(stack: Stack, config: Pipeline, storage: Buckets) -> list[Permission]:
    """Bring data to the deployed pipelines, look whether they run and at what came of it."""
    pipelines = ("forecasting", "recommending")
    folders = [f"{pipeline}/{config.dataset}/" for pipeline in pipelines]
    states = f"arn:{stack.partition}:states:{stack.region}:{stack.account}"
    return [
        *(permission for folder in folders for permission in reading(storage.results_arn, folder)),
        *writing(storage.data_arn, *folders),
        Permission(
            ["states:ListExecutions"],
            [f"{states}:stateMachine:storecast-{config.dataset}-{pipeline}" for pipeline in pipelines],
        ),
    ]


def _actions(service: str, names: Sequence[str]) -> list[str]:
    return [f"{service}:{name}" for name in names]
