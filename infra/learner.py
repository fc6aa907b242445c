"""One learner: a notebook instance that brings the notebooks when it starts and stops when idle, its role, and
the roles that it passes to Forecast and Personalize."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra import labs, permissions
from infra.checks import acknowledge
from infra.config import Pipeline, Workshop
from infra.permissions import Permission
from infra.storage import WORKSHOP, Storage

SCRIPTS = Path(__file__).resolve().parent / "lifecycle"
CLASSIC = (
    "AmazonSageMakerFullAccess",
    "AmazonS3FullAccess",
    "service-role/AmazonPersonalizeFullAccess",
    "AmazonForecastFullAccess",
    "IAMFullAccess",
)


@dataclass(frozen=True)
class Place:
    """What all learners share."""

    config: Pipeline
    storage: Storage
    key: str | None
    notebooks: assets.Asset
    stop_when_idle: assets.Asset  # the script, once for all: in each lifecycle it would take up the template
    shared: iam.ManagedPolicy


class Learner(Construct):
    """The learner called `name`: small letters and digits, the last two of them a number."""

    def __init__(self, scope: Stack, name: str, *, place: Place) -> None:
        super().__init__(scope, f"Learner{name[-2:]}")
        settings = place.config.workshop
        self.instance, self.folder = f"storecast-{name}{_suffix(place)}", f"{WORKSHOP}{name}/"
        self.passed = {  # by service: the roles under which Forecast and Personalize reach this learner's files
            service: permissions.service_role(self, service, allowed, place.key)
            for service, allowed in labs.served(place.storage, self.folder).items()
        }
        self.role = role = permissions.role(
            self,
            "Role",
            principal=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            description=f"Storecast: what {name} may do in the workshop",
            permissions=[
                *labs.allowed(scope, place.storage, f"lab_{name}", self.folder),
                *self._instance_permissions(scope, place),
            ],
            key=place.key,
        )
        role.add_managed_policy(place.shared)
        if settings.classic_policies:
            _add_classic_policies(role)
        lifecycle = sagemaker.CfnNotebookInstanceLifecycleConfig(
            self,
            "Lifecycle",
            notebook_instance_lifecycle_config_name=self.instance,
            on_start=[
                sagemaker.CfnNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleHookProperty(
                    content=Fn.base64(self._on_start(scope, name, place))
                )
            ],
        )
        self.notebook = sagemaker.CfnNotebookInstance(
            self,
            "Notebook",
            notebook_instance_name=self.instance,
            instance_type=settings.instance_type,
            platform_identifier="notebook-al2023-v1",
            role_arn=role.role_arn,
            root_access="Enabled" if settings.root_access else "Disabled",
            **_network(settings),
            # Beside the notebooks that the start brings: JupyterLab would open in a default one.
            additional_code_repositories=[settings.git_repository] if settings.git_repository else None,
            volume_size_in_gb=settings.volume_size_gb,
            kms_key_id=place.key,
            lifecycle_config_name=lifecycle.attr_notebook_instance_lifecycle_config_name,
            instance_metadata_service_configuration=sagemaker.CfnNotebookInstance.InstanceMetadataServiceConfigurationProperty(
                minimum_instance_metadata_service_version="2"
            ),
        )
        if not settings.vpc:
            acknowledge(self.notebook, "SM1", "without `vpc` in the config it is in none of the account's networks")
            acknowledge(self.notebook, "SM3", "it reaches AWS's endpoints and PyPI, without a VPC in no other way")
        if not place.key:
            acknowledge(self.notebook, "SM2", "the disk holds copies of notebooks, under SageMaker's own key")

    def _instance_permissions(self, stack: Stack, place: Place) -> list[Permission]:
        """What its own start and its idle stop need, and its two roles to pass."""
        brought = (place.notebooks, place.stop_when_idle)
        return [
            Permission(
                ["s3:GetObject"],
                [f"arn:{stack.partition}:s3:::{each.s3_bucket_name}/{each.s3_object_key}" for each in brought],
            ),
            Permission(
                ["sagemaker:StopNotebookInstance"],
                [stack.format_arn(service="sagemaker", resource="notebook-instance", resource_name=self.instance)],
            ),
            *(
                Permission(
                    ["iam:PassRole"],
                    [role.role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}},
                )
                for service, role in self.passed.items()
            ),
        ]

    def _on_start(self, stack: Stack, name: str, place: Place) -> str:
        """The lifecycle script; `storecast.env` is all that the notebooks know of where they are."""
        settings = {
            "DATASET": place.config.dataset,
            "DATA_BUCKET": place.storage.data.bucket_name,
            "RESULTS_BUCKET": place.storage.results.bucket_name,
            "LEARNER": name,
            "FORECAST_ROLE_ARN": self.passed["forecast"].role_arn,
            "PERSONALIZE_ROLE_ARN": self.passed["personalize"].role_arn,
        }
        return (
            (SCRIPTS / "on_start.sh")
            .read_text()
            .format(
                region=stack.region,
                notebooks=place.notebooks.s3_object_url,
                settings="\n".join(f"{key}={value}" for key, value in settings.items()),
                stop_when_idle=place.stop_when_idle.s3_object_url,
                instance=self.instance,
                idle_minutes=place.config.workshop.idle_minutes,
            )
        )


def _suffix(place: Place) -> str:
    """Of an instance in a VPC or under a key, which ones: a change of either needs another instance, and CloudFormation
    replaces nothing that keeps its name. The old instance's disk goes with it."""
    vpc = place.config.workshop.vpc
    if not (vpc or place.key):
        return ""
    chosen = json.dumps([vpc and vpc.model_dump(mode="json"), bool(place.key)])
    return f"-{hashlib.sha256(chosen.encode()).hexdigest()[:6]}"


def _network(settings: Workshop) -> dict[str, Any]:
    """Either SageMaker's way to the internet or a VPC's, never both
    (docs/aws-sources.md#sagemaker-API_CreateNotebookInstance)."""
    if not settings.vpc:
        return {"direct_internet_access": "Enabled"}
    return {
        "direct_internet_access": "Disabled",
        "subnet_id": settings.vpc.subnet_id,
        "security_group_ids": list(settings.vpc.security_group_ids),
    }


def _add_classic_policies(role: iam.Role) -> None:
    for name in CLASSIC:
        role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name(name))
        acknowledge(
            role,
            f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{name}]",
            "the classic workshop recipe, asked for in the config; the synth warns of it",
        )


def starting(stack: Stack, config: Pipeline, roles: Sequence[str], key: str | None) -> list[Permission]:
    """What a start of instances under these roles needs beside its own action, in a VPC and under a key (SageMaker
    docs/aws-sources.md#sagemaker-api-permissions-reference)."""
    passed_to = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    needed = [Permission(["iam:PassRole"], roles, conditions=passed_to)]
    if vpc := config.workshop.vpc:
        groups = [("security-group", each) for each in vpc.security_group_ids]
        places = [("subnet", vpc.subnet_id), *groups, ("network-interface", "*")]
        interface = [stack.format_arn(service="ec2", resource=kind, resource_name=name) for kind, name in places]
        describes = ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
        needed += [
            Permission(["ec2:CreateNetworkInterface"], interface, "EC2 chooses the interface's id"),
            Permission([f"ec2:Describe{each}" for each in describes], ["*"], "EC2's Describe calls know no resources"),
        ]
    return [*needed, *([Permission(["kms:DescribeKey", "kms:CreateGrant"], [key])] if key else [])]
