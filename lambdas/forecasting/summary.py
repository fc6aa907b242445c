"""What a forecasting run says of itself: summary.json, newest.json, the report and the notification."""

from __future__ import annotations

from typing import NotRequired, TypedDict, final

from common.payload import Inputs
from forecasting.payload import AccuracyRow, Promotion, PublishedForecast, Score, Training

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
