"""What CloudFormation, IAM and SageMaker limit, for the largest workshop and all that a config may ask for: 1 MB a
template, 500 resources a stack, 10,240 characters of a role's inline policies, 6,144 of a managed policy, 16 KB of a
lifecycle script."""

from __future__ import annotations

import json

import pytest

from tests.infra.conftest import Assembly, flat, synthesized
from tests.infra.variants import MOST_LEARNERS, longest

_TEMPLATE_BYTES = 1_000_000  # (docs/aws-sources.md#cloudformation-limits)
_RESOURCES = 500
_ROLE_CHARACTERS = 10_240  # without white space (docs/aws-sources.md#iam-reference_iam-quotas)
_MANAGED_POLICY_CHARACTERS = 6_144  # likewise
_SCRIPT_CHARACTERS = 16_384  # in base64 (docs/aws-sources.md#sagemaker-API_NotebookInstanceLifecycleHook)


@pytest.fixture(scope="module")
def largest(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesized(tmp_path_factory.mktemp("largest"), longest(learners=MOST_LEARNERS))


def test_every_template_is_within_the_size_that_cloudformation_takes(largest: Assembly) -> None:
    sizes = {path.name: path.stat().st_size for path in largest.folder.glob("*.template.json")}
    assert max(sizes.values()) <= _TEMPLATE_BYTES, sizes
    assert {
        stack: len(t["Resources"]) for stack, t in largest.templates.items() if len(t["Resources"]) > _RESOURCES
    } == {}


def test_every_roles_policies_are_within_the_size_that_iam_takes(largest: Assembly) -> None:
    """References as long as what they can give: a KMS key's ARN has 75 characters, a bucket's up to 76."""
    for name, policy in largest.resources("AWS::IAM::ManagedPolicy").items():
        text = json.dumps(flatten(policy["PolicyDocument"]), separators=(",", ":"))
        assert len(text) <= _MANAGED_POLICY_CHARACTERS, name
    lengths = {}
    for name, role in largest.resources("AWS::IAM::Role").items():
        policies = [json.dumps(flatten(each["PolicyDocument"]), separators=(",", ":")) for each in role["Policies"]]
        lengths[name] = sum(map(len, policies))
    assert max(lengths.values()) <= _ROLE_CHARACTERS, {n: size for n, size in lengths.items() if size > 9_000}


def flatten(node: object) -> object:
    """A document of a template with text of the greatest length for each reference."""
    if (
        isinstance(node, dict)
        and len(node) == 1
        and next(iter(node)) in ("Ref", "Fn::GetAtt", "Fn::Join", "Fn::ImportValue")
    ):
        text = flat(node)
        for short, real in (
            ("<AWS::Region>", "ap-southeast-1"),
            ("<AWS::AccountId>", "1" * 12),
            ("<AWS::Partition>", "aws"),
        ):
            text = text.replace(short, real)
        while "<" in text:
            start, end = text.index("<"), text.index(">")
            text = text[:start] + "x" * 76 + text[end + 1 :]
        return text
    if isinstance(node, dict):
        return {key: flatten(value) for key, value in node.items()}
    return [flatten(value) for value in node] if isinstance(node, list) else node


def test_every_lifecycle_script_is_within_the_size_that_sagemaker_takes(largest: Assembly) -> None:
    for lifecycle in largest.resources("AWS::SageMaker::NotebookInstanceLifecycleConfig").values():
        script = json.dumps(lifecycle["OnStart"][0]["Content"])
        assert len(script) * 4 / 3 <= _SCRIPT_CHARACTERS
