"""The workshop: a SageMaker notebook instance with the notebooks on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra import rights
from infra.checks import acknowledge
from infra.config import Pipeline
from infra.rights import Right
from infra.storage import Storage, reading, writing

_NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
_FETCH = """#!/bin/bash
# Brings the notebooks; what the user changed stays, what is missing or newer upstream comes.
set -euo pipefail
folder=/home/ec2-user/SageMaker/storecast
sudo -u ec2-user mkdir -p "$folder"
aws s3 cp {location} /tmp/notebooks.zip --region {region}
sudo -u ec2-user unzip -uo -q /tmp/notebooks.zip -d "$folder"
cat > "$folder/storecast.env" <<END
DATA_BUCKET={data}
RESULTS_BUCKET={results}
DATASET={dataset}
END
chown ec2-user "$folder/storecast.env"
"""


class Workshop(Stack):
    """The notebook instance, its lifecycle configuration and its role."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: Pipeline, storage: Storage, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.add_stack_dependency(storage)
        notebooks = assets.Asset(self, "Notebooks", path=str(_NOTEBOOKS))
        script = _FETCH.format(
            location=notebooks.s3_object_url,
            region=self.region,
            dataset=config.dataset,
            data=storage.data.bucket_name,
            results=storage.results.bucket_name,
        )
        lifecycle = sagemaker.CfnNotebookInstanceLifecycleConfig(
            self,
            "Lifecycle",
            notebook_instance_lifecycle_config_name=f"storecast-{config.dataset}",
            on_start=[
                sagemaker.CfnNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleHookProperty(
                    content=Fn.base64(script)
                )
            ],
        )
        role = rights.role(
            self,
            "NotebookRole",
            principal=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            description=f"Storecast {config.dataset}: the workshop's notebooks",
            rights=self._rights(config, storage, notebooks),
        )
        notebook = sagemaker.CfnNotebookInstance(
            self,
            "Notebook",
            notebook_instance_name=f"storecast-{config.dataset}",
            instance_type="ml.t3.medium",
            platform_identifier="notebook-al2023-v1",
            role_arn=role.role_arn,
            root_access="Disabled",
            direct_internet_access="Enabled",
            volume_size_in_gb=20,
            lifecycle_config_name=lifecycle.attr_notebook_instance_lifecycle_config_name,
            instance_metadata_service_configuration=sagemaker.CfnNotebookInstance.InstanceMetadataServiceConfigurationProperty(
                minimum_instance_metadata_service_version="2"
            ),
        )
        acknowledge(
            notebook, "SM1", "a workshop needs no private network; the option to put it into a VPC is the owner's"
        )
        acknowledge(notebook, "SM2", "the disk holds copies of notebooks; SageMaker encrypts it with its own key")
        acknowledge(
            notebook, "SM3", "the notebooks reach AWS's public endpoints and PyPI; without a VPC there is no other way"
        )
        CfnOutput(self, "NotebookInstance", value=notebook.attr_notebook_instance_name)

    def _rights(self, config: Pipeline, storage: Storage, notebooks: assets.Asset) -> list[Right]:
        """What a visitor of the workshop does: bring data, start and follow runs, look at what came of it."""
        forecasting, recommending = f"forecasting/{config.dataset}/", f"recommending/{config.dataset}/"
        names = "names come at run time"
        return [
            Right(
                ["s3:GetObject"], [f"arn:{self.partition}:s3:::{notebooks.s3_bucket_name}/{notebooks.s3_object_key}"]
            ),
            *(
                right
                for prefix in (forecasting, recommending)
                for bucket in (storage.data_arn, storage.results_arn)
                for right in reading(bucket, prefix)
            ),
            *writing(storage.data_arn, forecasting, recommending),
            Right(
                [
                    "forecast:DescribeAutoPredictor",
                    "forecast:DescribeForecast",
                    "forecast:GetAccuracyMetrics",
                    "forecast:QueryForecast",
                ],
                [self.format_arn(service="forecast", resource="*", resource_name=f"storecast_{config.identifier}*")],
                names,
            ),
            Right(
                ["personalize:DescribeRecommender", "personalize:GetRecommendations"],
                [self.format_arn(service="personalize", resource="*", resource_name=f"storecast-{config.dataset}*")],
                names,
            ),
            Right(
                ["states:StartExecution", "states:ListExecutions"],
                [
                    f"arn:{self.partition}:states:{self.region}:{self.account}:stateMachine:storecast-{config.dataset}-{p}"
                    for p in ("forecasting", "recommending")
                ],
            ),
            Right(
                ["states:DescribeExecution", "states:GetExecutionHistory"],
                [f"arn:{self.partition}:states:{self.region}:{self.account}:execution:storecast-{config.dataset}-*"],
                names,
            ),
        ]
