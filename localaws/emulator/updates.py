"""CloudFormation: a complete update deletes what it replaced or removed, in a status of its own, and lets go of what
three attempts could not delete (docs/aws-sources.md#cloudformation-view-stack-events, "Stack status codes", and
docs/aws-sources.md#cloudformation-using-cfn-updating-stacks-monitor-stack).

ministack deletes while the update is in progress, attempts it once, and keeps in the stack what it could not delete.
"""

import functools
import logging
from collections.abc import Callable

from ministack.services import cloudformation
from ministack.services.cloudformation import stacks

logger = logging.getLogger("storecast.emulator")

_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
_ATTEMPTS = 3


def register() -> None:
    stacks._resolve_stack_outputs = _before_the_cleanup(stacks._resolve_stack_outputs)
    stacks._delete_resource = _of_an_update(stacks._delete_resource)


def _before_the_cleanup(resolve_outputs: Callable[..., tuple]) -> Callable[..., tuple]:
    """An update's outputs are the last of it that can fail; what follows is its cleanup."""

    @functools.wraps(resolve_outputs)
    def resolved(*arguments: object) -> tuple:
        outputs = resolve_outputs(*arguments)
        name, stack_id = arguments[-2:]
        stack = cloudformation._stacks[name]
        if stack["StackStatus"] == "UPDATE_IN_PROGRESS":
            stack["StackStatus"] = _CLEANUP
            stacks._add_event(stack_id, name, name, "AWS::CloudFormation::Stack", _CLEANUP, physical_id=stack_id)
        return outputs

    return resolved


def _of_an_update(delete: Callable[..., None]) -> Callable[..., None]:
    """In the cleanup, `delete` up to three times, and no error after that: ministack drops what is deleted."""

    @functools.wraps(delete)
    def deleted(kind: str, physical_id: str, properties: dict, stack_name: str, logical_id: str) -> None:
        stack = cloudformation._stacks[stack_name]
        if stack["StackStatus"] != _CLEANUP:
            delete(kind, physical_id, properties, stack_name, logical_id)
            return
        for _ in range(_ATTEMPTS):
            try:
                delete(kind, physical_id, properties, stack_name, logical_id)
                return
            except Exception as error:  # of whatever handles the type
                logger.warning("the update of %s could not delete %s: %s", stack_name, logical_id, error)
                reason = str(error)
        stacks._add_event(stack["StackId"], stack_name, logical_id, kind, "DELETE_FAILED", reason, physical_id)

    return deleted
