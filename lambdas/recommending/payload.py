"""What flows through the recommending state machine. Handlers take and return these types;
`infra/recommending_states.py` builds its JSONata from their field names.

A field that may be absent is `NotRequired`: Step Functions' definitions hold no nulls. A `request` is what an operation
of Personalize takes, without the ARNs that only the run knows.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, final

import common.payload
from common.payload import (
    AwsJson,
    ConfirmRequest,
    Import,
    ImportRequest,
    ImportStarted,
    Inputs,
    NothingMoved,
    QuarantineRequest,
    Reimport,
)
from recommending.config import BatchSettings, Config, PublishSettings


class PlanRequest(common.payload.PlanRequest):
    """What Plan works from."""

    config: Config
    recipes: dict[str, str]  # ARNs by use case and by recipe


class Dataset(TypedDict):
    """A planned dataset and its schema."""

    kind: str
    schema: AwsJson
    request: AwsJson


class Recommender(TypedDict):
    """A planned recommender."""

    useCase: str
    request: AwsJson


class Solution(TypedDict):
    """A planned solution, and its campaign unless it is for batch inference alone."""

    name: str
    recipe: str
    request: AwsJson
    campaign: NotRequired[AwsJson]


class Filter(TypedDict):
    """A planned filter."""

    name: str
    request: AwsJson


class EventTracker(TypedDict):
    """The planned event tracker."""

    request: AwsJson


class BatchJob(TypedDict):
    """Of a batch inference job: its name in pipeline.yaml, and its settings there."""

    name: str
    settings: BatchSettings


class BatchAnswer(TypedDict):
    """Load's answer to a BatchRequest."""

    solutionVersionArn: str
    batchInferenceJobArn: str
    output: str  # the URI of the folder with the lists
    requests: int  # how many lists


class BatchResult(BatchJob, BatchAnswer):
    """A batch inference job that is ACTIVE."""


class PreviousBatch(BatchAnswer):
    """Of newest.json: the last batch inference job of this name."""

    settings: BatchSettings


class Batch(BatchJob):
    """A planned batch inference job."""

    recipe: str
    headItems: int  # how many items each user's ranking is of
    inputKey: str  # of its input in the results bucket
    request: AwsJson
    previous: NotRequired[PreviousBatch]


class Run(TypedDict):
    """What all steps after Plan find in the payload."""

    dataset: str
    publish: PublishSettings
    execution: str
    started: str  # ISO 8601, of the execution
    dataBucket: str
    resultsBucket: str
    run: str  # its id
    attempt: int
    inputs: Inputs
    dataChanged: bool  # since what serves was trained, or training is forced


class Plan(Run):
    """Plan's answer: every request of the run."""

    group: AwsJson
    datasets: list[Dataset]
    imports: list[Import]
    recommenders: list[Recommender]
    solutions: list[Solution]
    filters: list[Filter]
    eventTracker: NotRequired[EventTracker]
    batch: list[Batch]


class GroupAnswer(TypedDict):
    """Ensure's answer to a GroupRequest."""

    groupArn: str


class GroupRequest(Plan):
    """Ensure makes the dataset group."""

    part: Literal["group"]


class Grouped(Plan, GroupAnswer):
    """The payload once there is a dataset group."""


class DatasetsRequest(Grouped):
    """Ensure makes schemas and datasets, when the dataset group is ACTIVE."""

    part: Literal["datasets"]


class EnsuredDataset(Dataset):
    """A dataset that exists."""

    datasetArn: str


class DatasetsAnswer(TypedDict):
    """Ensure's answer to a DatasetsRequest; the imports have the ARNs of their datasets."""

    datasets: list[EnsuredDataset]
    imports: list[Import]


class ServingRequest(Grouped):
    """Ensure makes filters, solutions and the event tracker, when the data is imported."""

    part: Literal["filtersAndSolutions"]


class EnsuredFilter(Filter):
    """A filter that exists."""

    filterArn: str


class SolutionArn(TypedDict):
    """What a solution gains when it exists."""

    solutionArn: str


class EnsuredSolution(Solution, SolutionArn):
    """A solution that exists."""


class EnsuredEventTracker(EventTracker):
    """The event tracker that exists."""

    eventTrackerArn: str
    trackingId: str  # for PutEvents


class ServingAnswer(TypedDict):
    """Ensure's answer to a ServingRequest."""

    filters: list[EnsuredFilter]
    solutions: list[EnsuredSolution]
    eventTracker: NotRequired[EnsuredEventTracker]


class RecommenderRequest(Recommender, GroupAnswer):
    """Recommend creates, starts or updates a recommender."""

    part: Literal["recommender"]
    started: str
    dataChanged: bool


