"""Lifecycle configurations: the scripts that an instance runs when it is created (OnCreate) and at each start."""

import base64

from localaws.registration import Context
from localaws.services.sagemaker.resource_types import INSTANCE, LIFECYCLE, SAGEMAKER, invalid, named

_HOOKS = ("OnCreate", "OnStart")  # in the order in which they run


def scripts(context: Context, name: str, hooks: tuple[str, ...] = _HOOKS) -> list[tuple[str, str]]:
    """The texts of the configuration's scripts with their hooks, as they stand at this moment."""
    record = named(context, LIFECYCLE, name).record
    return [(hook, _text(hook, script)) for hook in hooks for script in record.get(hook, [])]


def _text(hook: str, script: dict) -> str:
    if not script.get("Content"):
        raise invalid(f"A script of {hook} has no Content")
    try:
        return base64.b64decode(script.get("Content", ""), validate=True).decode()
    except ValueError as error:  # not ASCII, not base64, or not text
        raise invalid(f"{hook} is not a base64-encoded script: {error}") from None


def _check_scripts(params: dict) -> None:
    for hook in _HOOKS:
        for script in params.get(hook, []):
            _text(hook, script)


def create_lifecycle_config(context: Context, params: dict) -> dict:
    _check_scripts(params)
    config = SAGEMAKER.create(context, LIFECYCLE, params, "Active")
    return {"NotebookInstanceLifecycleConfigArn": config.arn}


def update_lifecycle_config(context: Context, params: dict) -> None:
    """Instances that use the configuration run the new scripts the next time they start."""
    _check_scripts(params)
    config = named(context, LIFECYCLE, params["NotebookInstanceLifecycleConfigName"])
    context.store.update(config.arn, **{hook: params[hook] for hook in _HOOKS if hook in params})


def delete_lifecycle_config(context: Context, params: dict) -> None:
    config = named(context, LIFECYCLE, params["NotebookInstanceLifecycleConfigName"])
    users = SAGEMAKER.having(context, INSTANCE, NotebookInstanceLifecycleConfigName=config.name)
    if users:
        raise invalid(f"{config.name} is in use by notebook instance {users[0].name}.")
    SAGEMAKER.remove(context, config)
