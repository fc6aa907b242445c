"""CloudFormation: what another stack imports can be neither changed nor taken away."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.contract.helpers import unique


def _exporting(name: str, topic: str | None) -> str:
    """A topic, replaced when its name changes, whose ARN is the export `name`; or without the export."""
    made = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": topic or "none"}}
    output = {"Arn": {"Value": {"Ref": "Topic"}, "Export": {"Name": name}}} if topic else {}
    return json.dumps({"Resources": {"Topic": made}, "Outputs": output})


def _importing(name: str | None) -> str:
    value = {"Fn::ImportValue": name} if name else "nothing"
    made = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    return json.dumps({"Resources": {"Parameter": made}})


def _update(stack: str, template: str) -> str:
    """How the update ended, with the reason that a stack event gives for what failed."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.update_stack(StackName=stack, TemplateBody=template)
    try:
        cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    except WaiterError:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return next(e["ResourceStatusReason"] for e in events if "Export" in e.get("ResourceStatusReason", ""))
    return "updated"


def _create(stack: str, template: str) -> None:
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName=stack, TemplateBody=template)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


@pytest.fixture
def stacks(embedded_aws) -> tuple[str, str, str]:
    """The name of the export, of the stack that exports it and of the one that imports it."""
    export, exporter, importer = (unique(each).replace("_", "-") for each in ("export", "exporter", "importer"))
    _create(exporter, _exporting(export, f"{export}-one"))
    _create(importer, _importing(export))
    return export, exporter, importer


def test_an_export_in_use_is_neither_updated_nor_deleted(stacks: tuple[str, str, str]) -> None:
    export, exporter, importer = stacks
    refused = _update(exporter, _exporting(export, f"{export}-two"))
    assert refused == f"Export {export} cannot be updated as it is in use by {importer}"
    cloudformation = boto3.client("cloudformation")
    [stack] = cloudformation.describe_stacks(StackName=exporter)["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert _update(exporter, _exporting(export, None)) == (
        f"Export {export} cannot be deleted as it is in use by {importer}"
    )
    with pytest.raises(ClientError, match=f"Export {export} "):
        cloudformation.delete_stack(StackName=exporter)


def test_an_export_that_nobody_imports_any_more_may_change_and_go(stacks: tuple[str, str, str]) -> None:
    export, exporter, importer = stacks
    assert _update(importer, _importing(None)) == "updated"
    assert _update(exporter, _exporting(export, f"{export}-two")) == "updated"
    assert _update(exporter, _exporting(export, None)) == "updated"
    listed = boto3.client("cloudformation").list_exports()["Exports"]
    assert export not in [each["Name"] for each in listed]
