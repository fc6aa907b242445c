"""Whether what holds data outlives its stack."""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnResource, RemovalPolicy, Resource


def outlives_its_stack(resource: Resource, stays: bool) -> None:
    """Keep `resource` when its stack is deleted if it `stays`; else delete it with the stack.

    The policy is in its metadata too: CloudFormation does not see a change of the policy alone, and would delete what
    an earlier config let it (docs/aws-sources.md#cloudformation-troubleshooting, "No updates to perform").
    """
    policy = RemovalPolicy.RETAIN if stays else RemovalPolicy.DESTROY
    resource.apply_removal_policy(policy)
    cast(CfnResource, resource.node.default_child).add_metadata("removal", policy.name)
