"""The recommending pipeline: plan, ensure, load, recommend, evaluate, publish, notify.

Each Lambda state runs the file of its name in lambdas/recommending; each wait is a describe, a choice and a wait.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import steps
from infra.config import Pipeline
from infra.machine import state_machine
from infra.operations import Operations
from infra.rights import Right
from infra.schemas import RECIPES
from infra.steps import State, chain, lambda_task, map_over, nothing_new, wait_for
from infra.storage import Storage, reading, writing
from infra.triggers import schedule, trigger

_UPDATING = "$exists($update) and $contains($update.Status, /PENDING|IN_PROGRESS/)"


class Recommending(Stack):
    """The state machine, its steps and its trigger."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Pipeline,
        operations: Operations,
        storage: Storage,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.add_stack_dependency(storage)
        self._config, self._operations, self._storage = config, operations, storage
        self._prefix = f"recommending/{config.dataset}/"
        self._group = steps.log_group(self, operations.toolbox, "recommending")
        # Every Personalize resource of the dataset is named storecast-<dataset>..., whatever its type.
        self._resources = self.format_arn(
            service="personalize", resource="*", resource_name=f"storecast-{config.dataset}*"
        )

        functions = self._functions()
        machine = state_machine(
            self,
            dataset=config.dataset,
            pipeline="recommending",
            settle_seconds=config.settle_seconds,
            steps=self._steps(functions),
            functions=list(functions.values()),
            group=self._group,
            watch=operations.watch,
            describes=[
                self._right(
                    "personalize:DescribeDatasetGroup",
                    "personalize:DescribeDataset",
                    "personalize:DescribeDatasetImportJob",
                    "personalize:DescribeRecommender",
                )
            ],
        )
        rule = trigger(self, machine, bucket_name=storage.data.bucket_name, prefix=self._prefix)
        if config.recommending.schedule:
            schedule(self, machine, config.recommending.schedule)
        cleanup = operations.clean_up(
            self,
            [
                self._right(
                    "personalize:DeleteRecommender",
                    "personalize:DeleteDataset",
                    "personalize:DeleteDatasetGroup",
                    "personalize:DeleteSchema",
                    "personalize:ListRecommenders",
                    "personalize:ListDatasets",
                ),
                self._listing("personalize:ListDatasetGroups", "personalize:ListSchemas"),
                Right(["states:ListExecutions"], [machine.attr_arn]),
                Right(
                    ["states:StopExecution"],
                    [
                        f"arn:{self.partition}:states:{self.region}:{self.account}:execution:"
                        f"storecast-{config.dataset}-recommending:*"
                    ],
                    "executions of this machine: their names are given at run time",
                ),
            ],
            {"PersonalizeNames": f"storecast-{config.dataset}", "StateMachine": machine.attr_arn},
        )
        cleanup.node.add_dependency(rule)
        CfnOutput(
            self, "RecommendingStateMachine", value=machine.attr_arn, description="Starts with each upload, or by hand"
        )

    def _functions(self) -> dict[str, lambda_.CfnFunction]:
        storage, data, results = self._storage, self._storage.data_arn, self._storage.results_arn
        handing_over = Right(
            ["iam:PassRole"],
            [storage.personalize_role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}},
        )

        def function(step: str, *rights: Right, **kwargs: Any) -> lambda_.CfnFunction:
            return steps.lambda_function(
                self, self._operations.toolbox, self._group, f"recommending/{step}", rights=rights, **kwargs
            )

        return {
            "plan": function(
                "plan",
                reading(data, self._prefix)[1],
                *reading(results, f"{self._prefix}newest.json"),
                self._listing("personalize:ListDatasetImportJobs"),
                self._right("personalize:ListTagsForResource"),
            ),
            "ensure": function(
                "ensure",
                self._listing("personalize:ListDatasetGroups", "personalize:ListSchemas"),
                self._right(
                    "personalize:CreateSchema",
                    "personalize:CreateDatasetGroup",
                    "personalize:TagResource",
                    "personalize:DescribeDatasetGroup",
                    "personalize:CreateDataset",
                    "personalize:DescribeDataset",
                    "personalize:ListDatasets",
                ),
            ),
            "load": function(
                "load",
                handing_over,
                self._right(
                    "personalize:CreateDatasetImportJob", "personalize:ListDatasetImportJobs", "personalize:TagResource"
                ),
            ),
            "recommend": function(
                "recommend",
                self._right(
                    "personalize:CreateRecommender",
                    "personalize:UpdateRecommender",
                    "personalize:TagResource",
                    "personalize:StartRecommender",
                    "personalize:DescribeRecommender",
                    "personalize:ListRecommenders",
                ),
                Right(
                    ["personalize:CreateRecommender"],
                    [f"arn:{self.partition}:personalize:::recipe/aws-ecomm-*"],
                    "the service's own recipes for shops",
                ),
            ),
            "evaluate": function("evaluate", self._right("personalize:DescribeRecommender")),
            "publish": function(
                "publish",
                *reading(data, self._prefix),
                self._right("personalize:GetRecommendations"),
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

    def _right(self, *actions: str) -> Right:
        return Right(actions, [self._resources], "resources of this dataset: their names and types come at run time")

    def _listing(self, *actions: str) -> Right:
        return Right(actions, ["*"], "these lists know no resources")
