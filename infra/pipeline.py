"""What the stacks of both pipelines are made of, around the steps that are their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import functions, history
from infra.config import ConfigError, Pipeline
from infra.config.base import Schedule
from infra.importing import PLAN, quarantining
from infra.machine import state_machine
from infra.operations import Operations
from infra.permissions import Permission
from infra.steps import EXECUTION, State
from infra.storage import Storage, reading, reading_versions, writing
from infra.triggers import clock, trigger

MOST_SETTINGS = {"forecasting": 14_000, "recommending": 36_000}  # bytes as JSON


def check_settings(pipeline: str, settings: State) -> State:
    """The settings that Plan works from. They and the requests that it makes of them are part of the state, which holds
    256 KiB (docs/aws-sources.md#step-functions-service-quotas).

    Raises ConfigError if a run could reach that.
    """
    size = len(json.dumps(settings, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MOST_SETTINGS[pipeline]:
        raise ConfigError(
            f"{pipeline}: its settings take {size:,} bytes as JSON; at most {MOST_SETTINGS[pipeline]:,} fit in the "
            "state of a run. Use fewer or shorter what_if, or filters and excluded_dataset_columns."
        )
    return settings


class PipelineStack(Stack):
    """A pipeline, over `service` ("forecast") if it has one, whose resources of this dataset all begin with `names`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        pipeline: str,
        config: Pipeline,
        operations: Operations,
        storage: Storage,
        service: str = "",
        names: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.add_stack_dependency(storage)
        self._pipeline, self._service, self._names = pipeline, service, names
        self._config, self._operations, self._storage = config, operations, storage
        self._key, self._prefix = operations.key_arn, f"{pipeline}/{config.dataset}/"
        self._group = functions.log_group(self, operations.toolbox, pipeline)

    def _run(
        self,
        states: State,
        functions: Mapping[str, lambda_.CfnFunction],
        *,
        describes: Sequence[Permission],
        sweeping: Sequence[Permission],
        by_the_clock: Schedule | None,
    ) -> None:
        """The state machine, what starts it, and what takes its leftovers away when the stack goes."""
        history.check(self._config, self._pipeline, states)
        machine = state_machine(
            self,
            dataset=self._config.dataset,
            pipeline=self._pipeline,
            settle_seconds=self._config.settle_seconds,
            steps=states,
            functions=list(functions.values()),
            group=self._group,
            watch=self._operations.watch,
            describes=describes,
        )
        dead_letters = self._operations.dead_letters
        rule = trigger(
            self,
            machine,
            bucket_name=self._storage.data.bucket_name,
            prefix=self._prefix,
            dead_letters=dead_letters,
        )
        schedules = clock(self, machine, given=by_the_clock, dead_letters=dead_letters)
        self._cleanup = self._operations.clean_up(
            self,
            [
                *sweeping,
                Permission(["states:ListExecutions"], [machine.attr_arn]),
                Permission(
                    ["states:StopExecution"],
                    [
                        f"arn:{self.partition}:states:{self.region}:{self.account}:execution:"
                        f"storecast-{self._config.dataset}-{self._pipeline}:*"
                    ],
                    "executions of this machine: their names are given at run time",
                ),
            ],
            {
                **({f"{self._service.capitalize()}Names": self._names} if self._service else {}),
                "StateMachine": machine.attr_arn,
            },
        )
        # What starts a run goes before the clean-up, which stops the last ones.
        for starting in (rule, *schedules):
            starting.node.add_dependency(self._cleanup)
        CfnOutput(
            self,
            f"{self._pipeline.capitalize()}StateMachine",
            value=machine.attr_arn,
            description="Starts with each upload, or by hand",
        )

    def _function(self, step: str, *permissions: Permission, **kwargs: Any) -> lambda_.CfnFunction:
        return functions.lambda_function(
            self, self._operations.toolbox, self._group, f"{self._pipeline}/{step}", permissions=permissions, **kwargs
        )

    def _plan_basics(self, role: iam.Role | None = None) -> State:
        """What both pipelines' Plan works from beside the config: members of a PlanRequest. `role` is the service's."""
        return {
            "dataset": self._config.dataset,
            **PLAN,
            "dataBucket": self._storage.data.bucket_name,
            "resultsBucket": self._storage.results.bucket_name,
            **({"roleArn": role.role_arn} if role else {}),
            "tags": self._config.tags,
            **({"kmsKeyArn": self._key} if self._key else {}),
            "execution": EXECUTION,
        }

    def _planning(self) -> list[Permission]:
        """What Plan needs over a service: the imports and their tags, too."""
        return [
            *self._checking(),
            self._listing("DatasetImportJobs"),
            self._permission("ListTagsForResource"),
        ]

    def _checking(self) -> list[Permission]:
        """What Plan needs: to check files and to put bad ones into quarantine, the newest results, what it keeps of a
        run."""
        data, results = self._storage.data_arn, self._storage.results_arn
        return [
            *quarantining(data, self._prefix),
            *reading_versions(data, self._prefix),
            *reading(results, f"{self._prefix}newest.json"),
            *reading(results, f"{self._prefix}runs/"),
            *writing(results, f"{self._prefix}runs/"),
        ]

    def _permission(self, *operations: str) -> Permission:
        """Operations of the service on the dataset's resources, whatever their type."""
        return Permission(
            [f"{self._service}:{operation}" for operation in operations],
            [self.format_arn(service=self._service, resource="*", resource_name=f"{self._names}*")],
            "resources of this dataset: their names and types come at run time",
        )

    def _making(self, kinds: Mapping[str, str]) -> list[Permission]:
        """Create resources of these kinds, given with their plurals, tagged, and find what an earlier attempt made."""
        return [
            self._permission(*(f"Create{kind}" for kind in kinds), "TagResource"),
            self._listing(*dict.fromkeys(kinds.values())),
        ]

    def _listing(self, *kinds: str) -> Permission:
        """Lists of kinds of resources, such as "DatasetGroups"."""
        return Permission(
            [f"{self._service}:List{kind}" for kind in kinds], ["*"], "the service's lists know no resources"
        )

    def _handing_over(self, role: iam.Role) -> list[Permission]:
        """The service's own role may be passed to it, and the key that it works with: Forecast asks whether its caller
        may use that too (docs/aws-sources.md#forecast-security_iam_id-based-policy-examples)."""
        passed_to = {"StringEquals": {"iam:PassedToService": f"{self._service}.amazonaws.com"}}
        return [
            Permission(["iam:PassRole"], [role.role_arn], conditions=passed_to),
            *([Permission(["kms:Decrypt", "kms:GenerateDataKey"], [self._key])] if self._key else []),
        ]
