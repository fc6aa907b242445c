"""CloudFormation: an export that another stack imports can be neither changed nor taken away
(docs/aws-sources.md#cloudformation-using-cfn-stack-exports). ministack refuses only to delete the whole stack."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, stacks


def register() -> None:
    stacks._resolve_stack_outputs = _refusing(stacks._resolve_stack_outputs)


def _refusing(resolve: Callable[..., tuple[list, dict]]) -> Callable[..., tuple[list, dict]]:
    @functools.wraps(resolve)
    def resolved(*arguments: Any) -> tuple[list, dict]:
        stack_name, stack_id = arguments[-2:]
        outputs, exports = resolve(*arguments)
        before = {name: each for name, each in cloudformation._exports.items() if each["StackId"] == stack_id}
        for name, export in before.items():
            if name in exports and exports[name]["Value"] == export["Value"]:
                continue
            verb = "updated" if name in exports else "deleted"
            for importer in _importers(name, stack_name):
                raise ValueError(f"Export {name} cannot be {verb} as it is in use by {importer}")
        for name in before.keys() - exports.keys():
            cloudformation._exports.pop(name, None)
        return outputs, exports

    return resolved


def _importers(export: str, exporter: str) -> Iterator[str]:
    for name, stack in list(cloudformation._stacks.items()):
        gone = stack.get("StackStatus", "").startswith("DELETE_COMPLETE")
        if name != exporter and not gone and export in handlers._imported_export_names(stack, name):
            yield name
