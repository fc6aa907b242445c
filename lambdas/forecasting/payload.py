"""What flows through the forecasting state machine. Handlers take and return these types, and
`infra/forecasting_states.py` builds its JSONata from their field names.

A field that may be absent is `NotRequired`: CDK drops nulls from definitions. Requests are without the ARNs that only
the run's steps know.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict, final

import common.payload
from common.payload import (
    AwsJson,
    ConfirmRequest,
    Copies,
    Execution,
    Failure,
    Import,
    ImportRequest,
    ImportStarted,
    Inputs,
    NothingMoved,
    QuarantineRequest,
    Reimport,
)
from forecasting.config import Config, DomainColumns, ResolvedConfig

# `algorithm`, perhaps `yardstick`, and the metrics by the names of docs/aws-sources.md#forecast-metrics
AccuracyRow = dict[str, Any]


class PlanBasics(common.payload.PlanRequest):
    """What Plan works from, but for the config."""

    domain: DomainColumns
    database: str  # of the Athena tables


class PlanRequest(PlanBasics):
    """What Plan works from."""

    config: Config


class ResolvedRequest(PlanBasics):
    """What Plan plans from."""

    config: ResolvedConfig


class Dataset(TypedDict):
    """A planned dataset."""

    kind: str
    request: AwsJson


class Predictor(TypedDict):
    """A planned predictor."""

    algorithm: str
    kind: Literal["auto_predictor", "predictor"]
    request: AwsJson


class Creation(TypedDict):
    """A planned resource that is made from another one."""

    kind: str  # of resource, such as "what_if_forecast"
    of: str  # the member of the request that takes the source's ARN or ARNs
    request: AwsJson


class Folder(TypedDict):
    """A folder of the results bucket, such as "forecasting/shop/backtests/run=1/"."""

    folder: str


class Export(Creation, Folder):
    """A planned export job into a folder of the results bucket."""


class Scenario(Creation):
    """A planned what-if forecast."""

    name: str  # in pipeline.yaml


class Forecast(Creation):
    """A planned forecast and its export."""

    name: str  # in pipeline.yaml
    types: list[str]
    folder: str
    export: Export


class ForecastArn(TypedDict):
    """What a forecast gains when it is made."""

    forecastArn: str


class ForecastFiles(Folder, ForecastArn):
    """A forecast in S3: the forecast types that its table has, of all in its files."""

    name: str  # in pipeline.yaml
    types: list[str]


class MadeForecast(Forecast, ForecastArn):
    """A forecast of the service that is ACTIVE and exported."""


class ScenarioColumns(TypedDict):
    """A scenario, and what its columns begin with in the files of what-if forecasts."""

    name: str  # in pipeline.yaml
    label: str


@final
class WhatIfFiles(Folder):
    """What-if forecasts in S3."""

    scenarios: list[ScenarioColumns]


@final
class WhatIf(TypedDict):
    """The planned what-if forecasts of the service."""

    analysis: Creation
    scenarios: list[Scenario]
    export: Export


class Lookup(TypedDict):
    """The index of a published forecast (lookup.py): its folder in the results bucket, and what the files hold. In
    newest.json under "lookups", by the forecast's name; in no payload."""

    folder: str
    parts: int
    columns: list[str]
    dimensions: list[str]


class PublishedForecast(TypedDict):
    """A forecast in newest.json."""

    forecastArn: str
    types: list[str]
    table: str
    exports: str  # the folder's URI


class Query(TypedDict):
    """What applications ask of the newest run: a Forecast by its name in the config (the first one by default), an item
    with a value for each dimension, and from when to when; members and values are those of QueryForecast."""

    Forecast: NotRequired[str]
    Filters: dict[str, str]
    StartDate: NotRequired[str]
    EndDate: NotRequired[str]


class QueryAnswer(TypedDict):
    """Of QueryForecast: {"Predictions": {"p50": [{"Timestamp": ..., "Value": ...}, ...], ...}}"""

    Forecast: dict[str, dict[str, list[dict[str, Any]]]]


class Serving(TypedDict):
    """Of newest.json: the run in use."""

    run: str
    predictorArn: str
    forecasts: dict[str, PublishedForecast]
    inputs: Inputs | None


class About(TypedDict):
    """What a run is about."""

    dataset: str
    config: ResolvedConfig
    domain: DomainColumns
    execution: str
    dataBucket: str
    resultsBucket: str
    database: str
    run: str  # its id
    attempt: int


class Run(About):
    """What all steps after Plan find in the payload."""

    inputs: Inputs
    serving: Serving | None


class Requests(TypedDict):
    """The requests of a run to Amazon Forecast that stay as they are."""

    group: AwsJson
    datasets: list[Dataset]
    backtests: Export
    explanation: Creation  # the explainability of the predictor that serves
    explainability: Export
    whatIf: WhatIf


class PlannedRequests(About, Requests):
    """With what the steps replace by what they made of it."""

    imports: list[Import]
    predictors: list[Predictor]
    forecasts: list[Forecast]


class Plan(PlannedRequests, Run):
    """Plan's answer where the engine is Amazon Forecast."""


class PlannedJob(TypedDict):
    """A planned run of the forecasting job, which reads two documents in S3 and writes a folder."""

    request: str  # the URI of what it is asked for (storecast_engines.distributed.Request)
    versions: str  # the URI of the version of each file, as the plan saw it
    predictorArn: str  # the URI of the folder of the predictor that it leaves, or forecasts by
    made: JobFiles


