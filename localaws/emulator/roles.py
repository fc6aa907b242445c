"""The roles that callers pass to services: their credentials and trust, and what buckets' and keys' policies allow."""

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, sts

from localaws.emulator.access import account_and_name, require_of_role
from localaws.emulator.keys import NEEDED, key_of
from localaws.errors import ServiceError
from localaws.s3 import Access
from localaws.settings import Settings


def assume(settings: Settings, role_arn: str, principal: str, source_arn: str) -> Access:
    """Credentials of `role_arn` for the service `principal` (such as forecast.amazonaws.com) working on `source_arn`.

    Raises ServiceError AccessDeniedException when there is no such role or its trust policy does not let the service.
    """
    require_trust(role_arn, principal, source_arn)
    account, name = account_and_name(role_arn)
    # The same for each call about one resource: a second call must not end the session that its job works with.
    key, secret, token = (
        hmac.new(settings.secret_key.encode(), f"{part}:{role_arn}:{source_arn}".encode(), hashlib.sha256).hexdigest()
        for part in ("key", "secret", "token")
    )
    key = "ASIA" + key[:16].upper()
    session = f"arn:aws:sts::{account}:assumed-role/{name}/{principal.partition('.')[0]}"
    sts.register_session(
        key,
        {"Arn": session, "UserId": f"{name}:{principal}", "SecretAccessKey": secret, "SessionToken": token},
    )
    return Access(role_arn, settings.endpoint, str(settings.certificate_authority), get_region(), key, secret, token)


def require_trust(role_arn: str, principal: str, source_arn: str) -> None:
    """Raises ServiceError AccessDeniedException unless the role is there and its trust policy lets the service
    `principal` take it on for the resource `source_arn`."""
    account, name = account_and_name(role_arn)
    role = iam._roles.get_scoped(account, None, name)
    evaluation = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        service_context={"aws:sourceaccount": source_arn.split(":")[4], "aws:sourcearn": source_arn},
    )
    if role is None or not _trusts(role["AssumeRolePolicyDocument"], evaluation, principal):
        raise ServiceError(
            "AccessDeniedException", f"{principal} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        )


def _trusts(document: dict | str, evaluation: iam_evaluator.EvalContext, principal: str) -> bool:
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    # A trust policy names no resource: it is about the role it hangs on.
    statements = [{"Resource": "*", **statement} for statement in _as_list(statements)]
    result = iam_evaluator.evaluate_resource_policy({"Statement": statements}, evaluation, principal)
    return result.decision == "Allow"


def _as_list(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def require_key(role_arn: str, principal: str, key: str, source_arn: str, uses: Iterable[str]) -> None:
    """Raises ServiceError NotFoundException if there is no such key, AccessDeniedException unless the service
    `principal` may take the role on for `source_arn`, and the role has the permissions `uses` on the key."""
    if iam_evaluator._resource_policy("kms", key) is None:
        raise ServiceError("NotFoundException", f"Key '{key}' does not exist")
    require_trust(role_arn, principal, source_arn)
    for action in uses:
        require_of_role(role_arn, action, key)


def resource_policy_allows(principal: str, action: str, resource: str, source_arn: str) -> bool:
    """Whether the policy of a bucket or key itself lets a service `principal` do `action` on `resource`, and the policy
    of the key under which a bucket keeps its objects what that takes of the key."""
    service = resource.split(":")[2]
    found = iam_evaluator._resource_policy(service, resource.partition("/")[0] if service == "s3" else resource)
    evaluation = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="Service",
        principal_account=source_arn.split(":")[4] or get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context=_sent(principal, service, source_arn),
    )
    policy = found[0] if found else None
    if iam_evaluator.evaluate_resource_policy(policy, evaluation, principal).decision != "Allow":
        return False
    key = key_of(resource) if action in NEEDED else None
    return not key or all(resource_policy_allows(principal, use, key, source_arn) for use in NEEDED[action])


def _sent(principal: str, service: str, source_arn: str) -> dict[str, str]:
    """The condition keys that a service sends along with what it does in its own name.

    EventBridge names no source to topics (docs/aws-sources.md#eventbridge-eb-use-resource-based), nor to the keys of
    encrypted topics and queues (docs/aws-sources.md#sns-key-management), and to queues the rule alone.
    """
    if principal != "events.amazonaws.com":
        return {"aws:sourceaccount": source_arn.split(":")[4] or get_account_id(), "aws:sourcearn": source_arn}
    return {"aws:sourcearn": source_arn} if service == "sqs" else {}
