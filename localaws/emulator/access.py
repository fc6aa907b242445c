"""Who may do what: every call is put to ministack's IAM, and so is what a state machine's role does inside it."""

import contextvars
import re
from collections.abc import Callable, Iterator
from typing import Any

import ministack.app as ministack
from botocore.model import OperationModel
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from localaws.emulator import authorization
from localaws.errors import ServiceError
from localaws.registration import Registration

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:[^/]+/)*([^/]+)")

# The role of the state machine whose step calls a service in this process; None outside Step Functions.
step_role: contextvars.ContextVar[str | None] = contextvars.ContextVar("step_role", default=None)
# Whether that step need not go on: its execution was stopped, or it ran into its timeout.
step_cancelled: contextvars.ContextVar[Callable[[], bool]] = contextvars.ContextVar(
    "step_cancelled", default=lambda: False
)


def authorize_call(
    registration: Registration, operation: OperationModel, params: dict, headers: dict, query: dict
) -> None:
    """Raises ServiceError AccessDeniedException unless the caller may do this to every resource that the call names or
    makes, may pass the roles in it, and tag what it makes with tags (Service Authorization Reference of the service).
    """
    action = f"{registration.signing_name}:{operation.name}"
    own, roles = [], []
    for arn in arns_in(params):
        service, account = arn.split(":")[2], arn.split(":")[4]
        if service == registration.signing_name and account:
            own.append(arn)
        elif service == "iam" and ":role/" in arn:
            roles.append(arn)
    tags = {tag.get("Key", tag.get("tagKey")): tag.get("Value", tag.get("tagValue")) for tag in tags_in(params)}
    with_tags = {f"aws:RequestTag/{key}": value for key, value in tags.items()} | {"aws:TagKeys": list(tags)}
    prefix = f"arn:aws:{registration.signing_name}:{get_region()}:{get_account_id()}:"
    made = [prefix + name for name in registration.new_arns(operation.name, params)]
    for resource in {authorization.resource_asked(action, each): None for each in [*own, *made] or ["*"]}:
        require(headers, query, registration.signing_name, action, resource, with_tags if tags else None)
    if tags:
        tagging = "AddTags" if "AddTags" in operation.service_model.operation_names else "TagResource"
        for resource in {
            authorization.resource_asked(f"{registration.signing_name}:{tagging}", each): None for each in made
        }:
            require(
                headers, query, registration.signing_name, f"{registration.signing_name}:{tagging}", resource, with_tags
            )
    for role in roles:
        if registration.signing_name == "personalize" and role.split(":")[4] != get_account_id():
            raise ServiceError("AccessDeniedException", "Cross-account pass role is not allowed.")  # recorded
        passed_to = {"iam:PassedToService": f"{registration.signing_name}.amazonaws.com"}
        require(headers, query, registration.signing_name, "iam:PassRole", role, passed_to)


def tags_in(params: dict) -> list[dict]:
    return params.get("Tags") or params.get("tags") or []


def arns_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("arn:") and value.count(":") >= 5:
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arns_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from arns_in(item)


def require(headers: dict, query: dict, service: str, action: str, resource: str, context: dict | None = None) -> None:
    """Raises ServiceError AccessDeniedException unless the caller, or the role of the step that calls, may do this."""
    if not ministack.AUTH:
        return
    role = step_role.get()
    if role:
        require_of_role(role, action, resource, context)
        return
    access_key = router.extract_access_key_id(headers, query)
    denied = iam_evaluator.enforce(access_key, action, service, get_region(), resource, context)
    if isinstance(denied, iam_evaluator.AuthError):
        raise ServiceError(denied.code, denied.message, 403)
    if denied:
        raise _denied(action, denied.principal_arn, resource, denied.decision)


def require_of_role(role_arn: str, action: str, resource: str, context: dict | None = None) -> None:
    resource = authorization.resource_asked(action, resource)
    account, name = account_and_name(role_arn)
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/session"
    evaluation = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={key.lower(): value for key, value in (context or {}).items()},
    )
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    result = iam_evaluator.evaluate(evaluation, iam_evaluator._gather_role_policies(name, account), *limits)
    service = action.partition(":")[0]
    if found := iam_evaluator._resource_policy(service, resource):
        required = service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(result, evaluation, *found, required=required, limits=limits)
    if result.decision != "Allow":
        raise _denied(action, principal, resource, result.decision)


def account_and_name(role_arn: str) -> tuple[str, str]:
    """Of a role. Raises ServiceError ValidationException for what is not the ARN of one."""
    found = _ROLE.fullmatch(role_arn)
    if not found:
        raise ServiceError("ValidationException", f"{role_arn[:200]!r} is not the ARN of a role.")
    return found[1], found[2]


def _denied(action: str, principal: str, resource: str, decision: str) -> ServiceError:
    message = iam_actions.identity_denial_message(action, principal, resource, decision == "Deny")
    return ServiceError("AccessDeniedException", message)
