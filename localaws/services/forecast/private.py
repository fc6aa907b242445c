"""What the store keeps of Forecast's resources besides what the API shows.

The jobs get the same: datasets and settings go from the resource that they were noted with to whatever is made of it.
"""

from typing import Any, NotRequired, TypedDict


class ImportedDataset(TypedDict):
    """A dataset of a group when a job started: its schema, its files (Parquet), and the ARNs of their imports."""

    attributes: list[dict[str, str]]  # AttributeName, AttributeType
    frequency: str  # "" of item metadata
    domain: str
    files: list[str]
    imports: list[str]


Datasets = dict[str, ImportedDataset]  # by dataset type


class Options(TypedDict):
    """What either Create operation gives; `members` and what follows it come from CreatePredictor alone."""

    country: str | None
    retrained: NotRequired[bool]
    members: NotRequired[list[str]]
    auto_ml: NotRequired[bool]
    windows: NotRequired[int]
    offset: NotRequired[int | None]
    hyperparameters: NotRequired[dict[str, Any]]
    ranges: NotRequired[dict[str, list[dict]]]


class Settings(Options):
    """How a predictor is trained."""

    frequency: str
    horizon: int
    types: list[str]
    dimensions: list[str]
    keys: list[str]  # the item, then the dimensions
    transformations: dict[str, dict[str, str]]
    boundary: dict[str, Any]
    metric: str


class DatasetPrivate(TypedDict, total=False):
    files: list[str]
    imports: list[str]


class PredictorPrivate(TypedDict):
    settings: Settings
    datasets: Datasets
    evaluation: NotRequired[list[dict]]  # EvaluationResults, once it is trained


class ForecastPrivate(TypedDict):
    datasets: Datasets  # what a what-if forecast starts from


class WhatIfAnalysisPrivate(TypedDict):
    rows: list[int]  # the series of the forecast that it is about


class MonitorPrivate(TypedDict, total=False):
    evaluations: list[dict]  # PredictorMonitorEvaluations, the newest first
    event: dict  # a PredictorEvent that the next evaluation carries; {} once one has
