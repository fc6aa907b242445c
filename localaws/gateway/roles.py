"""The roles that callers pass to services: their credentials, their trust, and what a bucket's policy lets them do."""

import hashlib
import json
import secrets
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_region
from ministack.services import iam, sts

from localaws import wire
from localaws.objects import Access
from localaws.settings import Settings


def assume(settings: Settings, role_arn: str, principal: str, source_arn: str) -> Access:
    """Credentials of `role_arn` for the service `principal` (such as forecast.amazonaws.com) working on `source_arn`.

    Raises ServiceError AccessDeniedException when there is no such role or its trust policy does not let the service.
    """
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
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
        raise wire.ServiceError(
            "AccessDeniedException", f"{principal} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        )
    key = "ASIA" + hashlib.sha256(f"{role_arn}:{source_arn}".encode()).hexdigest()[:16].upper()
    secret, token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    session = f"arn:aws:sts::{account}:assumed-role/{name}/{principal.partition('.')[0]}"
    sts.register_session(
        key,
        {"Arn": session, "UserId": f"{name}:{principal}", "SecretAccessKey": secret, "SessionToken": token},
    )
    return Access(role_arn, settings.endpoint, str(settings.certificate_authority), get_region(), key, secret, token)


def _trusts(document: dict | str, evaluation: iam_evaluator.EvalContext, principal: str) -> bool:
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    # A trust policy names no resource: it is about the role it hangs on.
    statements = [{"Resource": "*", **statement} for statement in _as_list(statements)]
    result = iam_evaluator.evaluate_resource_policy({"Statement": statements}, evaluation, principal)
    return result.decision == "Allow"


def _as_list(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def bucket_policy_allows(principal: str, action: str, resource: str, source_arn: str) -> bool:
    """Whether the bucket policy itself lets a service `principal` do `action` on an S3 `resource` ARN."""
    bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
    found = iam_evaluator._resource_policy("s3", f"arn:aws:s3:::{bucket}")
    evaluation = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="Service",
        principal_account=source_arn.split(":")[4],
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:sourceaccount": source_arn.split(":")[4], "aws:sourcearn": source_arn},
    )
    policy = found[0] if found else None
    return iam_evaluator.evaluate_resource_policy(policy, evaluation, principal).decision == "Allow"
