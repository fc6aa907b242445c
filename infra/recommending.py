"""The recommending pipeline: plan, ensure, load, recommend, evaluate, publish, notify.

Each Lambda state runs the file of its name in lambdas/recommending; each wait is a describe, a choice and a wait.
"""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from common.payload import PlanRequest
from infra.config import Pipeline
from infra.config.recommending import Recommending as Section
from infra.expressions import record
from infra.hours import RECOMMENDER, StopAndStart
from infra.importing import importing, quarantining
from infra.operations import Operations
from infra.permissions import Permission
from infra.pipeline import PipelineStack
from infra.steps import State, chain, lambda_task, map_over, nothing_new, part, wait_for
from infra.storage import Storage, reading, writing
from recommending.domains import DOMAINS

_SOLUTION_ARNS = ("solutionArn", "solutionVersionArn", "campaignArn")
_BATCH = ("solutionVersionArn", "batchInferenceJobArn", "output", "requests")
_LOOKS = 40  # at what is being deleted, 15 s apart; what is left then, the next run sees to
_UPDATING = "$exists($update) and $contains($update.Status, /PENDING|IN_PROGRESS/)"


def _with(*members: str) -> str:
    """For a Map's item: itself and these members of the payload around it."""
    shared = ", ".join(f"'{member}': $states.input.{member}" for member in members)
    return f"{{% $merge([$states.context.Map.Item.Value, {{{shared}}}]) %}}"


