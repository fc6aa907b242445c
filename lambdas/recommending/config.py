"""What the section `recommending` of pipeline.yaml says, as Plan and all steps after it find it in the payload."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Column(TypedDict):
    """A column of a dataset: its Avro type, and Personalize's own marks."""

    type: str
    categorical: bool
    textual: bool
    nullable: bool


Columns = dict[str, Column]


class ServingSettings(TypedDict):
    """Settings that use cases and solutions share, named as the service names them."""

    enable_metadata_with_recommendations: bool
    exploration_weight: NotRequired[float]
    exploration_item_age_cut_off: NotRequired[int]  # days
    excluded_dataset_columns: dict[str, list[str]]  # by dataset kind


class UseCaseSettings(ServingSettings):
    """A recommender's settings."""

    min_recommendation_requests_per_second: int


class SolutionSettings(ServingSettings):
    """A custom solution and its campaign."""

    recipe: str
    event_type: NotRequired[str]
    campaign: bool
    min_provisioned_tps: int


class BatchSettings(TypedDict):
    """A batch inference job of a solution."""

    solution: str
    top: NotRequired[int]  # the busiest users or the most popular items; absent: all
    results: int
    filter: NotRequired[str]


class PublishSettings(TypedDict):
    """What Publish writes for people to read."""

    head_items: int
    sample_users: int
    results: int
    name_column: NotRequired[str]
    note: str


class Config(TypedDict):
    """The section `recommending` of pipeline.yaml (`infra/config/recommending.py`)."""

    domain: str
    datasets: dict[str, Columns]  # by dataset kind; no columns: infer them
    import_mode: str
    use_cases: dict[str, UseCaseSettings]
    solutions: dict[str, SolutionSettings]
    filters: dict[str, str]  # expressions by name
    batch: dict[str, BatchSettings]
    event_tracker: bool
    publish: PublishSettings
