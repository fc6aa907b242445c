"""What becomes of the data when its stack goes: kept, unless the config says workshop."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.config import load
from infra.operations import Operations
from infra.storage import Storage
from tests.infra.conftest import ROOT, Assembly


def _templates(**changed: Any) -> list[Template]:
    """The operations and storage stacks of the sample, with `changed` members of its config."""
    config = load(ROOT / "data" / "sample" / "pipeline.yaml").model_copy(update=changed)
    app = App(context=json.loads((ROOT / "cdk.json").read_text())["context"])
    operations = Operations(app, "operations", config=config)
    storage = Storage(app, "storage", config=config, operations=operations)
    return [Template.from_stack(stack) for stack in (operations, storage)]


def _template(**changed: Any) -> Template:
    """The storage stack alone."""
    return _templates(**changed)[1]


@pytest.mark.parametrize(("purpose", "policy", "emptied"), [("production", "Retain", 0), ("workshop", "Delete", 1)])
def test_the_buckets_outlive_their_stack_but_a_workshops(purpose: str, policy: str, emptied: int) -> None:
    template = _template(purpose=purpose)
    buckets = template.find_resources("AWS::S3::Bucket").values()
    assert {(b["DeletionPolicy"], b["UpdateReplacePolicy"]) for b in buckets} == {(policy, policy)}
    template.resource_count_is("Custom::StorecastCleanup", emptied)


@pytest.mark.parametrize("key", [False, True])
def test_a_changed_removal_policy_is_one_of_metadata_too(key: bool) -> None:
    """As CloudFormation does not see one of the policy alone, and would delete what the config keeps by now."""
    pairs = zip(*(_templates(purpose=purpose, customer_managed_key=key) for purpose in ("workshop", "production")))
    changed = [
        (before.get("Metadata"), after.get("Metadata"))
        for stack in ([template.to_json()["Resources"] for template in pair] for pair in pairs)
        for before, after in ((stack[0][name], stack[1][name]) for name in stack[0].keys() & stack[1].keys())
        if before.get("DeletionPolicy") != after.get("DeletionPolicy")
    ]
    assert len(changed) == (4 if key else 3), "the buckets, and the key where it keeps data"
    assert all(before != after for before, after in changed)


def test_there_is_a_role_for_the_services_of_the_pipelines_and_for_no_other() -> None:
    [role] = _template(recommending=None).find_resources("AWS::IAM::Role").values()
    assert "forecast.amazonaws.com" in json.dumps(role)


def test_a_bucket_that_goes_is_closed_before_it_is_emptied(assembly: Assembly) -> None:
    """Its own policy goes first, so that the clean-up's, which denies every write, stays until the bucket goes."""
    resources = assembly.templates["storage"]["Resources"]
    [cleanup] = [name for name, each in resources.items() if each["Type"] == "Custom::StorecastCleanup"]
    policies = [each for each in resources.values() if each["Type"] == "AWS::S3::BucketPolicy"]
    assert len(policies) == 3 and all(cleanup in each["DependsOn"] for each in policies)