class JobFiles(TypedDict):
    """What a run of the job leaves, as the steps after it find it."""

    jobResult: str  # the key of result.json
    forecasts: list[ForecastFiles]
    explainability: Folder
    whatIf: WhatIfFiles


class PlannedJobs(TypedDict):
    """What a run does on Glue."""

    copies: list[Copies]
    train: PlannedJob
    forecast: NotRequired[PlannedJob]  # by the predictor in use, if there is one of this engine
    scenarios: bool  # whether the job makes what-if forecasts
    explained: bool  # whether it says which attributes move the forecasts


class JobPlan(Run, PlannedJobs):
    """Plan's answer where the engine is storecast."""


class CopyRequest(Copies, Execution):
    """Load copies files."""

    part: Literal["copy"]


class Copied(TypedDict):
    """Load's answer to a CopyRequest."""

    copied: int


class Ensured(TypedDict):
    """Ensure's answer; the imports have the ARNs of their datasets."""

    groupArn: str
    imports: list[Import]


LoadRequest = ImportRequest | ConfirmRequest | QuarantineRequest | CopyRequest
LoadAnswer = ImportStarted | Reimport | NothingMoved | Copied


class ActualsRequest(Run):
    """Compare scores the forecasts in use against what has come in, and decides whether to train."""

    part: Literal["actuals"]
    force: bool
    predictors: NotRequired[list[Predictor]]  # those to train; absent: the job trains one


Score = TypedDict(
    "Score",
    {
        "forecastsOf": str,  # the run that made them
        "predictorArn": str,
        "from": str,
        "to": str,
        "series": int,
        "measured": dict[str, float],
        "backtest": dict[str, float],
    },
)


class KeptScore(Score):
    """A score in scores.json."""

    run: str  # that scored
    trained: bool


class Training(TypedDict):
    """Whether the run trains, and why."""

    trained: bool
    reason: str


class ActualsAnswer(TypedDict):
    """Compare's answer to an ActualsRequest."""

    score: NotRequired[Score]
    training: Training
    predictors: NotRequired[list[Predictor]]  # those to train; absent: as planned


class TrainRequest(TypedDict):
    """Train starts the training of one algorithm."""

    predictor: Predictor
    groupArn: str


class TrainAnswer(TypedDict):
    """Train's answer."""

    predictorArn: str


class TrainResult(TypedDict):
    """How the training of one algorithm ended."""

    predictorArn: NotRequired[str]
    failure: NotRequired[Failure]


class TrainedPredictor(TypedDict):
    """A predictor that is ACTIVE."""

    algorithm: str
    predictorArn: str


class Algorithm(TypedDict):
    """The name of an algorithm."""

    algorithm: str


class FailedPredictor(Failure, Algorithm):
    """An algorithm whose training failed."""


class Trained(Run):
    """The payload after all trainings."""

    training: Training
    score: NotRequired[Score]
    predictors: list[TrainedPredictor]
    failed: list[FailedPredictor]


class PredictorsRequest(Trained):
    """Compare decides which predictor serves."""

    part: Literal["predictors"]


CompareRequest = ActualsRequest | PredictorsRequest


class Decision(TypedDict):
    """Whether a new predictor serves, by the figures of both."""

    promoted: bool
    reason: str
    metric: str
    tolerance: float
    new: float | None
    inUse: float | None


class Promotion(Decision):
    """The decision on the best of the predictors that the run trained."""

    algorithm: str
    trainedPredictorArn: str


class AutoPredictorExtras(TypedDict):
    """What only an AutoPredictor makes."""

    scenarios: NotRequired[bool]  # whether it makes the what-if forecasts
    explained: NotRequired[bool]  # whether an explainability of it is asked for


class BacktestFiles(TypedDict):
    """Where the backtests of a predictor are, if they need no export."""

    backtests: NotRequired[Folder]


class Comparison(AutoPredictorExtras):
    """Which predictor serves, and why."""

    accuracy: list[AccuracyRow]  # the best algorithm first
    predictorArn: str  # of the best algorithm
    promotion: Promotion | None  # None: the run trained nothing
    servingArn: str  # the predictor that makes the run's forecasts


class PredictorsAnswer(Comparison, BacktestFiles):
    """Compare's answer to a PredictorsRequest."""


class ForecastRequest(TypedDict):
    """Forecast makes a forecast, a what-if analysis or a what-if forecast."""

    forecast: Creation
    sourceArn: str


class ForecastAnswer(TypedDict):
    """Forecast's answer."""

    madeArn: str


class ForecastResult(ForecastAnswer):
    """A forecast that is ACTIVE, with what was planned."""

    forecast: Forecast


class ExportRequest(TypedDict):
    """Export starts an export job."""

    export: Export
    sourceArn: str | list[str]


class ExportAnswer(TypedDict):
    """Export's answer."""

    exportJobArn: str


class TrainedByService(Trained, Requests):
    """The payload after all trainings of Amazon Forecast."""

    groupArn: str


class ForecastedByService(TrainedByService, Comparison):
    """The payload after all forecasts of Amazon Forecast."""

    forecasts: list[MadeForecast]
    scenarioArns: NotRequired[list[str]]
    unexplained: NotRequired[Failure]  # why there is no explainability, which fails no run


class Publishing(Trained, Comparison):
    """Publish's request: what a run made, whatever the engine."""

    backtests: Folder
    forecasts: list[ForecastFiles]
    explainability: Folder
    whatIf: WhatIf | WhatIfFiles
    scenarioArns: NotRequired[list[str]]  # of Amazon Forecast
    unexplained: NotRequired[Failure]
    jobResult: NotRequired[str]  # the key of what the job said of itself
