"""Amazon SageMaker's notebook instances and lifecycle configurations: names, states, errors.

An instance goes Pending -> InService -> Stopping -> Stopped -> (Pending | Deleting) as the API reference of
CreateNotebookInstance, StopNotebookInstance and DeleteNotebookInstance says.
"""

from localaws import wire
from localaws.gateway import Context, Mount
from localaws.resources import Resource, page
from localaws.wire import ServiceError

INSTANCE, LIFECYCLE = "NotebookInstance", "NotebookInstanceLifecycleConfig"
_PREFIXES = {INSTANCE: "notebook-instance", LIFECYCLE: "notebook-instance-lifecycle-config"}
_DEFAULTS = {"VolumeSizeInGB": 5, "DirectInternetAccess": "Enabled", "RootAccess": "Enabled"}


def _arn(context: Context, kind: str, name: str) -> str:
    return context.arn("sagemaker", f"{_PREFIXES[kind]}/{name.lower()}")


def _get(context: Context, kind: str, name: str) -> Resource:
    resource = context.store.find(_arn(context, kind, name))
    if resource is None:
        raise ServiceError("ValidationException", f"RecordNotFound: no {kind} is named {name}")
    return resource


def _add(context: Context, kind: str, name: str, status: str, record: dict, tags: list[dict]) -> Resource:
    arn = _arn(context, kind, name)
    pairs = [(tag["Key"], tag["Value"]) for tag in tags]
    try:
        return context.store.add(arn, kind, name, status, record, pairs)
    except ServiceError:
        raise ServiceError("ValidationException", f"A {kind} named {name} exists already: {arn}") from None


def _require_status(instance: Resource, *allowed: str) -> None:
    if instance.status not in allowed:
        raise ServiceError(
            "ValidationException",
            f"Status ({instance.status}) not in ([{', '.join(allowed)}]). Unable to transition the notebook instance "
            f"{instance.name} ({instance.arn}).",
        )


def _times(resource: Resource) -> dict:
    return {"CreationTime": resource.created, "LastModifiedTime": resource.modified}


# --- lifecycle configurations ---------------------------------------------------------------------------------------


def create_lifecycle_config(context: Context, params: dict) -> dict:
    name = params["NotebookInstanceLifecycleConfigName"]
    config = _add(context, LIFECYCLE, name, "Active", params, params.get("Tags", []))
    return {"NotebookInstanceLifecycleConfigArn": config.arn}


def describe_lifecycle_config(context: Context, params: dict) -> dict:
    config = _get(context, LIFECYCLE, params["NotebookInstanceLifecycleConfigName"])
    return config.record | _times(config) | {"NotebookInstanceLifecycleConfigArn": config.arn}


def update_lifecycle_config(context: Context, params: dict) -> None:
    config = _get(context, LIFECYCLE, params["NotebookInstanceLifecycleConfigName"])
    context.store.update(config.arn, **{key: params[key] for key in ("OnCreate", "OnStart") if key in params})


def delete_lifecycle_config(context: Context, params: dict) -> None:
    config = _get(context, LIFECYCLE, params["NotebookInstanceLifecycleConfigName"])
    users = context.store.all(
        INSTANCE, "sagemaker", lambda each: each.record.get("NotebookInstanceLifecycleConfigName") == config.name
    )
    if users:
        raise ServiceError("ValidationException", f"{config.name} is in use by notebook instance {users[0].name}.")
    context.store.remove(config.arn)


def list_lifecycle_configs(context: Context, params: dict) -> dict:
    configs = context.store.all(LIFECYCLE, "sagemaker", lambda each: params.get("NameContains", "") in each.name)
    listed, token = page(configs, params.get("NextToken"), params.get("MaxResults"))
    summaries = [
        {
            "NotebookInstanceLifecycleConfigName": each.name,
            "NotebookInstanceLifecycleConfigArn": each.arn,
            **_times(each),
        }
        for each in listed
    ]
    return {"NotebookInstanceLifecycleConfigs": summaries, "NextToken": token}


