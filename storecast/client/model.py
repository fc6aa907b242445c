"""What the client returns: plain, frozen dataclasses. Moments are aware datetimes in UTC; the time steps of forecasts
are naive ones, as in the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Pipeline = Literal["forecasting", "recommending"]
PIPELINES: tuple[Pipeline, ...] = ("forecasting", "recommending")
RUNNING = "RUNNING"  # the statuses of runs are those of Step Functions


@dataclass(frozen=True)
class Stack:
    """A CloudFormation stack of a dataset."""

    name: str
    part: str  # storage, operations, forecasting, recommending, workshop
    status: str
    updated: datetime


@dataclass(frozen=True)
class Dataset:
    """A deployed dataset: its stacks and what they put out."""

    name: str
    stacks: tuple[Stack, ...]
    outputs: Mapping[str, str]
    region: str

    @property
    def pipelines(self) -> tuple[Pipeline, ...]:
        return tuple(each for each in PIPELINES if f"{each.capitalize()}StateMachine" in self.outputs)

    @property
    def identifier(self) -> str:
        """The name where AWS allows no dash, and of the folder of data/."""
        return self.name.replace("-", "_")

    @property
    def data_bucket(self) -> str:
        return self.outputs["DataBucket"]

    @property
    def results_bucket(self) -> str:
        return self.outputs["ResultsBucket"]

    def machine(self, pipeline: Pipeline) -> str:
        """The ARN of the pipeline's state machine."""
        return self.outputs[f"{pipeline.capitalize()}StateMachine"]

    def folder(self, pipeline: Pipeline) -> str:
        """Of both buckets: uploads and results lie under it."""
        return f"{pipeline}/{self.name}/"


@dataclass(frozen=True)
class Run:
    """An execution of a pipeline's state machine.

    `outcome` says in words what came of it: "published", "nothing new: ...", the failure's cause; empty while it runs.
    """

    pipeline: Pipeline
    name: str
    arn: str
    status: str  # RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED
    started: datetime
    stopped: datetime | None
    trigger: str = ""  # upload, clock, by hand
    run: str = ""  # the id under which its results lie, once it has one
    failed_step: str = ""
    error: str = ""  # its name, such as LimitExceededException
    outcome: str = ""
    published: bool = False

    @property
    def running(self) -> bool:
        return self.status == RUNNING

    @property
    def failed(self) -> bool:
        return self.status in ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Step:
    """A step of a run: a state of the machine that does something, with its time.

    Waits for a resource (describe, choice, wait, over and over) are one step of kind "wait".
    """

    name: str
    kind: Literal["task", "wait", "parallel", "map", "other"]
    status: Literal["succeeded", "failed", "running"]
    started: datetime
    stopped: datetime | None
    times: int = 1  # how often it was entered
    cause: str = ""


@dataclass(frozen=True)
class RunDetail:
    """A run with its steps, in the order in which they began, and what it published."""

    run: Run
    steps: tuple[Step, ...]
    next_step: str = ""  # what a person should do after a failure
    console_url: str = ""  # the execution in the AWS console
    summary: Mapping[str, Any] | None = None  # summary.json, if it published


@dataclass(frozen=True)
class State:
    """A state of the deployed state machine, for its picture. `container` is the Parallel or Map that holds it; `next`
    leaves out what follows an error."""

    name: str
    type: str  # Task, Choice, Wait, Map, Parallel, Pass, Succeed, Fail
    next: tuple[str, ...]
    container: str = ""


@dataclass(frozen=True)
class Serving:
    """What answers now: a predictor's forecasts, a recommender or a campaign."""

    kind: Literal["predictor", "recommender", "campaign"]
    name: str  # algorithm, use case, or name of the solution
    arn: str
    run: str  # that made it, or brought it up to date
    status: str = "ACTIVE"
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Accuracy:
    """How good the models of a published run are.

    `board` has per algorithm (forecasting), use case or solution (recommending) its metrics; the best first. Of
    forecasting, `measured` are the metrics of the forecasts in use against what came in, if the run measured any.
    """

    run: str
    moment: datetime
    board: tuple[Scored, ...]
    promoted: bool | None = None  # None: nothing was trained, or the pipeline promotes nothing
    reason: str = ""
    bias: float | None = None
    measured: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """One line of a leaderboard."""

    name: str
    metrics: Mapping[str, float]
    yardstick: bool = False


