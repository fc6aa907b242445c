"""The recommending pipeline: its stack, and what each of its steps may do."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import Pipeline
from infra.config.recommending import Recommending as Section
from infra.expressions import configured, record
from infra.hours import RECOMMENDER, StopAndStart
from infra.importing import quarantining
from infra.operations import Operations
from infra.permissions import Permission
from infra.pipeline import PipelineStack, check_settings
from infra.recommending_states import pipeline
from infra.steps import State
from infra.storage import Storage, reading, reading_versions, writing
from recommending.config import Config
from recommending.domains import DOMAINS
from recommending.payload import PlanRequest


class Recommending(PipelineStack):
    """The state machine, its steps and its trigger."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Pipeline,
        section: Section,
        operations: Operations,
        storage: Storage,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pipeline="recommending",
            service="personalize",
            names=f"storecast-{config.dataset}",
            config=config,
            operations=operations,
            storage=storage,
        )
        self._section = section
        functions = self._functions()
        self._run(
            pipeline(self._plan_request(), functions, operations.watch.notify),
            functions,
            describes=self._describing(),
            sweeping=[
                self._permission("DeleteDataset", "DeleteDatasetGroup", "DeleteSchema"),
                *self._removing(),
                self._permission("StopSolutionVersionCreation"),
                self._listing("DatasetGroups", "Datasets", "Schemas", "SolutionVersions"),
            ],
            by_the_clock=section.schedule,
        )
        self._keep_hours()

    def _keep_hours(self) -> None:
        """Stop and start the recommenders by the clock, if the config says when."""
        if self._section.hours is None:
            return
        recommenders = [
            self.format_arn(service="personalize", resource="recommender", resource_name=f"{self._names}-{use_case}")
            for use_case in self._section.use_cases
        ]
        by_the_clock = StopAndStart(
            self,
            name=f"{self._names}-recommending-hours",
            kind=RECOMMENDER,
            members=recommenders,
            arns=recommenders,
            hours=self._section.hours,
            group=self._group,
            dead_letters=self._operations.dead_letters,
        )
        by_the_clock.node.add_dependency(self._cleanup)  # nothing is started any more when that begins

    def _functions(self) -> dict[str, lambda_.CfnFunction]:
        data, results = self._storage.data_arn, self._storage.results_arn
        staged = f"{self._prefix}staged/"
        handing_over = self._handing_over(self._storage.personalize_role)
        loaded = {"DatasetImportJob": "DatasetImportJobs"}
        if self._section.batch:
            loaded["BatchInferenceJob"] = "BatchInferenceJobs"
        return {
            "plan": self._function(
                "plan",
                *self._planning(),
                *(reading(results, staged) if self._section.import_mode == "INCREMENTAL" else []),
                *writing(results, staged),
                timeout_seconds=900,
                memory_mb=1769,
            ),
            "ensure": self._function(
                "ensure",
                *self._making({"Schema": "Schemas", "DatasetGroup": "DatasetGroups", "Dataset": "Datasets"}),
                self._permission("DescribeDatasetGroup", "DescribeDataset", "UpdateDataset"),
                self._listing("DatasetImportJobs"),
                self._permission("CreateFilter", "CreateSolution", "CreateEventTracker"),
                *(handing_over if self._key else []),  # with a key goes the role that may use it
                self._on_trackers("CreateEventTracker", "DescribeEventTracker", "TagResource"),
                self._permission("DeleteDataset", "DeleteDatasetGroup"),
                *self._removing(),
            ),
            "load": self._function(
                "load",
                *handing_over,
                *self._making(loaded),
                *quarantining(data, self._prefix),
                *reading_versions(data, self._prefix),
                reading(results, staged)[0],
                *writing(results, staged),
                *(self._writing_batches() if self._section.batch else []),
                timeout_seconds=900,
                memory_mb=1024,
            ),
            "recommend": self._function(
                "recommend",
                *self._making({"Recommender": "Recommenders", "Campaign": "Campaigns"}),
                self._permission(
                    "UpdateRecommender",
                    "StartRecommender",
                    "DescribeRecommender",
                    "DescribeSolution",
                    "CreateSolutionVersion",
                    "DescribeCampaign",
                    "UpdateCampaign",
                ),
            ),
            "evaluate": self._function("evaluate", self._permission("DescribeRecommender", "GetSolutionMetrics")),
            "publish": self._function(
                "publish",
                *reading_versions(data, self._prefix),
                reading(results, f"{self._prefix}runs/")[0],
                self._permission("GetRecommendations", "GetPersonalizedRanking"),
                *writing(results, f"{self._prefix}newest.json", f"{self._prefix}report.html", f"{self._prefix}runs/"),
                timeout_seconds=600,
                memory_mb=1024,
            ),
        }

    def _writing_batches(self) -> list[Permission]:
        """What it takes to write the input of batch inference jobs, from the interactions that the run works on."""
        data, results = self._storage.data_arn, self._storage.results_arn
        return [
            *writing(results, f"{self._prefix}batch/"),
            reading(results, f"{self._prefix}runs/")[0],
            *reading_versions(data, f"{self._prefix}interactions/"),
        ]

    def _describing(self) -> list[Permission]:
        """What it takes to wait for every resource of the state machine."""
        return [
            self._permission(
                "DescribeDatasetGroup",
                "DescribeDataset",
                "DescribeDatasetImportJob",
                "DescribeFilter",
                "DescribeRecommender",
                "DescribeSolution",
                "DescribeSolutionVersion",
                "DescribeCampaign",
                "DescribeBatchInferenceJob",
            ),
            self._on_trackers("DescribeEventTracker"),
        ]

    def _removing(self) -> list[Permission]:
        """What it takes to see and delete all that serves from the dataset group."""
        return [
            self._permission("DeleteRecommender", "DeleteFilter", "DeleteCampaign", "DeleteSolution"),
            self._listing("Recommenders", "Filters", "EventTrackers", "Campaigns", "Solutions"),
            self._on_trackers("DeleteEventTracker"),
        ]

    def _recipe(self, name: str) -> str:
        return f"arn:{self.partition}:personalize:::recipe/{name}"

    def _on_trackers(self, *operations: str) -> Permission:
        return Permission(
            [f"personalize:{operation}" for operation in operations],
            [self.format_arn(service="personalize", resource="event-tracker", resource_name="*")],
            "the service makes up the ARNs of event trackers",
        )

    def _plan_request(self) -> State:
        of_use_cases = DOMAINS[self._section.domain].recipes
        return record(
            PlanRequest,
            **self._plan_basics(self._storage.personalize_role),
            config=check_settings("recommending", configured(Config, self._section)),
            recipes={
                **{use_case: self._recipe(of_use_cases[use_case]) for use_case in self._section.use_cases},
                **{made.recipe: self._recipe(made.recipe) for made in self._section.solutions.values()},
            },
        )
