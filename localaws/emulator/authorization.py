"""What the Service Authorization Reference says of actions: the resources that can be named, and the condition keys.

IAM evaluates an action without resource types on the resource "*" alone, and a condition key that an action does not
support as absent (docs/aws-sources.md#iam-reference_policies_actions-resources-contextkeys).
"""

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator

TABLE = Path(__file__).with_name("service_authorization.json")
_ON_STREAMS = {f"logs:{verb}" for verb in ("CreateLogStream", "DeleteLogStream", "PutLogEvents", "GetLogEvents")}
_ON_DATABASES = tuple(f"glue:{verb}Database" for verb in ("Get", "Update", "Delete"))
# Of the global condition keys, those that only the listed actions support.
_BY_TAG = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")


def register() -> None:
    iam_evaluator._resolve_condition_key = _of_supported_keys(iam_evaluator._resolve_condition_key)


@functools.cache
def _actions() -> dict[str, Any]:
    return json.loads(TABLE.read_text())


def resource_asked(action: str, resource: str) -> str:
    """The resource that IAM is asked about: "*" for an action without resource types."""
    known = _actions().get(action)
    if known and not known["names_resources"]:
        return "*"
    if action in _ON_STREAMS and resource.startswith("arn:aws:logs:"):
        return f"{resource}:log-stream:"  # of a stream whose name ministack does not read
    # ministack takes every name in a call to Glue for a table's.
    return resource.replace(":table/", ":database/") if action in _ON_DATABASES else resource


def supports(action: str, key: str) -> bool:
    """Whether a request for the action can have the condition key; for an action that the table lacks, any."""
    known, key = _actions().get(action), key.lower()
    if known is None or (key.startswith("aws:") and not key.startswith(_BY_TAG)):
        return True
    return any(_names(supported, key) for supported in known["condition_keys"])


def _names(supported: str, key: str) -> bool:
    """A supported key may end in a variable: aws:RequestTag/${TagKey}, s3:ExistingObjectTag/<key>."""
    stem = re.split(r"\$\{|<", supported)[0].lower()
    return key.startswith(stem) if len(stem) < len(supported) else key == stem


def _of_supported_keys(resolve: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    @functools.wraps(resolve)
    def resolved(key: str, context: iam_evaluator.EvalContext) -> Any:
        return resolve(key, context) if supports(context.action, key) else None

    return resolved