@dataclass(frozen=True)
class Folder:
    """What was delivered of one kind of dataset: target, related, metadata; interactions, items, users."""

    pipeline: Pipeline
    kind: str
    files: int
    bytes: int
    newest: datetime | None
    uri: str


@dataclass(frozen=True)
class Quarantined:
    """A file in quarantine."""

    pipeline: Pipeline
    kind: str
    file: str  # its name, below the folder of its kind
    uri: str  # where it is now
    moved: datetime
    reason: str
    next_step: str


@dataclass(frozen=True)
class Start:
    """A schedule that starts a pipeline."""

    name: str
    expression: str
    time_zone: str
    enabled: bool
    next: datetime | None  # None: off, or not known


@dataclass(frozen=True)
class Alarm:
    """A CloudWatch alarm of the dataset."""

    name: str
    state: str  # OK, ALARM, INSUFFICIENT_DATA
    reason: str
    since: datetime


@dataclass(frozen=True)
class CostDriver:
    """Something that costs: per hour while it is on, or per run."""

    what: str
    quantity: float
    unit: str
    detail: str = ""


@dataclass(frozen=True)
class PipelineStatus:
    """One pipeline of a dataset at a glance."""

    pipeline: Pipeline
    last: Run | None  # the newest if it failed, or else the newest that published
    running: Run | None
    serving: tuple[Serving, ...]
    accuracy: Accuracy | None
    folders: tuple[Folder, ...]
    quarantine: int  # files
    starts: tuple[Start, ...]
    quarantined: tuple[Quarantined, ...] = ()  # the last of them

    @property
    def newest_upload(self) -> datetime | None:
        return max((each.newest for each in self.folders if each.newest), default=None)


@dataclass(frozen=True)
class Status:
    """A dataset at a glance."""

    dataset: Dataset
    pipelines: tuple[PipelineStatus, ...]
    alarms: tuple[Alarm, ...]
    costs: tuple[CostDriver, ...]


@dataclass(frozen=True)
class Item:
    """An item that is forecast or recommended. `dimensions` are those of one series of it, empty without any."""

    id: str
    name: str
    dimensions: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)  # other columns of metadata or items


@dataclass(frozen=True)
class Point:
    """A value at a time step."""

    time: datetime
    value: float


@dataclass(frozen=True)
class Quantiles:
    """What is expected at a time step, by column: p05, p10, p50, p90, mean, ..."""

    time: datetime
    values: Mapping[str, float]


@dataclass(frozen=True)
class Forecast:
    """One series: what was sold, what is expected, what the backtests expected, what the scenarios change."""

    item: Item
    frequency: str
    run: str
    columns: tuple[str, ...]  # of `ahead`, in order: quantiles, then the mean
    past: tuple[Point, ...]
    ahead: tuple[Quantiles, ...]
    backtest: tuple[Quantiles, ...] = ()
    scenarios: Mapping[str, tuple[Quantiles, ...]] = field(default_factory=dict)  # what-if forecasts by name
    dimensions: tuple[str, ...] = ()  # their names, in the order of the item's


@dataclass(frozen=True)
class ItemError:
    """How far the backtests of a series were off, over all its windows."""

    item: Item
    actual: float
    expected: float
    error: float  # absolute, summed

    @property
    def wape(self) -> float | None:
        return self.error / self.actual if self.actual else None

    @property
    def bias(self) -> float | None:
        return (self.expected - self.actual) / self.actual if self.actual else None


@dataclass(frozen=True)
class StepError:
    """How far the backtests of all series were off at one step of the horizon, from 1."""

    step: int
    actual: float
    expected: float
    error: float  # absolute, summed

    @property
    def wape(self) -> float | None:
        return self.error / self.actual if self.actual else None

    @property
    def bias(self) -> float | None:
        return (self.expected - self.actual) / self.actual if self.actual else None


@dataclass(frozen=True)
class UseCase:
    """What can be asked for recommendations: a recommender, or the campaign of a solution."""

    name: str
    kind: Literal["recommender", "campaign"]
    arn: str
    needs: Literal["everybody", "item", "user", "ranking"]
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Recommendation:
    """A recommended item, the best first."""

    rank: int
    item: Item
    score: float | None = None


@dataclass(frozen=True)
class Recommended:
    """An answer of a recommender or campaign."""

    use_case: UseCase
    user: str
    item: Item | None
    filter: str
    items: tuple[Recommendation, ...]
