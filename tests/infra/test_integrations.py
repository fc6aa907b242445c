"""Every SDK integration of the state machines against botocore: service, operation, parameters, their casing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from tests.infra.conftest import Assembly, definitions_of
from tests.infra.test_machines import states_of

_SERVICES = {
    "sfn": "stepfunctions"
}  # named after the SDK for Java (docs/aws-sources.md#step-functions-supported-services-awssdk)
_SESSION = botocore.session.get_session()


def _problems(name: str, state: dict[str, Any]) -> Iterator[str]:
    """What botocore's model says against a task of the form `arn:aws:states:::aws-sdk:service:operation`, or of an
    optimized integration of Glue, which takes the operation's own parameters."""
    service, operation = state["Resource"].removesuffix(".sync").split(":")[-2:]
    model = _SESSION.get_service_model(_SERVICES.get(service, service))
    if operation[0].isupper() or operation[0].upper() + operation[1:] not in model.operation_names:
        yield f"{name}: {service} has no operation {operation}, in camel case"
        return
    shape = model.operation_model(operation[0].upper() + operation[1:]).input_shape
    known = {each[0].upper() + each[1:]: each for each in shape.members}  # Step Functions takes Pascal case
    given = set(state["Arguments"])
    yield from (f"{name}: {operation} has no parameter {each}, in Pascal case" for each in sorted(given - set(known)))
    lacking = {member for member in shape.required_members if member not in {known.get(each) for each in given}}
    yield from (f"{name}: {operation} needs {each}" for each in sorted(lacking))


def test_every_integration_is_one_that_botocore_knows(variant: Assembly) -> None:
    definitions = map(json.loads, definitions_of(variant).values())
    states = [pair for each in definitions for pair in states_of(each)]
    tasks = [pair for pair in states if any(each in pair[1].get("Resource", "") for each in (":aws-sdk:", ":::glue:"))]
    on_glue = any(":::glue:" in state["Resource"] for _, state in tasks)
    assert len(tasks) > (2 if on_glue else 16)
    assert [problem for name, state in tasks for problem in _problems(name, state)] == []


@pytest.mark.parametrize(
    ("resource", "arguments", "words"),
    [
        ("forecast:DescribeForecast", {"ForecastArn": "a"}, "no operation"),
        ("forecast:describeForecasts", {"ForecastArn": "a"}, "no operation"),
        ("personalize:describeFilter", {"filterArn": "a"}, "no parameter filterArn"),
        ("personalize:describeFilter", {}, "needs filterArn"),
    ],
)
def test_what_botocore_does_not_know_is_found(resource: str, arguments: dict[str, Any], words: str) -> None:
    task = {"Resource": f"arn:aws:states:::aws-sdk:{resource}", "Arguments": arguments}
    assert words in next(_problems("state", task))
