"""SageMaker's resource types: notebook instances and their lifecycle configurations. Calls name them by name."""

from collections.abc import Callable, Mapping
from typing import TypedDict

from localaws.errors import ServiceError
from localaws.operations import Operations
from localaws.registration import Context
from localaws.resource_types import Members, Refusal, Refusals, ResourceType, ResourceTypes, States, table
from localaws.resources import Resource


class InstancePrivate(TypedDict, total=False):
    """What the store keeps of an instance besides what the API shows."""

    url: str  # of its JupyterLab, with the token
    created: bool  # whether it has been in service: OnCreate runs once


INSTANCE, LIFECYCLE = "NotebookInstance", "NotebookInstanceLifecycleConfig"


def _wanted(resource_type: ResourceType, params: Mapping) -> Callable[[Mapping], bool]:
    part, status = params.get("NameContains", ""), params.get("StatusEquals")
    return lambda one: part in one[resource_type.named_by] and status in (None, one[f"{resource_type.name}Status"])


TYPES = ResourceTypes(
    service="sagemaker",
    types=table(
        ResourceType(
            name=INSTANCE,
            states=States(done="InService", failed="Failed", deleting="Deleting"),
            private=InstancePrivate,
            arn_path=lambda params: f"notebook-instance/{params[f'{INSTANCE}Name'].lower()}",
        ),
        ResourceType(
            name=LIFECYCLE,
            states=States(done="Active"),
            arn_path=lambda params: f"notebook-instance-lifecycle-config/{params[f'{LIFECYCLE}Name'].lower()}",
        ),
    ),
    members=Members(
        capitals=True,
        status="{type}Status",
        created="CreationTime",
        modified="LastModifiedTime",
        failure="FailureReason",
        tag_key="Key",
        tag_value="Value",
    ),
    refusals=Refusals(
        missing=Refusal("ValidationException", "RecordNotFound: there is no {type} {arn}"),
        taken=Refusal("ValidationException", "A {type} named {name} exists already: {arn}"),
        not_active=Refusal("ValidationException", "Status ({status}) not in ([InService]): {arn}"),
        locked=Refusal("ValidationException", "{arn} cannot be deleted while its status is {status}"),
        in_use=Refusal("ValidationException", "{arn} is in use by {other}"),
        unstoppable=Refusal("ValidationException", "{arn} cannot be stopped: its status is {status}"),
        too_many_tags=Refusal("ResourceLimitExceeded", "{arn} would have {count} tags; it may have {most}"),
    ),
    wanted=_wanted,
    by_name=True,
    tag_operations=("ListTags", "AddTags", "DeleteTags"),
)
SAGEMAKER = Operations(TYPES)


def named(context: Context, type_name: str, name: str) -> Resource:
    """Raises ServiceError ValidationException when there is none of this type and name."""
    return SAGEMAKER.get(context, type_name, SAGEMAKER.arn(context, type_name, {f"{type_name}Name": name}))


def invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
