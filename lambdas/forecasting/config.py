"""What the section `forecasting` of pipeline.yaml says, as Plan and all steps after it find it in the payload."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


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

    engine: NotRequired[Literal["amazon-forecast", "storecast"]]  # absent in a run that an earlier version began
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
    most_forecasts: NotRequired[int]  # of all datasets of the account; absent: the engine has no quota
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
