"""The section `workshop` of a pipeline.yaml: the notebook instances that `make workshop` brings."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator

from infra.config.base import Hours, Strict, enum, matching, not_one_of, problems, refuse

_Group = Annotated[str, matching(r"sg-[0-9a-f]{8,17}", "a security group's id, sg-0123abcd")]


class Vpc(Strict):
    """Where the instances' network interfaces are; what they reach of AWS and the internet is that subnet's matter."""

    subnet_id: Annotated[str, matching(r"subnet-[0-9a-f]{8,17}", "a subnet's id, subnet-0123abcd")]
    security_group_ids: tuple[_Group, ...] = Field(min_length=1, max_length=5)


class Workshop(Strict):
    """What each learner gets; names and values are SageMaker's where it has one."""

    learners: int = Field(default=1, ge=1, le=65)  # a template has 1 MB at most: more need another dataset
    instance_type: str = "ml.t3.medium"
    volume_size_gb: int = Field(default=20, ge=5, le=16_384)
    hours: Hours | None = None  # of the instances
    idle_minutes: int = Field(default=60, ge=5, le=1_440)  # without a running cell or terminal; then it stops
    git_repository: str | None = None  # an https URL that SageMaker clones beside the notebooks
    vpc: Vpc | None = None  # then without SageMaker's own way to the internet
    root_access: bool = False
    classic_policies: bool = False  # the five AWS managed policies of the classic workshop recipe

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
