"""CloudFormation: what another stack imports can be neither changed nor taken away."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.contract.helpers import eventually, unique


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


_INLINE = """
import cfnresponse
def handler(event, context):
    if event["RequestType"] == "Create" and event["ResourceProperties"]["Works"] == "no":
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, reason="nothing to make")
    else:
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Answer": "42"}, "made-here")
"""


def _with_custom_resource(works: str) -> str:
    """A custom resource whose inline function answers with AWS's module."""
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                            "Principal": {"Service": "lambda.amazonaws.com"}}]}  # fmt: skip
    function = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": _INLINE},
    }
    custom = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "Works": works}
    return json.dumps(
        {
            "Resources": {
                "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
                "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
                "Made": {"Type": "Custom::Made", "Properties": custom},
            },
            "Outputs": {
                "Answer": {"Value": {"Fn::GetAtt": ["Made", "Answer"]}},
                "Id": {"Value": {"Ref": "Made"}},
            },
        }
    )


def test_inline_code_of_a_custom_resource_answers_with_cfnresponse(embedded_aws) -> None:
    cloudformation = boto3.client("cloudformation")
    good, bad = (unique(each).replace("_", "-") for each in ("answers", "refuses"))
    for name, works in ((good, "yes"), (bad, "no")):
        cloudformation.create_stack(
            StackName=name, TemplateBody=_with_custom_resource(works), Capabilities=["CAPABILITY_IAM"]
        )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=good, WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName=good)["Stacks"]
    assert {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]} == {"Answer": "42", "Id": "made-here"}
    eventually(
        lambda: cloudformation.describe_stacks(StackName=bad)["Stacks"][0]["StackStatus"],
        lambda status: status == "ROLLBACK_COMPLETE",
    )
    events = cloudformation.describe_stack_events(StackName=bad)["StackEvents"]
    assert any("nothing to make" in each.get("ResourceStatusReason", "") for each in events)
    for name in (good, bad):
        cloudformation.delete_stack(StackName=name)


def test_a_condition_may_join_a_list_of_parameters(embedded_aws) -> None:
    template = {
        "Parameters": {name: {"Type": "CommaDelimitedList", "Default": ""} for name in ("Empty", "Full")},
        "Conditions": {
            f"Has{name}": {"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": name}]}]}]}
            for name in ("Empty", "Full")
        },
        "Resources": {
            "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "there"}},
            "None": {
                "Type": "AWS::SSM::Parameter",
                "Condition": "HasEmpty",
                "Properties": {"Type": "String", "Value": "none"},
            },
            "Some": {
                "Type": "AWS::SSM::Parameter",
                "Condition": "HasFull",
                "Properties": {"Type": "String", "Value": "some"},
            },
        },
    }
    stack, cloudformation = unique("joining").replace("_", "-"), boto3.client("cloudformation")
    given = [{"ParameterKey": "Full", "ParameterValue": "one,two"}]
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template), Parameters=given)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    found = cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    assert {each["LogicalResourceId"] for each in found} == {"Parameter", "Some"}
