"""The recommending pipeline: plan, ensure, load, recommend, evaluate, publish, notify.

Each Lambda state runs the file of its name in lambdas/recommending; each wait is a describe, a choice and a wait.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import Pipeline
from infra.pipeline import PipelineStack
from infra.rights import Right
from infra.schemas import RECIPES
from infra.steps import State, chain, lambda_task, map_over, nothing_new, wait_for
from infra.storage import reading, writing

_UPDATING = "$exists($update) and $contains($update.Status, /PENDING|IN_PROGRESS/)"


class Recommending(PipelineStack):
    """The state machine, its steps and its trigger."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Pipeline, **kwargs: Any) -> None:
        names = f"storecast-{config.dataset}"
        about = {"pipeline": "recommending", "service": "personalize", "names": names, "config": config}
        super().__init__(scope, construct_id, **about, **kwargs)
        functions = self._functions()
        self._run(
            self._steps(functions),
            functions,
            describes=[
                self._right(
                    "DescribeDatasetGroup", "DescribeDataset", "DescribeDatasetImportJob", "DescribeRecommender"
                )
            ],
            sweeping=[
                self._right(
                    "DeleteRecommender",
                    "DeleteDataset",
                    "DeleteDatasetGroup",
                    "DeleteSchema",
                    "ListRecommenders",
                    "ListDatasets",
                ),
                self._listing("DatasetGroups", "Schemas"),
            ],
            by_the_clock=config.recommending.schedule,
        )

    def _functions(self) -> dict[str, lambda_.CfnFunction]:
        data, results = self._storage.data_arn, self._storage.results_arn
        return {
            "plan": self._function(
                "plan",
                reading(data, self._prefix)[1],
                *reading(results, f"{self._prefix}newest.json"),
                self._listing("DatasetImportJobs"),
                self._right("ListTagsForResource"),
            ),
            "ensure": self._function(
                "ensure",
                self._listing("DatasetGroups", "Schemas"),
                self._right(
                    "CreateSchema",
                    "CreateDatasetGroup",
                    "TagResource",
                    "DescribeDatasetGroup",
                    "CreateDataset",
                    "DescribeDataset",
                    "ListDatasets",
                ),
            ),
            "load": self._function(
                "load",
                self._handing_over(self._storage.personalize_role),
                self._right("CreateDatasetImportJob", "ListDatasetImportJobs", "TagResource"),
            ),
            "recommend": self._function(
                "recommend",
                self._right(
                    "CreateRecommender",
                    "UpdateRecommender",
                    "TagResource",
                    "StartRecommender",
                    "DescribeRecommender",
                    "ListRecommenders",
                ),
                Right(
                    ["personalize:CreateRecommender"],
                    [f"arn:{self.partition}:personalize:::recipe/aws-ecomm-*"],
                    "the service's own recipes for shops",
                ),
            ),
            "evaluate": self._function("evaluate", self._right("DescribeRecommender")),
            "publish": self._function(
                "publish",
                *reading(data, self._prefix),
                self._right("GetRecommendations"),
                *writing(results, f"{self._prefix}newest.json", f"{self._prefix}report.html", f"{self._prefix}runs/"),
                timeout_seconds=600,
                memory_mb=1024,
            ),
        }

    def _steps(self, functions: dict[str, lambda_.CfnFunction]) -> State:
        storage, config = self._storage, self._config
        order = {
            "dataset": config.dataset,
            "config": config.recommending.model_dump(mode="json", exclude={"schedule"}),
            "recipes": {
                name: f"arn:{self.partition}:personalize:::recipe/{RECIPES[name]}"
                for name in config.recommending.use_cases
            },
            "execution": "{% $states.context.Execution.Id %}",
            "started": "{% $states.context.Execution.StartTime %}",
            "force": "{% $states.input.force = true %}",
            "dataBucket": storage.data.bucket_name,
            "resultsBucket": storage.results.bucket_name,
            "roleArn": storage.personalize_role.role_arn,
        }
        dataset = chain(
            "Dataset", "Describe dataset", wait_for("Dataset", service="personalize", arn="$states.input.datasetArn")
        )
        load = chain(
            "Load",
            "Load",
            lambda_task("Load", functions["load"], next_state="Describe dataset import job"),
            wait_for("DatasetImportJob", service="personalize", arn="$states.input.importJobArn"),
        )
        recommend = chain(
            "Recommend",
            "Recommend",
            lambda_task("Recommend", functions["recommend"], next_state="Describe recommender"),
            wait_for("Recommender", service="personalize", arn="$states.input.recommenderArn", also_busy=_UPDATING),
        )
        return chain(
            "Pipeline",
            "Plan",
            lambda_task("Plan", functions["plan"], payload=order, next_state="Anything new?"),
            nothing_new(otherwise="Ensure"),
            lambda_task("Ensure", functions["ensure"], next_state="Describe dataset group"),
            wait_for("DatasetGroup", service="personalize", arn="$states.input.groupArn", next_state="Ensure datasets"),
            lambda_task("Ensure datasets", functions["ensure"], next_state="Datasets"),
            map_over("Datasets", "$states.input.imports", dataset, next_state="Import"),
            map_over("Import", "[$states.input.imports[changed]]", load, concurrency=3, next_state="Recommenders"),
            map_over(
                "Recommenders",
                "$states.input.recommenders",
                recommend,
                next_state="Evaluate",
                selector={
                    "useCase": "{% $states.context.Map.Item.Value.useCase %}",
                    "request": "{% $states.context.Map.Item.Value.request %}",
                    "groupArn": "{% $states.input.groupArn %}",
                },
                output="{% $merge([$states.input, {'recommenders': [$map($states.result, function($done) {"
                " {'useCase': $done.useCase, 'recommenderArn': $done.recommenderArn} })]}]) %}",
            ),
            lambda_task("Evaluate", functions["evaluate"], next_state="Publish"),
            lambda_task("Publish", functions["publish"], next_state="Notify"),
            lambda_task(
                "Notify",
                self._operations.watch.notify,
                payload={
                    "pipeline": "recommending",
                    "execution": "{% $states.context.Execution.Id %}",
                    "summary": "{% $states.input.summary %}",
                },
            ),
        )