# --- notebook instances ---------------------------------------------------------------------------------------------


def create_instance(context: Context, params: dict) -> dict:
    name = params["NotebookInstanceName"]
    arn = _arn(context, INSTANCE, name)
    lifecycle = params.get("LifecycleConfigName")
    if lifecycle:
        _get(context, LIFECYCLE, lifecycle)
    try:
        context.assume(params["RoleArn"], "sagemaker.amazonaws.com", arn)
    except ServiceError as error:
        message = f"Could not assume role {params['RoleArn']}: {error.message}"
        raise ServiceError("ValidationException", message) from None
    record = _DEFAULTS | params | {"NotebookInstanceLifecycleConfigName": lifecycle}
    instance = _add(context, INSTANCE, name, "Pending", record, params.get("Tags", []))
    context.jobs.later(context.store.update, arn, "InService")
    return {"NotebookInstanceArn": instance.arn}


def describe_instance(context: Context, params: dict) -> dict:
    instance = _get(context, INSTANCE, params["NotebookInstanceName"])
    return instance.record | _summary(context, instance)


def _summary(context: Context, instance: Resource) -> dict:
    return {
        "NotebookInstanceName": instance.name,
        "NotebookInstanceArn": instance.arn,
        "NotebookInstanceStatus": instance.status,
        "InstanceType": instance.record["InstanceType"],
        "NotebookInstanceLifecycleConfigName": instance.record.get("NotebookInstanceLifecycleConfigName"),
        "Url": f"{instance.name}.notebook.{context.region}.sagemaker.aws",
        **_times(instance),
    }


def list_instances(context: Context, params: dict) -> dict:
    def wanted(each: Resource) -> bool:
        return params.get("NameContains", "") in each.name and params.get("StatusEquals", each.status) == each.status

    instances = context.store.all(INSTANCE, "sagemaker", wanted)
    listed, token = page(instances, params.get("NextToken"), params.get("MaxResults"))
    return {"NotebookInstances": [_summary(context, each) for each in listed], "NextToken": token}


def stop_instance(context: Context, params: dict) -> None:
    instance = _get(context, INSTANCE, params["NotebookInstanceName"])
    _require_status(instance, "InService")
    context.store.update(instance.arn, "Stopping")
    context.jobs.later(context.store.update, instance.arn, "Stopped")


def start_instance(context: Context, params: dict) -> None:
    instance = _get(context, INSTANCE, params["NotebookInstanceName"])
    _require_status(instance, "Stopped", "Failed")
    context.store.update(instance.arn, "Pending")
    context.jobs.later(context.store.update, instance.arn, "InService")


def update_instance(context: Context, params: dict) -> None:
    instance = _get(context, INSTANCE, params["NotebookInstanceName"])
    _require_status(instance, "Stopped", "Failed")
    changes = {key: value for key, value in params.items() if key != "NotebookInstanceName"}
    if "LifecycleConfigName" in changes:
        changes["NotebookInstanceLifecycleConfigName"] = _get(context, LIFECYCLE, changes["LifecycleConfigName"]).name
    elif changes.get("DisassociateLifecycleConfig"):
        changes["NotebookInstanceLifecycleConfigName"] = None
    context.store.update(instance.arn, **changes)


def delete_instance(context: Context, params: dict) -> None:
    instance = _get(context, INSTANCE, params["NotebookInstanceName"])
    _require_status(instance, "Stopped", "Failed")
    context.store.update(instance.arn, "Deleting")
    context.jobs.later(context.store.remove, instance.arn)


# --- tags -----------------------------------------------------------------------------------------------------------


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


# --- CloudFormation -------------------------------------------------------------------------------------------------


def _cfn_create_instance(context: Context, name: str, properties: dict) -> tuple[str, dict]:
    params = _instance_params(properties) | {"NotebookInstanceName": properties.get("NotebookInstanceName", name)}
    _check("CreateNotebookInstance", params)
    arn = create_instance(context, params)["NotebookInstanceArn"]
    return arn, {"NotebookInstanceName": params["NotebookInstanceName"]}


