"""Roles and what they may do: one inline policy per role, each wildcard with the reason for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from infra.checks import acknowledge


@dataclass(frozen=True)
class Right:
    """Actions on resources (ARNs); `why` is asked for as soon as a resource has a wildcard."""

    actions: Sequence[str]
    resources: Sequence[str]
    why: str = ""
    conditions: Mapping[str, Any] | None = None


def role(
    scope: Construct, construct_id: str, *, principal: iam.IPrincipal, description: str, rights: Sequence[Right]
) -> iam.Role:
    """A role that `principal` may take on, with `rights` in its one inline policy."""
    made = iam.Role(
        scope, construct_id, assumed_by=principal, description=description, inline_policies={"rights": document(rights)}
    )
    acknowledge_wildcards(made, rights)
    return made


def service_role(scope: Stack, service: str, rights: Sequence[Right]) -> iam.Role:
    """A role only this account's use of the service may take on (aws-forecast-iam-roles.md, confused deputy)."""
    principal = iam.ServicePrincipal(
        f"{service}.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": scope.account},
            "ArnLike": {"aws:SourceArn": f"arn:{scope.partition}:{service}:{scope.region}:{scope.account}:*"},
        },
    )
    return role(
        scope,
        f"{service.capitalize()}Role",
        principal=principal,
        rights=rights,
        description=f"Amazon {service.capitalize()} reaches Storecast's data under this role",
    )


def document(rights: Iterable[Right]) -> iam.PolicyDocument:
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                actions=list(right.actions), resources=list(right.resources), conditions=right.conditions
            )
            for right in rights
        ]
    )


def acknowledge_wildcards(construct: IConstruct, rights: Iterable[Right]) -> None:
    """Tell cdk-nag why each resource with a wildcard has it. Raises ValueError for one that nobody explained."""
    stack = Stack.of(construct)
    for right in rights:
        for resource in right.resources:
            flat = _flat(stack.resolve(resource))
            if "*" in flat:
                if not right.why:
                    raise ValueError(f"{construct.node.path}: {flat} for {', '.join(right.actions)} needs a reason")
                acknowledge(construct, f"IAM5[Resource::{flat}]", right.why)


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