class RecommenderArn(TypedDict):
    """What a recommender gains when it exists."""

    recommenderArn: str


class RecommenderAnswer(RecommenderArn):
    """Recommend's answer to a RecommenderRequest."""

    updateDue: bool  # when it is ACTIVE: it was off, or is busy with an older request


class RecommenderResult(RecommenderArn):
    """A recommender that is ACTIVE and up to date."""

    useCase: str


class VersionRequest(EnsuredSolution):
    """Recommend trains a solution, unless its newest version is of the same data."""

    part: Literal["version"]
    run: str
    started: str
    dataChanged: bool


class VersionAnswer(TypedDict):
    """Recommend's answer to a VersionRequest."""

    solutionVersionArn: str


class CampaignRequest(EnsuredSolution, VersionAnswer):
    """Recommend creates or updates a campaign."""

    part: Literal["campaign"]


class CampaignAnswer(TypedDict):
    """Recommend's answer to a CampaignRequest."""

    campaignArn: str


RecommendRequest = RecommenderRequest | VersionRequest | CampaignRequest
RecommendAnswer = RecommenderAnswer | VersionAnswer | CampaignAnswer


class SolutionResult(SolutionArn, VersionAnswer):
    """A solution that is trained, and its campaign, if it has one, ACTIVE."""

    name: str
    recipe: str
    campaignArn: NotRequired[str]


class TrainedSolutions(TypedDict):
    """What all solutions together become."""

    solutions: list[SolutionResult]


class Trained(Run, GroupAnswer, TrainedSolutions):
    """The payload after all recommenders and solutions."""

    recommenders: list[RecommenderResult]
    filters: list[EnsuredFilter]
    eventTracker: NotRequired[EnsuredEventTracker]
    batch: list[Batch]


class BatchRequest(Batch, TrainedSolutions):
    """Load starts a batch inference job, unless the previous one was of the same solution version and settings."""

    part: Literal["batch"]
    dataset: str
    dataBucket: str
    resultsBucket: str
    run: str  # its id
    filters: list[EnsuredFilter]


LoadRequest = ImportRequest | ConfirmRequest | QuarantineRequest | BatchRequest
LoadAnswer = ImportStarted | Reimport | NothingMoved | BatchAnswer


class EvaluateRequest(TrainedSolutions):
    """Evaluate reads the metrics of all that was trained."""

    recommenders: list[RecommenderResult]


class Metrics(TypedDict):
    """What the service measured on interactions held back, by name."""

    metrics: dict[str, float]


class MeasuredRecommender(RecommenderResult, Metrics):
    """A recommender and its metrics."""


class MeasuredSolution(SolutionResult, Metrics):
    """A solution and the metrics of its version."""


class EvaluateAnswer(TypedDict):
    """Evaluate's answer."""

    recommenders: list[MeasuredRecommender]
    solutions: list[MeasuredSolution]


class PublishRequest(Run):
    """Publish asks for recommendations and writes the report."""

    recommenders: list[MeasuredRecommender]
    solutions: list[MeasuredSolution]
    filters: list[EnsuredFilter]
    eventTracker: NotRequired[EnsuredEventTracker]
    batch: list[BatchResult]


@final
class Summary(TypedDict):
    """What a run made: summary.json, newest.json, and the notification."""

    dataset: str
    run: str
    execution: str
    inputs: Inputs
    dataChanged: bool  # since what serves was trained before
    report: str  # the URI
    recommendations: str  # the URI
    recommenders: list[MeasuredRecommender]
    solutions: list[MeasuredSolution]
    batch: dict[str, PreviousBatch]
    filters: dict[str, str]  # ARNs by name
    trackingId: NotRequired[str]
    lists: int  # how many recommendations.json has
    notes: list[str]  # on files and rows that are not counted as they are


class PublishAnswer(TypedDict):
    """Publish's answer."""

    summary: Summary


class LeftoversRequest(GroupAnswer, TrainedSolutions):
    """Ensure deletes what earlier runs made and the config no longer names."""

    part: Literal["leftovers"]
    dataset: str
    recommenders: list[RecommenderResult]
    filters: list[EnsuredFilter]
    eventTracker: NotRequired[EnsuredEventTracker]
    polls: NotRequired[int]  # how often that was asked for in this run


class LeftoversAnswer(TypedDict):
    """Ensure's answer to a LeftoversRequest."""

    left: list[str]  # ARNs of what is still being deleted
    polls: int


EnsureRequest = GroupRequest | DatasetsRequest | ServingRequest | LeftoversRequest
EnsureAnswer = GroupAnswer | DatasetsAnswer | ServingAnswer | LeftoversAnswer
