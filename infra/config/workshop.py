"""The section `workshop` of a pipeline.yaml: the notebook instances that `make workshop` brings."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator

from infra.config.base import Hours, Strict, enum, matching, not_one_of, problems, refuse

_Group = Annotated[str, matching(r"sg-[0-9a-f]{8,17}", "a security group's id, sg-0123abcd")]


class Vpc(Strict):
    """A network of your own, through which the instances must reach S3, Forecast, Personalize and PyPI."""

    subnet_id: Annotated[str, matching(r"subnet-[0-9a-f]{8,17}", "a subnet's id, subnet-0123abcd")]
    """The subnet of the network interfaces."""
    security_group_ids: tuple[_Group, ...] = Field(min_length=1, max_length=5)
    """The security groups of the network interfaces."""


class Workshop(Strict):
    """What each learner gets; names and values are SageMaker's where it has one."""

    learners: int = Field(default=1, ge=1, le=65)  # a template has 1 MB at most: more need another dataset
    """How many notebook instances; `LEARNERS=N` of make overrides it."""
    instance_type: str = "ml.t3.medium"
    """SageMaker's instance type of each."""
    volume_size_gb: int = Field(default=20, ge=5, le=16_384)
    """The size of each disk, in GB."""
    hours: Hours | None = None
    """When the clock starts and stops the instances; without it they are on until they are idle."""
    idle_minutes: int = Field(default=60, ge=5, le=1_440)
    """An instance stops after this many minutes without a running cell or terminal; its files stay."""
    git_repository: str | None = None
    """An https URL that SageMaker clones beside the notebooks."""
    vpc: Vpc | None = None
    """A network of your own for the instances, in place of SageMaker's. Another one later means new instances: the
    files on their disks are lost."""
    root_access: bool = False
    """Learners may become root."""
    classic_policies: bool = False
    """Adds the five AWS managed policies of the classic workshop recipe (full access to S3, SageMaker, Personalize,
    Forecast and IAM). The synth warns."""

    @field_validator("instance_type")
    @classmethod
    def _instance_type(cls, value: str) -> str:
        refuse(not_one_of(value, enum("sagemaker", "InstanceType")))
        return value

    @field_validator("git_repository")
    @classmethod
    def _git_repository(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https://[^/\s@]+/\S+", value):
            raise problems(["allowed: an https URL without credentials, such as https://github.com/owner/name"])
        return value
