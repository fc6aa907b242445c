"""Amazon SageMaker's notebook instances and lifecycle configurations, as the emulator serves them."""

import functools

from localaws import protocol
from localaws.registration import Registration
from localaws.services.sagemaker import cloudformation
from localaws.services.sagemaker.api import lifecycle_configs, notebook_instances
from localaws.services.sagemaker.machines import Machines
from localaws.services.sagemaker.resource_types import SAGEMAKER as OPERATIONS
from localaws.services.sagemaker.resource_types import TYPES

_INSTANCES = {
    "CreateNotebookInstance": notebook_instances.create,
    "CreatePresignedNotebookInstanceUrl": notebook_instances.presigned_url,
    "StartNotebookInstance": notebook_instances.start,
    "StopNotebookInstance": notebook_instances.stop,
    "UpdateNotebookInstance": notebook_instances.update,
    "DeleteNotebookInstance": notebook_instances.delete,
}


def registration(machines: Machines) -> Registration:
    """SageMaker, its instances running on `machines`."""
    service = protocol.Service(
        "sagemaker",
        OPERATIONS.shared()
        | {
            "CreateNotebookInstanceLifecycleConfig": lifecycle_configs.create_lifecycle_config,
            "UpdateNotebookInstanceLifecycleConfig": lifecycle_configs.update_lifecycle_config,
            "DeleteNotebookInstanceLifecycleConfig": lifecycle_configs.delete_lifecycle_config,
            **{name: functools.partial(operation, machines) for name, operation in _INSTANCES.items()},
        },
        invalid_input="ValidationException",
    )
    return Registration(
        types=TYPES,
        signing_name="sagemaker",
        target_prefixes=("SageMaker.",),
        service_for=lambda request: service,
        new_arns=OPERATIONS.named_by_call,
        sdk_prefix="SageMaker",
        cloudformation=cloudformation.handlers(machines),
        resume=functools.partial(notebook_instances.resume, machines),
    )
