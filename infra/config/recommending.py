"""The section `recommending` of a pipeline.yaml."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field, field_validator

from infra.config import personalize
from infra.config.base import Column, Hours, Schedule, Strict, not_one_of, problems, refuse
from infra.config.personalize import ColumnType
from recommending.domains import DOMAINS

_EXPLORATION = {"exploration_weight": 0.3, "exploration_item_age_cut_off": 30}  # the service's defaults


Kind = Literal["interactions", "items", "users"]


class Exploring(Strict):
    """Settings of what recommends, named as the service does (docs/aws-sources.md#personalize-API_RecommenderConfig,
    docs/aws-sources.md#personalize-API_CampaignConfig)."""

    enable_metadata_with_recommendations: bool = False
    """Answers may contain columns of the items, for those who ask for them."""
    exploration_weight: float | None = Field(default=None, ge=0, le=1)
    """How much new items are explored: 0 not at all, 1 most. Only where the recipe explores; the service's default is
    0.3."""
    exploration_item_age_cut_off: int | None = Field(default=None, ge=1)
    """Up to which age, in days, an item is explored. Only where the recipe explores; the service's default is 30."""
    excluded_dataset_columns: dict[Kind, tuple[Column, ...]] = {}
    """Columns that training leaves out and filters may use, by kind of dataset
    (docs/aws-sources.md#personalize-API_TrainingDataConfig)."""

    def completed(self, explores: bool) -> Any:
        """With the service's defaults for exploration where there is any."""
        given = self.model_dump(include=set(_EXPLORATION), exclude_none=True)
        return self.model_copy(update=_EXPLORATION | given) if explores else self

    def problems(self, explores: bool) -> list[str]:
        given = self.model_dump(include=set(_EXPLORATION), exclude_none=True)
        return [] if explores else [f"{key}: only for {', '.join(personalize.EXPLORING)}" for key in given]


class UseCase(Exploring):
    """A recommender's settings."""

    min_recommendation_requests_per_second: int = Field(default=1, ge=1)
    """Provisioned requests per second, which are billed whether they come or not."""


class Solution(Exploring):
    """A custom solution (docs/aws-sources.md#personalize-API_CreateSolution), and its campaign unless it is for batch
    jobs alone."""

    recipe: str
    """The algorithm, by Personalize's name."""
    event_type: str | None = None
    """Train on events of this type only."""
    campaign: bool = True
    """Deploy a campaign, which answers requests and is billed by the hour. `false`: for batch jobs only."""
    min_provisioned_tps: int = Field(default=1, ge=1)
    """Provisioned requests per second of the campaign, which are billed whether they come or not."""

    @field_validator("recipe")
    @classmethod
    def _recipe(cls, value: str) -> str:
        refuse(not_one_of(value, personalize.CUSTOM_RECIPES))
        return value


class Batch(Strict):
    """A batch inference job of a solution in each run (docs/aws-sources.md#personalize-API_CreateBatchInferenceJob)."""

    solution: str
    """The name of a solution in `solutions`; not one of `aws-trending-now`."""
    top: int | None = Field(default=None, ge=1)
    """For how many of the busiest users, or of the most popular items; without it for all."""
    results: int = Field(default=25, ge=1, le=500)
    """Items per list."""
    filter: str | None = None
    """The name of a filter in `filters` without placeholders."""


class Publish(Strict):
    """The lists that a run publishes for people to read."""

    head_items: int = Field(default=20, ge=1, le=100)
    """For how many of the most popular items lists are published."""
    sample_users: int = Field(default=10, ge=1, le=100)
    """For how many users lists are published."""
    results: int = Field(default=10, ge=1, le=100)
    """Items per list."""
    name_column: Column | None = None
    """A column of the items files that names items in the report. It need not be in the dataset."""
    note: str = Field(default="", max_length=300)
    """A line that the report shows: what a reader must know about the data."""


class Recommending(Strict):
    """What Amazon Personalize is asked for: a dataset group, its data and what recommends from it.

    The order of the fields matters: a rule may look at the fields above it that were valid.
    """

    domain: Literal["ECOMMERCE", "VIDEO_ON_DEMAND", "CUSTOM"] = "ECOMMERCE"
    """The domain of the dataset group, which decides the use cases and the columns that are needed. `CUSTOM` has
    solutions only."""
    datasets: dict[Kind, dict[Column, ColumnType]] = {kind: {} for kind in get_args(Kind)}  # {}: infer
    """Columns and their types, by kind of dataset. `infer` takes them from the header and the first rows of the first
    file; they then stay, and items and users may gain some. ECOMMERCE needs EVENT_TYPE of interactions, and PRICE and
    CATEGORY_L1 (categorical) of items; VIDEO_ON_DEMAND needs EVENT_TYPE, and GENRES (categorical) and
    CREATION_TIMESTAMP of items."""
    import_mode: Literal["FULL", "INCREMENTAL"] = "FULL"
    """`INCREMENTAL` imports new and changed files only, in one job after the first run; nothing then leaves the
    dataset. A run imports in full if it is forced or has fewer than 1,000 new interactions, the least that Personalize
    imports."""
    use_cases: dict[str, UseCase] = {}
    """Recommenders of the domain: a list of names, or names with settings. Needed, unless there are `solutions`."""
    solutions: dict[str, Solution] = Field(default={}, max_length=10, validate_default=True)
    """Custom solutions by name, each with a campaign."""
    filters: dict[str, str] = Field(default={}, max_length=30)
    """Filter expressions by name, for whoever asks for recommendations."""
    batch: dict[str, Batch] = Field(default={}, max_length=15)
    """Batch inference jobs by name: one in each run, unless nothing changed for it. The lists are below
    `recommending/DATASET/batch/` in the results bucket."""
    event_tracker: bool = False
    """An event tracker, so that an application can send events with PutEvents."""
    publish: Publish = Publish()
    """The lists that a run publishes, and how the report names items."""
    schedule: Schedule | None = None
    """Starts by the clock, beside those by uploads."""
    hours: Hours | None = None
    """When the clock starts and stops the recommenders; without it they are always on. Campaigns cannot be stopped."""

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: Hours | None, info: Any) -> Hours | None:
        if value and not info.data.get("use_cases", True):
            raise problems(["only recommenders can be stopped, not campaigns: there are no use_cases"])
        return value

    @field_validator("datasets", mode="before")
    @classmethod
    def _short_types(cls, value: Any) -> Any:
        """`COLUMN: string` is short for `COLUMN: {type: string}`; `infer` has no columns yet."""

        def spelled_out(columns: Any) -> Any:
            if not isinstance(columns, dict):
                return {} if columns == "infer" else columns
            return {name: {"type": column} if isinstance(column, str) else column for name, column in columns.items()}

        return {kind: spelled_out(columns) for kind, columns in value.items()} if isinstance(value, dict) else value

    @field_validator("datasets")
    @classmethod
    def _datasets(cls, value: dict[str, dict[str, ColumnType]], info: Any) -> dict[str, dict[str, ColumnType]]:
        found = [] if "interactions" in value else ["interactions is missing: every use case learns from it"]
        for kind, columns in value.items():
            if columns and (domain := info.data.get("domain")):
                found += personalize.schema_problems(domain, kind, columns)
        refuse(found)
        return value

    @field_validator("use_cases", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """`[a, b]` is short for `{a: {}, b: {}}`, and so is a name with nothing after its colon."""
        if isinstance(value, list):
            refuse([f"{name} is there twice" for name in sorted(set(map(str, value))) if value.count(name) > 1])
            return {name: {} for name in value}
        return {name: settings or {} for name, settings in value.items()} if isinstance(value, dict) else value

    @field_validator("use_cases")
    @classmethod
    def _use_cases(cls, value: dict[str, UseCase], info: Any) -> dict[str, UseCase]:
        domain = DOMAINS.get(info.data.get("domain"))
        found = [
            problem for name in value if domain for problem in not_one_of(name, sorted(domain.recipes) or ["none"])
        ]
        for name, settings in value.items():
            found += [f"{name}.{problem}" for problem in settings.problems(name in personalize.EXPLORING)]
        refuse(found)
        return {name: settings.completed(name in personalize.EXPLORING) for name, settings in value.items()}

    @field_validator("solutions")
    @classmethod
    def _solutions(cls, value: dict[str, Solution], info: Any) -> dict[str, Solution]:
        found = [problem for name in value for problem in personalize.short_name_problems(name)]
        for name, solution in value.items():
            found += [f"{name}.{problem}" for problem in solution.problems(solution.recipe in personalize.EXPLORING)]
        if sum(solution.campaign for solution in value.values()) > 5:
            found.append("more than 5 campaigns; a dataset group has at most 5")
        if not value and not info.data.get("use_cases", True):
            found.append("neither use_cases nor solutions: at least one is needed")
        refuse(found)
        return {name: made.completed(made.recipe in personalize.EXPLORING) for name, made in value.items()}

    @field_validator("filters")
    @classmethod
    def _filters(cls, value: dict[str, str], info: Any) -> dict[str, str]:
        if "datasets" in info.data:
            refuse(personalize.filter_problems(value, info.data["datasets"]))
        return value

    @field_validator("batch")
    @classmethod
    def _batch(cls, value: dict[str, Batch], info: Any) -> dict[str, Batch]:
        found = [problem for name in value for problem in personalize.short_name_problems(name, most=12)]
        solutions, filters = info.data.get("solutions", {}), info.data.get("filters", {})
        able = [name for name, made in solutions.items() if made.recipe != "aws-trending-now"]
        without_values = [name for name, expression in filters.items() if "$" not in expression]
        for name, job in value.items():
            found += [f"{name}.solution: {problem}" for problem in not_one_of(job.solution, able or ["none"])]
            if job.filter is not None:
                found += [f"{name}.filter: {p}" for p in not_one_of(job.filter, without_values or ["none"])]
        refuse(found)
        return value
