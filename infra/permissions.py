"""Roles and their permissions: one inline policy per role, each wildcard with the reason for it. What the roles of all
learners share is in a managed policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from infra.checks import acknowledge

# Actions without resource types: IAM allows them on "*" alone (Service Authorization Reference).
_OF_NO_RESOURCE = ("forecast:CreateAutoPredictor", "personalize:ListTagsForResource", "personalize:TagResource")

_CRYPT = ("kms:Decrypt", "kms:GenerateDataKey")
# Additional permissions that an action requires on the key of what is encrypted (the services' guides on encryption).
_OF_THE_KEY = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:PutObject": _CRYPT,
    "sns:Publish": _CRYPT,
    "sqs:SendMessage": _CRYPT,
    "dynamodb:PutItem": (*_CRYPT, "kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
}
# What a service asks of the role that it is given with a key:
# docs/aws-sources.md#personalize-granting-personalize-key-access lists it; for Forecast,
# docs/aws-sources.md#forecast-aws-forecast-iam-roles allows kms:*, of which this is what encrypting and its grants
# take.
OF_SERVICE_ROLES = {
    "forecast": (
        *(*_CRYPT, "kms:CreateGrant", "kms:DescribeKey", "kms:Encrypt"),
        *("kms:ListGrants", "kms:RetireGrant", "kms:RevokeGrant"),
    ),
    "personalize": (*_CRYPT, "kms:DescribeKey", "kms:ListGrants"),
}


@dataclass(frozen=True)
class Permission:
    """Actions on resources (ARNs); `why` is asked for as soon as a resource has a wildcard."""

    actions: Sequence[str]
    resources: Sequence[str]
    why: str = ""
    conditions: Mapping[str, Any] | None = None


def role(
    scope: Construct,
    construct_id: str,
    *,
    principal: iam.IPrincipal,
    description: str,
    permissions: Sequence[Permission],
    key: str | None = None,
) -> iam.Role:
    """A role that `principal` may take on, with `permissions` in its one inline policy, and with what they take of the
    `key` (its ARN) that the resources are encrypted under."""
    uses = {use for each in permissions for action in each.actions for use in _OF_THE_KEY.get(action, ())}
    if key and uses:
        permissions = [*permissions, Permission(sorted(uses), [key])]
    permissions = as_iam_allows(permissions)
    made = iam.Role(
        scope,
        construct_id,
        assumed_by=principal,
        description=description,
        inline_policies={"rights": document(permissions)},  # a new name would replace every policy on an upgrade
    )
    acknowledge_wildcards(made, permissions)
    return made


def managed_policy(scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> iam.ManagedPolicy:
    """`permissions` that several roles have: written once, they keep a template of many roles small."""
    permissions = as_iam_allows(permissions)
    made = iam.ManagedPolicy(scope, construct_id, document=document(permissions))
    acknowledge_wildcards(made, permissions)
    return made


def as_iam_allows(permissions: Sequence[Permission]) -> list[Permission]:
    """The permissions, with the actions that no resource can narrow on "*"."""
    narrow = [each for each in permissions if list(each.resources) != ["*"]]
    on_all = sorted({name for each in narrow for name in each.actions if name in _OF_NO_RESOURCE})
    kept = [
        replace(each, actions=[name for name in each.actions if name not in on_all]) if each in narrow else each
        for each in permissions
    ]
    why = "IAM knows no resources of these actions"
    return [*(each for each in kept if each.actions), *([Permission(on_all, ["*"], why)] if on_all else [])]


def service(stack: Stack, name: str) -> iam.ServicePrincipal:
    """The service, for resources of this account and of no other (docs/aws-sources.md#iam-confused-deputy)."""
    return iam.ServicePrincipal(
        f"{name}.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": f"arn:{stack.partition}:{name}:{stack.region}:{stack.account}:*"},
        },
    )


def service_role(scope: Construct, name: str, permissions: Sequence[Permission], key: str | None) -> iam.Role:
    """The role under which Forecast or Personalize reaches what lies in S3, and the key that it encrypts with."""
    return role(
        scope,
        f"{name.capitalize()}Role",
        principal=service(Stack.of(scope), name),
        permissions=[*permissions, *([Permission(OF_SERVICE_ROLES[name], [key])] if key else [])],
        description=f"Amazon {name.capitalize()} reaches Storecast's data under this role",
    )


def document(permissions: Iterable[Permission]) -> iam.PolicyDocument:
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                actions=list(permission.actions), resources=list(permission.resources), conditions=permission.conditions
            )
            for permission in permissions
        ]
    )


def acknowledge_wildcards(construct: IConstruct, permissions: Iterable[Permission]) -> None:
    """Tell cdk-nag why each resource with a wildcard has it. Raises ValueError for one that nobody explained."""
    stack = Stack.of(construct)
    for permission in permissions:
        for resource in permission.resources:
            flat = _flat(stack.resolve(resource))
            if "*" in flat:
                if not permission.why:
                    raise ValueError(
                        f"{construct.node.path}: {flat} for {', '.join(permission.actions)} needs a reason"
                    )
                acknowledge(construct, f"IAM5[Resource::{flat}]", permission.why)


def _flat(node: Any) -> str:
    """An ARN as cdk-nag writes it in its findings: references in angle brackets."""
    match node:
        case str():
            return node
        case {"Fn::Join": [separator, parts]}:
            return separator.join(_flat(part) for part in parts)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Fn::Sub": str() as text}:
            return text.replace("${", "<").replace("}", ">")
        case {"Fn::ImportValue": name}:
            return _flat(name)
        case {"Ref": name}:
            return f"<{name}>"
    raise ValueError(f"an ARN made of something unknown: {node}")
