"""Every field that a synthesized state machine names is declared: by a payload type, or by AWS in a call's answer."""

from __future__ import annotations

import typing
from collections import defaultdict
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import jsonata
import pytest

from common import payload as common
from forecasting import config as forecasting_config
from forecasting import payload as forecasting
from forecasting import summary as forecasting_summary
from infra import expressions, lock
from infra.config import Pipeline, load
from infra.expressions import UndeclaredField, field_types
from infra.forecasting_states import pipeline as forecasting_pipeline
from infra.recommending_states import pipeline as recommending_pipeline
from operations import payload as operations
from recommending import config as recommending_config
from recommending import payload as recommending
from tests.infra.conftest import ROOT, Assembly, machine
from tests.infra.test_machines import expressions_of, states_of

_PAYLOADS: dict[str, list[ModuleType]] = {
    "forecasting": [common, operations, lock, forecasting_config, forecasting, forecasting_summary],
    "recommending": [common, operations, lock, recommending_config, recommending],
}
_FUNCTION = SimpleNamespace(attr_arn="arn")
_CONTEXT = {"input", "result", "errorOutput", "context"}  # of $states


def _declared(modules: list[ModuleType]) -> set[str]:
    types = [each for module in modules for each in vars(module).values() if typing.is_typeddict(each)]
    return {name for each in types for name in field_types(each)}


def _nodes(node: Any) -> Iterator[Any]:
    """Every node of a parsed expression."""
    if isinstance(node, (list, tuple)):
        for each in node:
            yield from _nodes(each)
    elif hasattr(node, "type"):
        yield node
        for name, value in vars(node).items():
            if not name.startswith("_outer"):
                yield from _nodes(value)


def _named(expression: str) -> Iterator[str]:
    """The fields that a JSONata expression reads, and those of the objects that it builds."""
    for node in _nodes(jsonata.Jsonata.jsonata(expression).ast):
        if node.type == "path":
            names = [step.value for step in node.steps if step.type in ("name", "variable")]
            if names[:2] == ["states", "context"]:
                continue
            yield from (step.value for step in node.steps if step.type == "name")
        elif node.type == "unary" and node.value == "{":
            yield from (key.value for key, _ in node.lhs_object if key.type == "string")


def _members(shape: Any, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """All members of an answer's shape, as Step Functions spells them."""
    if shape is None or shape.name in seen:
        return
    for name, member in getattr(shape, "members", {}).items():
        yield name[0].upper() + name[1:]
        yield from _members(member, (*seen, shape.name))
    for inner in (getattr(shape, "member", None), getattr(shape, "value", None)):
        yield from _members(inner, (*seen, shape.name))


def _of_aws(state: dict[str, Any]) -> set[str]:
    """What AWS declares in the answer to the call of a Task state."""
    resource = state.get("Resource", "")
    if resource.endswith("lambda:invoke"):
        return {"Payload"}
    if ":aws-sdk:" not in resource:
        return set()
    service, operation = resource.split(":")[-2:]
    name = {"sfn": "stepfunctions"}.get(service, service)
    model = boto3.client(name, region_name="eu-west-1").meta.service_model
    return set(_members(model.operation_model(operation[0].upper() + operation[1:]).output_shape))


def _payload_keys(state: dict[str, Any]) -> Iterator[str]:
    """The keys of the payloads that a state passes on as JSON."""
    holders = [state, *state.get("Choices", ()), *state.get("Catch", ())]
    passed = [holder.get(name) for holder in holders for name in ("Output", "ItemSelector")]
    if state.get("Resource", "").endswith("lambda:invoke"):
        passed.append(state["Arguments"]["Payload"])
    return (key for each in passed if isinstance(each, dict) for key in each)


@pytest.mark.parametrize("pipeline", _PAYLOADS)
def test_every_field_of_a_machine_is_declared(assembly: Assembly, pipeline: str) -> None:
    declared = _declared(_PAYLOADS[pipeline])
    for name, state in states_of(machine(assembly, pipeline)):
        named = {field for expression in expressions_of(state) for field in _named(expression)}
        named |= set(_payload_keys(state))
        assert named - declared - _CONTEXT - _of_aws(state) == set(), name


@pytest.mark.parametrize("pipeline", _PAYLOADS)
def test_the_config_that_the_lambdas_see_is_of_pipeline_yaml(pipeline: str) -> None:
    """Each of its parts has the fields of the part in pipeline.yaml, and declares which may be absent: unset there."""
    [section] = _parts(Pipeline.model_fields[pipeline].annotation, _is_model)
    config = {"forecasting": forecasting_config.Config, "recommending": recommending_config.Config}[pipeline]
    assert field_types(config).keys() <= section.model_fields.keys()
    pairs: list[tuple[Any, Any]] = [(config, section)]
    for type_, model in pairs:
        for name, kind in field_types(type_).items():
            of_model = model.model_fields[name].annotation
            may_be_unset = type(None) in typing.get_args(of_model)
            assert typing.get_origin(kind) is typing.NotRequired or not may_be_unset, f"{type_.__name__}.{name}"
            pairs += zip(_parts(kind, typing.is_typeddict), _parts(of_model, _is_model), strict=True)
    assert all(field_types(type_).keys() == model.model_fields.keys() for type_, model in pairs[1:])


def _is_model(annotation: Any) -> bool:
    return hasattr(annotation, "model_fields")


def _parts(annotation: Any, wanted: Callable[[Any], bool]) -> list[Any]:
    """The types in an annotation such as `dict[str, Batch] | None` that are wanted."""
    if wanted(annotation):
        return [annotation]
    return [found for each in typing.get_args(annotation) for found in _parts(each, wanted)]


def _forecasting_chain() -> dict[str, Any]:
    """All states that a config may ask for."""
    section = load(ROOT / "data" / "sample" / "pipeline.yaml").forecasting
    assert section and section.what_if and section.explainability
    return forecasting_pipeline(section, {}, defaultdict(lambda: _FUNCTION), _FUNCTION)


def _recommending_chain() -> dict[str, Any]:
    return recommending_pipeline({}, defaultdict(lambda: _FUNCTION), _FUNCTION)


@pytest.mark.parametrize(
    ("pipeline", "built", "least"), [("forecasting", _forecasting_chain, 40), ("recommending", _recommending_chain, 25)]
)
def test_a_renamed_field_fails_the_synth_by_name(
    pipeline: str, built: Callable[[], dict[str, Any]], least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every field that the machine names, as if no type declared it any more."""
    states = states_of(built())
    named = {field for _, state in states for text in expressions_of(state) for field in _named(text)}
    renamed = named & _declared(_PAYLOADS[pipeline])
    assert len(renamed) > least
    for field in renamed:
        with monkeypatch.context() as patch:
            patch.setattr(expressions, "field_types", lambda type_, gone=field: _without(type_, gone))
            with pytest.raises(UndeclaredField, match=f"declares no field '{field}'"):
                built()


def _without(type_: Any, gone: str) -> dict[str, Any]:
    return {name: kind for name, kind in field_types(type_).items() if name != gone}
