"""CloudFormation's AWS::SageMaker::NotebookInstance and AWS::SageMaker::NotebookInstanceLifecycleConfig.

As on AWS, a stack waits until its instance is in service, fails with the instance's FailureReason, stops an instance
that it changes or deletes, and starts it again after a change.
"""

import functools
import time
from collections.abc import Callable, Mapping

import botocore.session

from localaws import protocol
from localaws.registration import Context
from localaws.services.sagemaker.api import lifecycle_configs, notebook_instances
from localaws.services.sagemaker.machines import Machines

_PAUSE_SECONDS = 0.1


def handlers(machines: Machines) -> Mapping[str, Mapping[str, Callable]]:
    return {
        "AWS::SageMaker::NotebookInstance": {
            "create": functools.partial(_create_instance, machines),
            "update": functools.partial(_update_instance, machines),
            "delete": functools.partial(_delete_instance, machines),
        },
        "AWS::SageMaker::NotebookInstanceLifecycleConfig": {
            "create": _create_lifecycle,
            "update": _update_lifecycle,
            "delete": _delete_lifecycle,
        },
    }


def _create_instance(machines: Machines, context: Context, name: str, properties: dict) -> tuple[str, dict]:
    params = _instance_params(properties) | {"NotebookInstanceName": properties.get("NotebookInstanceName", name)}
    _check("CreateNotebookInstance", params)
    arn = notebook_instances.create(machines, context, params)["NotebookInstanceArn"]
    try:
        _await_service(context, arn)
    except ValueError:
        _delete_instance(machines, context, arn)
        raise
    return arn, {"NotebookInstanceName": params["NotebookInstanceName"]}


def _await_service(context: Context, arn: str) -> None:
    while (instance := context.store.get(arn)).status == "Pending":
        time.sleep(_PAUSE_SECONDS)
    if instance.status == "Failed":
        raise ValueError(instance.record["FailureReason"])


def _instance_params(properties: dict) -> dict:
    """CloudFormation writes numbers as strings at will, and SecurityGroupIds, Tags and the rest as the API does."""
    params = dict(properties)
    if "VolumeSizeInGB" in params:
        params["VolumeSizeInGB"] = int(params["VolumeSizeInGB"])
    return params


def _check(operation: str, params: dict) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    problems = protocol.check(model.operation_model(operation).input_shape, params)
    if problems:
        raise ValueError("; ".join(problems))


# Properties whose change needs another instance (CloudFormation's schema of the type, createOnlyProperties, and the
# template reference of AWS::SageMaker::NotebookInstance, "Update requires: Replacement").
_REPLACING = ("DirectInternetAccess", "KmsKeyId", "NotebookInstanceName", "SecurityGroupIds", "SubnetId")


def _update_instance(machines: Machines, context: Context, arn: str, old: dict, new: dict) -> tuple[str, dict]:
    instance = context.store.get(arn)
    if any(old.get(name) != new.get(name) for name in _REPLACING):
        if new.get("NotebookInstanceName") == instance.name:
            raise ValueError(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename "
                f"{instance.name} and update the stack again."
            )
        return _create_instance(machines, context, instance.name, new)  # the old one goes in the update's clean-up
    changes = _instance_params({key: value for key, value in new.items() if old.get(key) != value and key != "Tags"})
    if "LifecycleConfigName" in old and "LifecycleConfigName" not in new:
        changes["DisassociateLifecycleConfig"] = True
    if changes:
        machines.end(arn)
        context.store.update(arn, "Stopped")
        notebook_instances.change(context, instance, changes)
        notebook_instances.start(machines, context, {"NotebookInstanceName": instance.name})
        _await_service(context, arn)
    context.store.tag(arn, {tag["Key"]: tag["Value"] for tag in new.get("Tags", [])})
    return arn, {"NotebookInstanceName": instance.name}


def _delete_instance(machines: Machines, context: Context, arn: str) -> None:
    machines.end(arn)
    context.store.remove(arn)


def _create_lifecycle(context: Context, name: str, properties: dict) -> tuple[str, dict]:
    name = properties.get("NotebookInstanceLifecycleConfigName", name)
    params = properties | {"NotebookInstanceLifecycleConfigName": name}
    _check("CreateNotebookInstanceLifecycleConfig", params)
    arn = lifecycle_configs.create_lifecycle_config(context, params)["NotebookInstanceLifecycleConfigArn"]
    return arn, {"NotebookInstanceLifecycleConfigName": name}


def _update_lifecycle(context: Context, arn: str, old: dict, new: dict) -> tuple[str, dict]:
    name = context.store.get(arn).name
    scripts = {hook: new.get(hook, []) for hook in ("OnCreate", "OnStart")}
    lifecycle_configs.update_lifecycle_config(context, {"NotebookInstanceLifecycleConfigName": name} | scripts)
    return arn, {"NotebookInstanceLifecycleConfigName": name}


def _delete_lifecycle(context: Context, arn: str) -> None:
    context.store.remove(arn)
