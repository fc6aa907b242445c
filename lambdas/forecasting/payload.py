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
    Failure,
    Import,
    ImportRequest,
    ImportStarted,
    Inputs,
    NothingMoved,
    QuarantineRequest,
    Reimport,
)

AccuracyRow = dict[str, Any]  # `algorithm`, perhaps `yardstick`, and the metrics by the names of metrics.md


class Change(TypedDict):
    """A change of a related series over the horizon, where all values of `where` match."""

    attribute: str
    operation: str
    value: float
    where: NotRequired[dict[str, str]]


class PromotionRule(TypedDict):
    """A new predictor serves if it is at most `tolerance` (a share) worse on the metric."""

    metric: NotRequired[str]  # absent: the optimization metric
    tolerance: float


class DriftRule(TypedDict):
    """Train only if the forecasts in use miss by more than `factor` times their backtest's error."""

    factor: float
    metric: str


class Settings(TypedDict):
    """What the section `forecasting` of pipeline.yaml says (`infra/config/forecasting.py`), but for the columns."""

    domain: str
    frequency: str
    horizon: int
    timestamp_format: str
    dimensions: list[str]
    summed_over: NotRequired[list[str]]  # columns of the target that split no series
    implausible_times: NotRequired[Literal["refuse", "accept"]]
    overlap: NotRequired[Literal["newest", "sum"]]  # which rows count that are in several files
    filling: dict[str, dict[str, str]]
    quantiles: list[str]
    optimization_metric: str
    algorithms: list[str]
    backtest_windows: int
    holidays: NotRequired[str]
    time_alignment_boundary: dict[str, str | int]
    forecasts: dict[str, list[str]]
    what_if: NotRequired[dict[str, list[Change]]]
    explainability: NotRequired[bool]
    keep: int
    most_forecasts: NotRequired[int]  # of all datasets of the account
    promotion: PromotionRule
    drift: NotRequired[DriftRule]


class Config(Settings):
    """The section `forecasting` of pipeline.yaml."""

    datasets: dict[str, dict[str, str] | Literal["infer"]]  # by kind: types by column, or as its first file has them


class ResolvedConfig(Settings):
    """The section with the columns of every dataset that there are files of."""

    datasets: dict[str, dict[str, str]]


class DomainColumns(TypedDict):
    """What the config's domain calls the item and the target."""

    item: str
    target: str


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


class Export(Creation):
    """A planned export job into a folder of the results bucket."""

    folder: str


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


class MadeForecast(Forecast, ForecastArn):
    """A forecast that is ACTIVE and exported."""


class WhatIf(TypedDict):
    """The planned what-if forecasts."""

    analysis: Creation
    scenarios: list[Scenario]
    export: Export


class PublishedForecast(TypedDict):
    """A forecast in newest.json."""

    forecastArn: str
    types: list[str]
    table: str
    exports: str  # the folder's URI


class Serving(TypedDict):
    """Of newest.json: the run in use."""

    run: str
    predictorArn: str
    forecasts: dict[str, PublishedForecast]
    inputs: Inputs | None


class Requests(TypedDict):
    """Every request of a run to Forecast, and what it is about."""

    dataset: str
    config: ResolvedConfig
    domain: DomainColumns
    execution: str
    dataBucket: str
    resultsBucket: str
    database: str
    run: str  # its id
    attempt: int
    group: AwsJson
    datasets: list[Dataset]
    backtests: Export
    explanation: Creation  # the explainability of the predictor that serves
    explainability: Export
    whatIf: WhatIf


class PlannedRequests(Requests):
    """With what the steps replace by what they made of it."""

    imports: list[Import]
    predictors: list[Predictor]
    forecasts: list[Forecast]


class Run(Requests):
    """What all steps after Plan find in the payload."""

    inputs: Inputs
    serving: Serving | None


class Plan(Run, PlannedRequests):
    """Plan's answer."""


class Ensured(TypedDict):
    """Ensure's answer; the imports have the ARNs of their datasets."""

    groupArn: str
    imports: list[Import]


LoadRequest = ImportRequest | ConfirmRequest | QuarantineRequest
LoadAnswer = ImportStarted | Reimport | NothingMoved


class ActualsRequest(Plan):
    """Compare scores the forecasts in use against what has come in, and decides whether to train."""

    part: Literal["actuals"]
    force: bool


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

    groupArn: str
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


class PredictorsAnswer(AutoPredictorExtras):
    """Compare's answer to a PredictorsRequest."""

    accuracy: list[AccuracyRow]  # the best algorithm first
    predictorArn: str  # of the best algorithm
    promotion: Promotion | None  # None: the run trained nothing
    servingArn: str  # the predictor that makes the run's forecasts


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


class Forecasted(Trained, PredictorsAnswer):
    """The payload after all forecasts."""

    forecasts: list[MadeForecast]
    scenarioArns: NotRequired[list[str]]
    unexplained: NotRequired[Failure]  # why there is no explainability, which fails no run


Span = TypedDict("Span", {"from": str, "to": str, "steps": int})


class FailedAlgorithm(TypedDict):
    """An algorithm whose training failed, in the summary."""

    algorithm: str
    step: str
    message: str


class Move(TypedDict):
    """The series that a scenario changes most, in units over the horizon."""

    key: str
    change: float


class ScenarioTotals(TypedDict):
    """A what-if forecast beside the forecast as it is, in units over the horizon."""

    name: str
    baseline: float
    expected: float
    most: Move


class Impact(TypedDict):
    """An attribute's normalised impact score on the predictor, from -1 to 1."""

    attribute: str
    score: float


class LeftOut(TypedDict):
    """Series that were delivered and are not forecast."""

    reason: str
    series: int
    named: list[str]  # the first of them


class SeriesCounts(TypedDict):
    """What became of the series in the target's files."""

    delivered: int
    forecast: int
    withoutHistory: int  # of those that are forecast: by similar items
    leftOut: list[LeftOut]


class Accuracy(TypedDict):
    """What the backtests say, in the summary."""

    accuracy: list[AccuracyRow]
    bias: float | None
    items: int  # series that are forecast
    series: SeriesCounts
    horizon: int
    history: Span


class ChartItem(TypedDict):
    """A series in the report: what was sold, what the backtests expected, and its forecast, each by moment."""

    key: str
    volume: float
    error: float | None  # WAPE of its backtests
    bias: float | None
    past: list[tuple[str, float]]
    ahead: dict[str, list[tuple[str, float]]]  # by column, such as "p50"
    behind: dict[str, list[tuple[str, float]]]


@final
class Summary(Accuracy):
    """What a run made: summary.json, newest.json, and the notification."""

    dataset: str
    run: str
    execution: str
    inputs: Inputs
    training: Training
    promotion: Promotion | None
    database: str
    score: NotRequired[Score]
    predictorArn: str
    report: str
    backtests: str
    forecasts: dict[str, PublishedForecast]
    failed: list[FailedAlgorithm]
    whatIf: list[ScenarioTotals]
    impact: list[Impact]
    notes: list[str]  # for people


class Published(TypedDict):
    """Publish's answer."""

    summary: Summary