def _instance_params(properties: dict) -> dict:
    """CloudFormation writes numbers as strings at will, and SecurityGroupIds, Tags and the rest as the API does."""
    params = dict(properties)
    if "VolumeSizeInGB" in params:
        params["VolumeSizeInGB"] = int(params["VolumeSizeInGB"])
    return params


def _check(operation: str, params: dict) -> None:
    problems = wire.check(SERVICE.model.operation_model(operation).input_shape, params)
    if problems:
        raise ValueError("; ".join(problems))


def _cfn_update_instance(context: Context, arn: str, old: dict, new: dict) -> tuple[str, dict]:
    changes = _instance_params({key: value for key, value in new.items() if old.get(key) != value and key != "Tags"})
    instance = context.store.get(arn)
    context.store.update(arn, **changes)
    context.store.tag(arn, {tag["Key"]: tag["Value"] for tag in new.get("Tags", [])})
    return arn, {"NotebookInstanceName": instance.name}


def _cfn_create_lifecycle(context: Context, name: str, properties: dict) -> tuple[str, dict]:
    name = properties.get("NotebookInstanceLifecycleConfigName", name)
    params = properties | {"NotebookInstanceLifecycleConfigName": name}
    _check("CreateNotebookInstanceLifecycleConfig", params)
    arn = create_lifecycle_config(context, params)["NotebookInstanceLifecycleConfigArn"]
    return arn, {"NotebookInstanceLifecycleConfigName": name}


def _cfn_update_lifecycle(context: Context, arn: str, old: dict, new: dict) -> tuple[str, dict]:
    context.store.update(arn, OnCreate=new.get("OnCreate", []), OnStart=new.get("OnStart", []))
    return arn, {"NotebookInstanceLifecycleConfigName": context.store.get(arn).name}


def _cfn_delete(context: Context, arn: str) -> None:
    """CloudFormation stops a running instance before it deletes it."""
    context.store.remove(arn)


SERVICE = wire.Service(
    "sagemaker",
    {
        "CreateNotebookInstanceLifecycleConfig": create_lifecycle_config,
        "DescribeNotebookInstanceLifecycleConfig": describe_lifecycle_config,
        "UpdateNotebookInstanceLifecycleConfig": update_lifecycle_config,
        "DeleteNotebookInstanceLifecycleConfig": delete_lifecycle_config,
        "ListNotebookInstanceLifecycleConfigs": list_lifecycle_configs,
        "CreateNotebookInstance": create_instance,
        "DescribeNotebookInstance": describe_instance,
        "ListNotebookInstances": list_instances,
        "StartNotebookInstance": start_instance,
        "StopNotebookInstance": stop_instance,
        "UpdateNotebookInstance": update_instance,
        "DeleteNotebookInstance": delete_instance,
        "ListTags": list_tags,
        "AddTags": add_tags,
        "DeleteTags": delete_tags,
    },
    invalid_input="ValidationException",
)


def _new_arns(operation: str, params: dict) -> list[str]:
    """The instance or configuration that a call names; SageMaker's calls name them by name, not by ARN."""
    if params.get("NotebookInstanceName"):
        return [f"notebook-instance/{params['NotebookInstanceName'].lower()}"]
    if params.get("NotebookInstanceLifecycleConfigName"):
        return [f"notebook-instance-lifecycle-config/{params['NotebookInstanceLifecycleConfigName'].lower()}"]
    return []


MOUNT = Mount(
    signing_name="sagemaker",
    target_prefixes=("SageMaker.",),
    service_for=lambda request: SERVICE,
    new_arns=_new_arns,
    sdk_prefix="SageMaker",
    cloudformation={
        "AWS::SageMaker::NotebookInstance": {
            "create": _cfn_create_instance,
            "update": _cfn_update_instance,
            "delete": _cfn_delete,
        },
        "AWS::SageMaker::NotebookInstanceLifecycleConfig": {
            "create": _cfn_create_lifecycle,
            "update": _cfn_update_lifecycle,
            "delete": _cfn_delete,
        },
    },
)
