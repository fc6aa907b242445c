"""CloudFormation replaces a notebook instance whose VPC or key changes, and nothing that keeps its name."""

from types import SimpleNamespace
from typing import Any

import pytest

from localaws.services.sagemaker import cloudformation

_OLD = {"NotebookInstanceName": "n", "SubnetId": "subnet-1", "KmsKeyId": "k"}


def _updated(monkeypatch: pytest.MonkeyPatch, **new: Any) -> str:
    made = ("another", {})
    monkeypatch.setattr(cloudformation, "_create_instance", lambda machines, context, name, given: made)
    monkeypatch.setattr(cloudformation.notebook_instances, "start", lambda *given: None)
    store = SimpleNamespace(
        get=lambda arn: SimpleNamespace(name="n", arn="n", status="InService"), tag=lambda arn, tags: None
    )
    store.update = lambda *given, **more: None
    machines, context = SimpleNamespace(end=lambda arn: None), SimpleNamespace(store=store)
    return cloudformation._update_instance(machines, context, "n", _OLD, _OLD | new)[0]


@pytest.mark.parametrize("new", [{"SubnetId": "subnet-2"}, {"KmsKeyId": "other"}, {"SecurityGroupIds": ["sg-1"]}])
def test_a_change_that_needs_another_instance_is_refused_for_the_same_name(
    monkeypatch: pytest.MonkeyPatch, new: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="custom-named resource requires replacing. Rename n and update"):
        _updated(monkeypatch, **new)
    assert _updated(monkeypatch, **new, NotebookInstanceName="m") == "another"


def test_another_size_needs_no_other_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _updated(monkeypatch, InstanceType="ml.t3.large") == "n"
