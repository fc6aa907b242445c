"""The workshop: for each learner a SageMaker notebook instance with the notebooks, and a folder in the buckets."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from aws_cdk import Annotations, CfnOutput, Stack
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra import functions, labs, permissions
from infra.config import Pipeline
from infra.forecasting import FORECAST_JOBS
from infra.hours import NOTEBOOK_INSTANCE, StopAndStart
from infra.learner import SCRIPTS, Learner, Place, starting
from infra.operations import Operations
from infra.permissions import Permission
from infra.storage import WORKSHOP, Storage

_NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
_LEFT = "what learners of this workshop left behind: their names and files come at run time"


def learners_stem(dataset: str) -> str:
    """What the names of a dataset's learners begin with, before their numbers: theirs alone, also where another dataset
    is called the same but for a dash."""
    stem = dataset.replace("-", "")
    return stem if stem == dataset else f"{stem}{hashlib.sha256(dataset.encode()).hexdigest()[:3]}"


class Workshop(Stack):
    """The learners, and the cleanup of what they make."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Pipeline,
        storage: Storage,
        operations: Operations,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.add_stack_dependency(storage)
        if config.workshop.classic_policies:
            Annotations.of(self).add_warning(
                "workshop.classic_policies: every learner may do everything in S3, SageMaker, Forecast, Personalize "
                "and IAM of this account, with anybody's resources. Only for an account that holds nothing else."
            )
        place = Place(
            config=config,
            storage=storage,
            key=operations.key_arn,
            notebooks=assets.Asset(self, "Notebooks", path=str(_NOTEBOOKS), exclude=["**/__pycache__"]),
            stop_when_idle=assets.Asset(self, "StopWhenIdle", path=str(SCRIPTS / "stop_when_idle.py")),
            shared=permissions.managed_policy(self, "LearnersPolicy", labs.shared(self, config, storage)),
        )
        stem = learners_stem(config.dataset)
        cleanup = self._clean_up(operations, storage, f"lab_{stem}")
        learners = [Learner(self, f"{stem}{n + 1:02}", place=place) for n in range(config.workshop.learners)]
        for learner in learners:
            # An instance goes before the cleanup begins: nobody is at work any more.
            learner.notebook.node.add_dependency(cleanup)
        instances = [learner.instance for learner in learners]
        if given := config.workshop.hours:
            StopAndStart(
                self,
                name=f"storecast-{config.dataset}-workshop-hours",
                kind=NOTEBOOK_INSTANCE,
                members=instances,
                # One pattern for all: the names of a full workshop would not fit into the role's policy.
                arns=[
                    self.format_arn(
                        service="sagemaker",
                        resource="notebook-instance",
                        resource_name=instances[0].replace(f"{stem}01", f"{stem}??"),
                    )
                ],
                starting=starting(self, config, [learner.role.role_arn for learner in learners], operations.key_arn),
                hours=given,
                group=functions.log_group(self, operations.toolbox, "workshop"),
                dead_letters=operations.dead_letters,
            )
        CfnOutput(self, "NotebookInstances", value=",".join(instances), description="One for each learner")

    def _clean_up(self, operations: Operations, storage: Storage, names: str) -> Construct:
        """With the stack goes what learners made: resources named `names`, a number, and more; their files."""
        anybody = f"{names}??"
        buckets = [storage.data, storage.results]
        allowed = [
            Permission(
                ["forecast:DeleteResourceTree", "forecast:StopResource"], labs.own(self, "forecast", anybody), _LEFT
            ),
            labs.lists(
                "forecast", "DatasetGroups", "Datasets", "DatasetImportJobs", "Predictors", "Forecasts", *FORECAST_JOBS
            ),
            Permission(
                [
                    "personalize:DeleteRecommender",
                    "personalize:DeleteFilter",
                    "personalize:DeleteDataset",
                    "personalize:DeleteDatasetGroup",
                    "personalize:DeleteSchema",
                ],
                labs.own(self, "personalize", anybody),
                _LEFT,
            ),
            Permission(["personalize:DeleteEventTracker"], labs.trackers(self), _LEFT),
            labs.lists(
                "personalize",
                "DatasetGroups",
                "Recommenders",
                "Filters",
                "EventTrackers",
                "Solutions",
                "Datasets",
                "Schemas",
            ),
            Permission(["glue:GetDatabases", "glue:DeleteDatabase"], labs.databases(self, anybody), _LEFT),
            Permission(["s3:ListBucketVersions"], [storage.data_arn, storage.results_arn]),
            Permission(
                ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                [f"{bucket}/{WORKSHOP}*" for bucket in (storage.data_arn, storage.results_arn)],
                _LEFT,
            ),
        ]
        folders = [f"{bucket.bucket_name}/{WORKSHOP}" for bucket in buckets]
        return operations.clean_up(self, allowed, {"LearnerNames": names, "Folders": folders})
