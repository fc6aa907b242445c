"""Amazon SageMaker's notebook instances and lifecycle configurations, as the emulator serves them."""

import functools

from localaws import protocol
from localaws.errors import ServiceError
from localaws.registration import Context, Registration
from localaws.services.sagemaker import cloudformation
from localaws.services.sagemaker.api import lifecycle_configs, notebook_instances
from localaws.services.sagemaker.machines import Machines

_INSTANCES = {
    "CreateNotebookInstance": notebook_instances.create,
    "DescribeNotebookInstance": notebook_instances.describe,
    "ListNotebookInstances": notebook_instances.list_all,
    "CreatePresignedNotebookInstanceUrl": notebook_instances.presigned_url,
    "StartNotebookInstance": notebook_instances.start,
    "StopNotebookInstance": notebook_instances.stop,
    "UpdateNotebookInstance": notebook_instances.update,
    "DeleteNotebookInstance": notebook_instances.delete,
}


def _tagged(context: Context, arn: str) -> str:
    if context.store.find(arn) is None:
        raise ServiceError("ValidationException", f"RecordNotFound: there is no resource {arn}")
    return arn


def list_tags(context: Context, params: dict) -> dict:
    tags = context.store.tags(_tagged(context, params["ResourceArn"]))
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def add_tags(context: Context, params: dict) -> dict:
    context.store.tag(_tagged(context, params["ResourceArn"]), {tag["Key"]: tag["Value"] for tag in params["Tags"]})
    return list_tags(context, params)


def delete_tags(context: Context, params: dict) -> None:
    context.store.untag(_tagged(context, params["ResourceArn"]), params["TagKeys"])


def _new_arns(operation: str, params: dict) -> list[str]:
    """The instance or configuration that a call names; SageMaker's calls name them by name, not by ARN."""
    if params.get("NotebookInstanceName"):
        return [f"notebook-instance/{params['NotebookInstanceName'].lower()}"]
    if params.get("NotebookInstanceLifecycleConfigName"):
        return [f"notebook-instance-lifecycle-config/{params['NotebookInstanceLifecycleConfigName'].lower()}"]
    return []


def registration(machines: Machines) -> Registration:
    """SageMaker, its instances running on `machines`."""
    service = protocol.Service(
        "sagemaker",
        {
            "CreateNotebookInstanceLifecycleConfig": lifecycle_configs.create_lifecycle_config,
            "DescribeNotebookInstanceLifecycleConfig": lifecycle_configs.describe_lifecycle_config,
            "UpdateNotebookInstanceLifecycleConfig": lifecycle_configs.update_lifecycle_config,
            "DeleteNotebookInstanceLifecycleConfig": lifecycle_configs.delete_lifecycle_config,
            "ListNotebookInstanceLifecycleConfigs": lifecycle_configs.list_lifecycle_configs,
            **{name: functools.partial(operation, machines) for name, operation in _INSTANCES.items()},
            "ListTags": list_tags,
            "AddTags": add_tags,
            "DeleteTags": delete_tags,
        },
        invalid_input="ValidationException",
    )
    return Registration(
        signing_name="sagemaker",
        target_prefixes=("SageMaker.",),
        service_for=lambda request: service,
        new_arns=_new_arns,
        sdk_prefix="SageMaker",
        cloudformation=cloudformation.handlers(machines),
        resume=functools.partial(notebook_instances.resume, machines),
    )