def _only(name: str, *members: str) -> str:
    """Of a Map's results, these members, under `name`: what else the items carried has been used."""
    kept = ", ".join(f"'{member}': $made.{member}" for member in members)
    return f"{{'{name}': [$map($states.result, function($made) {{ {{{kept}}} }})]}}"


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
        names = f"storecast-{config.dataset}"
        super().__init__(
            scope,
            construct_id,
            pipeline="recommending",
            service="personalize",
            names=names,
            config=config,
            operations=operations,
            storage=storage,
        )
        self._section = section
        functions = self._functions()
        self._run(
            self._steps(functions),
            functions,
            describes=[
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
            ],
            sweeping=[
                self._permission("DeleteDataset", "DeleteDatasetGroup", "DeleteSchema"),
                *self._removing(),
                self._listing("DatasetGroups", "Datasets", "Schemas"),
            ],
            by_the_clock=section.schedule,
        )
        if given := section.hours:
            recommenders = [
                self.format_arn(service="personalize", resource="recommender", resource_name=f"{names}-{use_case}")
                for use_case in section.use_cases
            ]
            StopAndStart(
                self,
                name=f"{names}-recommending-hours",
                kind=RECOMMENDER,
                members=recommenders,
                arns=recommenders,
                hours=given,
                group=self._group,
                dead_letters=self._operations.dead_letters,
            )

    def _functions(self) -> dict[str, lambda_.CfnFunction]:
        data, results = self._storage.data_arn, self._storage.results_arn
        config = self._section
        infers = not all(config.datasets.values())  # columns from the files, which it reads for that
        handing_over = self._handing_over(self._storage.personalize_role)
        loaded = {"DatasetImportJob": "DatasetImportJobs"}
        if config.batch:
            loaded["BatchInferenceJob"] = "BatchInferenceJobs"
        return {
            "plan": self._function(
                "plan",
                *reading(data, self._prefix)[0 if infers else 1 :],
                *self._planning(),
                *reading(results, f"{self._prefix}runs/"),
                *writing(results, f"{self._prefix}runs/"),
            ),
            "ensure": self._function(
                "ensure",
                *self._making({"Schema": "Schemas", "DatasetGroup": "DatasetGroups", "Dataset": "Datasets"}),
                self._permission("DescribeDatasetGroup", "DescribeDataset", "UpdateDataset"),
                self._permission("CreateFilter", "CreateSolution", "CreateEventTracker"),
                *([handing_over] if self._key else []),  # with a key goes the role that may use it
                self._on_trackers("CreateEventTracker", "DescribeEventTracker", "TagResource"),
                self._permission("DeleteDataset", "DeleteDatasetGroup"),
                *self._removing(),
            ),
            "load": self._function(
                "load",
                handing_over,
                *self._making(loaded),
                *quarantining(data, self._prefix),
                *(self._batching() if config.batch else []),
                timeout_seconds=600,
                memory_mb=1024 if config.batch else 256,
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
                *reading(data, self._prefix),
                self._permission("GetRecommendations", "GetPersonalizedRanking"),
                *writing(results, f"{self._prefix}newest.json", f"{self._prefix}report.html", f"{self._prefix}runs/"),
                timeout_seconds=600,
                memory_mb=1024,
            ),
        }

    def _batching(self) -> list[Permission]:
        """The file of users or items that a batch inference job reads."""
        return [
            *writing(self._storage.results_arn, f"{self._prefix}batch/"),
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

    def _steps(self, functions: dict[str, lambda_.CfnFunction]) -> State:
        storage, section = self._storage, self._section
        order = {
            # CDK drops what is null from definitions: what is not set is not there.
            "config": section.model_dump(mode="json", exclude={"schedule", "hours"}, exclude_none=True),
            "recipes": {
                **{name: self._recipe(DOMAINS[section.domain].recipes[name]) for name in section.use_cases},
                **{made.recipe: self._recipe(made.recipe) for made in section.solutions.values()},
            },
            **record(PlanRequest, **self._plan_basics(storage.personalize_role)),
        }

        def active(label: str, resource: str) -> State:
            arn = f"$states.input.{resource[0].lower()}{resource[1:]}Arn"
            return chain(
                label,
                f"Describe {label.lower()}",
                wait_for(resource, service="personalize", arn=arn, also_busy=_UPDATING),
            )

        def ensure(state: str, which: str, *, next_state: str) -> dict[str, State]:
            return lambda_task(state, functions["ensure"], payload=part(which), next_state=next_state)

        def recommend(state: str, which: str, *, next_state: str) -> dict[str, State]:
            return lambda_task(state, functions["recommend"], payload=part(which), next_state=next_state)

        recommenders = chain(
            "Recommenders",
            "Recommenders",
            map_over(
                "Recommenders",
                "$states.input.recommenders",
                chain(
                    "Recommend",
                    "Recommend",
                    recommend("Recommend", "recommender", next_state="Describe recommender"),
                    wait_for(
                        "Recommender",
                        service="personalize",
                        arn="$states.input.recommenderArn",
                        also_busy=_UPDATING,
                        next_state="Recommend again?",
                    ),
                    {
                        "Recommend again?": {  # what is off, or at work, takes no update: that follows when it is on
                            "Type": "Choice",
                            "Choices": [{"Condition": "{% $states.input.again %}", "Next": "Recommend"}],
                            "Default": "Recommender is up to date",
                        },
                        "Recommender is up to date": {"Type": "Succeed"},
                    },
                ),
                selector=_with("groupArn", "started", "dataChanged"),
                output=f"{{% $merge([$states.input, {_only('recommenders', 'useCase', 'recommenderArn')}]) %}}",
            ),
        )
        solutions = chain(
            "Solutions",
            "Solutions",
            map_over(
                "Solutions",
                "$states.input.solutions",
                chain(
                    "Solution",
                    "Describe solution",
                    wait_for(
                        "Solution",
                        service="personalize",
                        arn="$states.input.solutionArn",
                        next_state="Recommend version",
                    ),
                    recommend("Recommend version", "version", next_state="Describe solution version"),
                    wait_for(
                        "SolutionVersion",
                        service="personalize",
                        arn="$states.input.solutionVersionArn",
                        next_state="With a campaign?",
                    ),
                    {
                        "With a campaign?": {
                            "Type": "Choice",
                            "Choices": [
                                {"Condition": "{% $exists($states.input.campaign) %}", "Next": "Recommend campaign"}
                            ],
                            "Default": "Without a campaign",
                        },
                        "Without a campaign": {"Type": "Succeed"},
                    },
                    recommend("Recommend campaign", "campaign", next_state="Describe campaign"),
                    wait_for("Campaign", service="personalize", arn="$states.input.campaignArn", also_busy=_UPDATING),
                ),
                selector=_with("started", "dataChanged"),
                output=f"{{% {_only('solutions', 'name', 'recipe', *_SOLUTION_ARNS)} %}}",
            ),
        )
        return chain(
            "Pipeline",
            "Plan",
            lambda_task("Plan", functions["plan"], payload=order, next_state="Anything new?"),
            nothing_new(otherwise="Ensure"),
            ensure("Ensure", "group", next_state="Describe dataset group"),
            wait_for("DatasetGroup", service="personalize", arn="$states.input.groupArn", next_state="Ensure datasets"),
            ensure("Ensure datasets", "datasets", next_state="Datasets"),
            map_over("Datasets", "$states.input.datasets", active("Dataset", "Dataset"), next_state="Import"),
            importing(
                "recommending",
                "personalize",
                functions["load"],
                self._operations.watch.notify,
                next_state="Ensure filters and solutions",
            ),
            ensure("Ensure filters and solutions", "filters and solutions", next_state="Filters"),
            map_over("Filters", "$states.input.filters", active("Filter", "Filter"), next_state="Event tracker"),
            map_over(
                "Event tracker",
                "[$states.input.eventTracker]",
                active("Event tracker", "EventTracker"),
                next_state="Recommenders and solutions",
            ),
            {
                "Recommenders and solutions": {
                    "Type": "Parallel",
                    "Branches": [recommenders, solutions],
                    "Next": "Gather what recommends",
                },
                "Gather what recommends": {"Type": "Pass", "Output": "{% $merge($states.input) %}", "Next": "Batch"},
            },
            map_over(
                "Batch",
                "$states.input.batch",
                chain(
                    "Batch",
                    "Load batch",
                    lambda_task(
                        "Load batch",
                        functions["load"],
                        payload=part("batch"),
                        next_state="Describe batch inference job",
                    ),
                    wait_for("BatchInferenceJob", service="personalize", arn="$states.input.batchInferenceJobArn"),
                ),
                selector=_with("dataset", "dataBucket", "resultsBucket", "solutions", "filters"),
                output=f"{{% $merge([$states.input, {_only('batch', 'name', 'settings', *_BATCH)}]) %}}",
                next_state="Evaluate",
            ),
            lambda_task("Evaluate", functions["evaluate"], next_state="Publish"),
            lambda_task("Publish", functions["publish"], next_state="Ensure nothing else"),
            ensure("Ensure nothing else", "nothing else", next_state="Anything left?"),
            {
                "Anything left?": {
                    "Type": "Choice",
                    "Choices": [
                        {
                            "Condition": f"{{% $count($states.input.left) = 0 or $states.input.looks >= {_LOOKS} %}}",
                            "Next": "Notify",
                        }
                    ],
                    "Default": "Wait for the rest to go",
                },
                "Wait for the rest to go": {"Type": "Wait", "Seconds": 15, "Next": "Ensure nothing else"},
            },
            lambda_task(
                "Notify",
                self._operations.watch.notify,
                payload={
                    "pipeline": "recommending",
                    "summary": "{% $states.input.summary %}",
                },
            ),
        )
