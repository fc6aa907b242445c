"""Every statement of every policy against the Service Authorization Reference: its actions exist, can be allowed on the
resources that it names, and support its condition keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.emulator.authorization import TABLE
from tests.infra import service_authorization
from tests.infra.conftest import Assembly

# What a reference to a resource gives as its ARN.
_ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:r:a:table/name",
    "AWS::IAM::Role": "arn:aws:iam::a:role/name",
    "AWS::KMS::Key": "arn:aws:kms:r:a:key/name",
    "AWS::Lambda::Function": "arn:aws:lambda:r:a:function:name",
    "AWS::Logs::LogGroup": "arn:aws:logs:r:a:log-group:name:*",
    "AWS::S3::Bucket": "arn:aws:s3:::name",
    "AWS::SNS::Topic": "arn:aws:sns:r:a:name",
    "AWS::SQS::Queue": "arn:aws:sqs:r:a:name",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:r:a:stateMachine:name",
}


def test_every_statement_is_one_that_iam_can_allow(variant: Assembly) -> None:
    found = []
    for name, statement, belonging in _statements(variant):
        resources = None if belonging else _resources(variant, name.split("/")[0], statement)
        found += [f"{name}: {said}" for said in service_authorization.mistakes(statement, resources=resources)]
    assert not found, "\n".join(found)


def test_the_embedded_iam_decides_by_the_same_reference() -> None:
    written = json.loads(TABLE.read_text())
    assert written == service_authorization.table(), "write it again: python -m tests.infra.service_authorization"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Action": "forecast:CreateAutoPredictor", "Resource": "arn:aws:forecast:r:a:*/own*"}, "no resource types"),
        ({"Action": "forecast:CreateDatasets", "Resource": "*"}, "no action"),
        ({"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b/x*"}, "is about"),
        ({"Action": "forecast:GetAccuracyMetrics", "Resource": "arn:aws:forecast:r:a:dataset/own*"}, "is about"),
        (
            {
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::b/x*",
                "Condition": {"StringLike": {"s3:prefix": ["x*"]}},
            },
            "does not support the condition key s3:prefix",
        ),
    ],
)
def test_a_statement_that_iam_never_allows_is_found(statement: dict[str, Any], words: str) -> None:
    found = list(service_authorization.mistakes(statement, resources=[statement["Resource"]]))
    assert found and words in found[0], found


def _statements(assembly: Assembly) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Each with the name of what it is in, and whether it belongs to a resource that it need not name."""
    for name, properties in (
        (f"{stack}/{name}", resource["Properties"])
        for stack, template in assembly.templates.items()
        for name, resource in template["Resources"].items()
        if resource["Type"] not in ("AWS::Glue::Table",)
    ):
        for document, belonging in _documents(properties):
            yield from ((name, statement, belonging) for statement in document["Statement"])


def _documents(node: Any, key: str = "") -> Iterator[tuple[dict[str, Any], bool]]:
    """Policies, wherever a resource has them."""
    if isinstance(node, dict):
        if isinstance(node.get("Statement"), list):
            yield node, key in ("AssumeRolePolicyDocument", "KeyPolicy")
        else:
            for name, value in node.items():
                yield from _documents(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _documents(value, key)


def _resources(assembly: Assembly, stack: str, statement: dict[str, Any]) -> list[str]:
    given = statement["Resource"]
    return [_text(assembly, stack, each) for each in (given if isinstance(given, list) else [given])]


def _text(assembly: Assembly, stack: str, node: Any) -> str:
    """An ARN of a template, references resolved to what they give; `<unknown>` where that is no ARN."""
    match node:
        case str():
            return node
        case {"Fn::Join": [separator, parts]}:
            return separator.join(_text(assembly, stack, part) for part in parts)
        case {"Ref": "AWS::Partition" | "AWS::Region" | "AWS::AccountId" as pseudo}:
            return {"AWS::Partition": "aws", "AWS::Region": "r", "AWS::AccountId": "a"}[pseudo]
        case {"Ref": name} | {"Fn::GetAtt": [name, "Arn" | "StateMachineArn" | "TopicArn"]}:
            kind = assembly.templates[stack]["Resources"].get(name, {}).get("Type", "")
            arn = "Fn::GetAtt" in node or kind in ("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")
            return _ARNS[kind] if arn else "<unknown>"
        case {"Fn::ImportValue": name}:
            return _exported(assembly, name)
    return "<unknown>"


def _exported(assembly: Assembly, name: str) -> str:
    for stack, template in assembly.templates.items():
        for output in template.get("Outputs", {}).values():
            if output.get("Export", {}).get("Name") == name:
                return _text(assembly, stack, output["Value"])
    raise KeyError(name)


def test_the_templates_are_looked_through(assembly: Assembly) -> None:
    kinds = {Path(name).name.rstrip("0123456789ABCDEF")[:4] for name, _, _ in _statements(assembly)}
    assert len(list(_statements(assembly))) > 100 and {"Key", "Mach", "Data"} <= kinds
