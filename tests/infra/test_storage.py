"""What becomes of the data when its stack goes: kept, unless the config says workshop."""

from __future__ import annotations

import json

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.config import load
from infra.operations import Operations
from infra.storage import Storage
from tests.infra.conftest import ROOT


@pytest.mark.parametrize(("purpose", "policy", "emptied"), [("production", "Retain", 0), ("workshop", "Delete", 1)])
def test_the_buckets_outlive_their_stack_but_a_workshops(purpose: str, policy: str, emptied: int) -> None:
    config = load(ROOT / "data" / "sample" / "pipeline.yaml").model_copy(update={"purpose": purpose})
    app = App(context=json.loads((ROOT / "cdk.json").read_text())["context"])
    operations = Operations(app, "operations", config=config)
    template = Template.from_stack(Storage(app, "storage", config=config, operations=operations))
    buckets = template.find_resources("AWS::S3::Bucket").values()
    assert {(b["DeletionPolicy"], b["UpdateReplacePolicy"]) for b in buckets} == {(policy, policy)}
    template.resource_count_is("Custom::StorecastCleanup", emptied)
