"""Additional permissions that an action requires: the use of a key under which something is kept, listing where an
object is missing, and for Glue's databases their catalog (docs/aws-sources.md#glue-specifying-resource-arns).
"""

import functools
from collections.abc import Callable, Iterator

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from localaws.emulator.authorization import resource_asked
from localaws.emulator.keys import NEEDED, key_of

Check = tuple[str, str, dict]  # action, resource, condition keys


def register() -> None:
    iam_evaluator.enforce = _with_further(iam_evaluator.enforce)


def _with_further(enforce: Callable) -> Callable:
    @functools.wraps(enforce)
    def enforced(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict | None = None,
    ) -> iam_evaluator.EvalResult | iam_evaluator.AuthError | None:
        resource_arn = resource_asked(iam_action, resource_arn)
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        if denied is not None:
            return denied
        for action, resource, context in _further(iam_action, resource_arn):
            lacking = enforce(access_key_id, action, action.partition(":")[0], region, resource, context)
            if isinstance(lacking, iam_evaluator.EvalResult):
                explicitly = lacking.decision == "Deny"
                message = iam_actions.identity_denial_message(action, lacking.principal_arn, resource, explicitly)
                return iam_evaluator.AuthError("AccessDenied", message)
        return None

    return enforced


def _further(action: str, resource: str) -> Iterator[Check]:
    if action in NEEDED and (key := key_of(resource)):
        yield from ((use, key, {}) for use in NEEDED[action])
    if action == "s3:GetObject":
        yield from _of_a_missing_object(resource)
    if action == "athena:StartQueryExecution":  # docs/aws-sources.md#athena-fine-grained-access-to-glue-resources
        yield "glue:GetDatabase", f"arn:aws:glue:{get_region()}:{get_account_id()}:database/default", {}
    if resource.startswith("arn:aws:glue:") and (":database/" in resource or ":table/" in resource):
        yield action, f"{resource.rpartition(':')[0]}:catalog", {}


def _of_a_missing_object(resource: str) -> Iterator[Check]:
    """S3 says that there is none to those alone who may list it, its key standing for the prefix
    (docs/aws-sources.md#s3-API_GetObject)."""
    bucket, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
    there = s3._ensure_bucket(bucket)
    if there is not None and key not in there["objects"]:
        yield "s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": key}
