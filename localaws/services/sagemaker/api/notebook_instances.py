"""Notebook instances: Pending -> InService -> Stopping -> Stopped -> (Pending | Deleting), Failed where a start fails
(API reference of CreateNotebookInstance, StartNotebookInstance, StopNotebookInstance, DeleteNotebookInstance).

Each operation takes the Machines that the instances run on, then the context and parameters of its call.
"""

from localaws.errors import ServiceError
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.sagemaker.api.lifecycle_configs import scripts
from localaws.services.sagemaker.machines import Machines
from localaws.services.sagemaker.resource_types import INSTANCE, LIFECYCLE, SAGEMAKER, invalid, named

_DEFAULTS = {"VolumeSizeInGB": 5, "DirectInternetAccess": "Enabled", "RootAccess": "Enabled"}


def create(machines: Machines, context: Context, params: dict) -> dict:
    arn = SAGEMAKER.arn(context, INSTANCE, params)
    lifecycle = params.get("LifecycleConfigName")
    if lifecycle:
        named(context, LIFECYCLE, lifecycle)
    _check_role(context, params["RoleArn"], arn)
    _check_network(params)
    record = _DEFAULTS | params
    record |= {"NotebookInstanceLifecycleConfigName": lifecycle, "SecurityGroups": params.get("SecurityGroupIds")}
    record["Url"] = f"{params['NotebookInstanceName']}.notebook.{context.region}.sagemaker.aws"
    _check_caller(context, record)
    instance = SAGEMAKER.create(context, INSTANCE, record, "Pending")
    _boot(machines, context, instance)
    return {"NotebookInstanceArn": instance.arn}


def _check_role(context: Context, role: str, arn: str) -> None:
    try:
        context.assume(role, "sagemaker.amazonaws.com", arn)
    except ServiceError as error:
        raise invalid(f"Could not assume role {role}: {error.message}") from None


def _check_caller(context: Context, record: dict) -> None:
    """What a call that starts an instance needs beside its own action
    (docs/aws-sources.md#sagemaker-api-permissions-reference)."""
    context.require("iam:PassRole", record["RoleArn"], {"iam:PassedToService": "sagemaker.amazonaws.com"})
    if record.get("SubnetId"):
        place = f"arn:aws:ec2:{context.region}:{context.account}"
        interface = [f"subnet/{record['SubnetId']}", "network-interface/*"]
        for resource in [*interface, *(f"security-group/{each}" for each in record.get("SecurityGroups") or ())]:
            context.require("ec2:CreateNetworkInterface", f"{place}:{resource}", {})
        for described in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"):
            context.require(f"ec2:Describe{described}", "*", {})
    if key := record.get("KmsKeyId"):
        for action in ("kms:DescribeKey", "kms:CreateGrant"):
            context.require(action, key if key.startswith("arn:") else context.arn("kms", f"key/{key}"), {})


def _check_network(params: dict) -> None:
    """API reference of CreateNotebookInstance: DirectInternetAccess, SecurityGroupIds."""
    if params.get("SubnetId"):
        return
    if params.get("SecurityGroupIds"):
        raise invalid("SecurityGroupIds are of a VPC: give a SubnetId of it too")
    if params.get("DirectInternetAccess") == "Disabled":
        raise invalid("DirectInternetAccess can be Disabled only with a SubnetId")


def _boot(machines: Machines, context: Context, instance: Resource) -> None:
    """OnCreate belongs to the first start that succeeds, OnStart to each."""
    lifecycle = instance.record.get("NotebookInstanceLifecycleConfigName")
    hooks = ("OnStart",) if instance.private.get("created") else ("OnCreate", "OnStart")
    machines.start(context, instance, scripts(context, lifecycle, hooks) if lifecycle else [])


def resume(machines: Machines, context: Context) -> None:
    """After a restart of the embedded AWS: what was in service comes back, with its OnStart; the rest has stopped."""
    for instance in SAGEMAKER.of_type(context, INSTANCE):
        if instance.status in ("Pending", "InService"):
            context.store.update(instance.arn, "Pending")
            _boot(machines, context, instance)
        elif instance.status == "Stopping":
            context.store.update(instance.arn, "Stopped")


def presigned_url(machines: Machines, context: Context, params: dict) -> dict:
    """JupyterLab on loopback, over plain HTTP, with its token: it opens as long as the instance stays in service."""
    instance = named(context, INSTANCE, params["NotebookInstanceName"])
    _require_status(instance, "InService", "InService")
    return {"AuthorizedUrl": instance.private["url"]}


def stop(machines: Machines, context: Context, params: dict) -> None:
    instance = named(context, INSTANCE, params["NotebookInstanceName"])
    _require_status(instance, "Stopping", "InService")
    context.store.update(instance.arn, "Stopping")
    machines.stop(instance.arn, context.store.update, instance.arn, "Stopped")


def start(machines: Machines, context: Context, params: dict) -> None:
    instance = named(context, INSTANCE, params["NotebookInstanceName"])
    _require_status(instance, "Pending", "Stopped", "Failed")
    _check_caller(context, instance.record)
    context.store.update(instance.arn, "Pending", FailureReason=None)
    _boot(machines, context, instance)


def update(machines: Machines, context: Context, params: dict) -> None:
    instance = named(context, INSTANCE, params["NotebookInstanceName"])
    _require_status(instance, "Updating", "Stopped", "Failed")
    change(context, instance, {key: value for key, value in params.items() if key != "NotebookInstanceName"})


def change(context: Context, instance: Resource, changes: dict) -> None:
    """Merges new settings (members of UpdateNotebookInstance) into the record."""
    if "RoleArn" in changes:
        _check_role(context, changes["RoleArn"], instance.arn)
    if "LifecycleConfigName" in changes:
        lifecycle = named(context, LIFECYCLE, changes["LifecycleConfigName"])
        changes = changes | {"NotebookInstanceLifecycleConfigName": lifecycle.name}
    elif changes.get("DisassociateLifecycleConfig"):
        changes = changes | {"NotebookInstanceLifecycleConfigName": None}
    context.store.update(instance.arn, **changes)


def delete(machines: Machines, context: Context, params: dict) -> None:
    instance = named(context, INSTANCE, params["NotebookInstanceName"])
    _require_status(instance, "Deleting", "Stopped", "Failed")
    SAGEMAKER.remove(context, instance)


def _require_status(instance: Resource, to: str, *allowed: str) -> None:
    """Raises ServiceError ValidationException unless the instance may go from its status `to` another (recorded)."""
    if instance.status not in allowed:
        raise invalid(
            f"Status ({instance.status}) not in ([{', '.join(allowed)}]). Unable to transition to ({to}) for Notebook "
            f"Instance ({instance.arn})"
        )
