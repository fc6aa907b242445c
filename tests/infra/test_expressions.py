"""Expressions over declared payloads: what a type does not declare fails the synth, by name."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import pytest

from infra import steps
from infra.expressions import (
    Expression,
    UndeclaredField,
    built,
    element,
    field_types,
    merged,
    payload,
    record,
    result,
    selected,
    template,
    variable,
)
from tests.infra.conftest import ROOT


class Milk(TypedDict):
    price: float
    kind: NotRequired[Literal["whole", "skimmed"]]


class Basket(TypedDict):
    milks: list[Milk]
    best: Milk | None
    request: dict[str, Any]


def without(type_: Any, field: str) -> Any:
    """The type as if the field had been renamed."""
    return TypedDict(type_.__name__, {name: kind for name, kind in field_types(type_).items() if name != field})


@pytest.mark.parametrize(
    ("built_of", "text"),
    [
        (payload(Basket).milks, "$states.input.milks"),
        (payload(Basket).milks[0].price, "$states.input.milks[0].price"),
        (payload(Basket).milks.price, "$states.input.milks.price"),
        (payload(Basket).best.kind, "$states.input.best.kind"),
        (result(list[Milk])[0].kind, "$states.result[0].kind"),
        (element(Milk).price, "price"),
        (variable("done", Milk).price, "$done.price"),
        (merged(payload(Milk), price=2), "$merge([$states.input, {'price': 2}])"),
        (built(Milk, price=Expression("1 + 1"), kind="whole"), "{'price': 1 + 1, 'kind': 'whole'}"),
        (selected(variable("done", Milk), "price", "kind"), "{'price': $done.price, 'kind': $done.kind}"),
        (template(payload(Milk).price), "{% $states.input.price %}"),
    ],
)
def test_an_expression_is_built_from_the_names_of_fields(built_of: Any, text: str) -> None:
    assert str(built_of) == text


def test_a_record_holds_constants_and_templates() -> None:
    assert record(Milk, price=payload(Basket).best.price, kind="whole") == {
        "price": "{% $states.input.best.price %}",
        "kind": "whole",
    }


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: payload(Basket).milk,
            r"\$states.input: Basket declares no field 'milk'; allowed: best, milks, request",
        ),
        (lambda: payload(Basket).milks[0].cost, r"Milk declares no field 'cost'; allowed: kind, price"),
        (lambda: payload(Basket).best.cost, r"Milk declares no field 'cost'"),
        (lambda: payload(Basket).request.Name, r"declares no field 'Name'; allowed: none"),
        (lambda: selected(payload(Milk), "cost"), r"Milk declares no field 'cost'"),
        (lambda: merged(payload(Milk), cost=1), r"Milk declares no field 'cost'"),
        (lambda: built(Milk, price=1, cost=1), r"Milk declares no field 'cost'"),
        (lambda: record(Milk, kind="whole"), r"Milk requires price, which is not given"),
        (lambda: record(Milk, price=1, kind="oat"), r"Milk.kind is 'oat'; allowed: 'whole', 'skimmed'"),
    ],
)
def test_what_a_type_does_not_declare_is_refused_by_name(build: Any, message: str) -> None:
    with pytest.raises(UndeclaredField, match=message):
        build()


@pytest.mark.parametrize("field", ["arn", "status", "seconds", "waited"])
def test_a_renamed_field_of_a_payload_fails_the_synth(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    def wait() -> None:
        steps.wait_for("Forecast", service="forecast", arn="$states.input.madeArn")

    wait()
    monkeypatch.setattr(steps, "Wait", without(steps.Wait, field))
    with pytest.raises(UndeclaredField, match=f"Wait declares no field '{field}'"):
        wait()


def test_infra_imports_of_the_lambdas_only_their_payloads_and_domains() -> None:
    """And a payload imports nothing but types, the domains and reserved names nothing but the standard library, so that
    a synth needs none of the Lambdas' libraries. The check of local files is no part of a synth."""
    shared = (".payload", ".config", ".summary", ".domains", ".reserved")
    rooms = {folder.name for folder in (ROOT / "lambdas").iterdir() if folder.is_dir()}
    for path in set((ROOT / "infra").rglob("*.py")) - {ROOT / "infra" / "files.py"}:
        for module in _imported(path):
            assert module.split(".")[0] not in rooms or module.endswith(shared), f"{path}: {module}"
    for path in (
        found for name in ("payload", "config", "summary") for found in (ROOT / "lambdas").rglob(f"{name}.py")
    ):
        others = {module for module in _imported(path) if not module.endswith((".payload", ".config", ".summary"))}
        assert others <= {"__future__", "collections.abc", "common.tables", "typing"}, path
    for path in (ROOT / "lambdas").glob("*/*.py"):
        if path.name not in ("domains.py", "reserved.py", "tables.py"):
            continue
        assert {module.split(".")[0] for module in _imported(path)} <= sys.stdlib_module_names, path


def _imported(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        name
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
