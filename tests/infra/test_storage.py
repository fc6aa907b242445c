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
from tests.infra.conftest import ROOT


def _template(**changed: Any) -> Template:
    """The storage stack of the sample, with `changed` members of its config."""
    config = load(ROOT / "data" / "sample" / "pipeline.yaml").model_copy(update=changed)
    app = App(context=json.loads((ROOT / "cdk.json").read_text())["context"])
    operations = Operations(app, "operations", config=config)
    return Template.from_stack(Storage(app, "storage", config=config, operations=operations))


@pytest.mark.parametrize(("purpose", "policy", "emptied"), [("production", "Retain", 0), ("workshop", "Delete", 1)])
def test_the_buckets_outlive_their_stack_but_a_workshops(purpose: str, policy: str, emptied: int) -> None:
    template = _template(purpose=purpose)
    buckets = template.find_resources("AWS::S3::Bucket").values()
    assert {(b["DeletionPolicy"], b["UpdateReplacePolicy"]) for b in buckets} == {(policy, policy)}
    template.resource_count_is("Custom::StorecastCleanup", emptied)


def test_there_is_a_role_for_the_services_of_the_pipelines_and_for_no_other() -> None:
    [role] = _template(recommending=None).find_resources("AWS::IAM::Role").values()
    assert "forecast.amazonaws.com" in json.dumps(role)
