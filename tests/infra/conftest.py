"""The app is synthesized once or twice for all tests here, with cdk-nag in force: a finding fails every test."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.config.workshop import Vpc, Workshop

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Assembly:
    folder: Path
    templates: dict[str, dict[str, Any]]  # by the last word of the stack's name

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties by `<stack>/<logical id>`."""
        return {
            f"{stack}/{name}": resource["Properties"]
            for stack, template in self.templates.items()
            for name, resource in template["Resources"].items()
            if resource["Type"] == kind
        }


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The sample's, as its config is."""
    return _shared(tmp_path_factory, "assembly")


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The sample's, with all that its config could ask for to keep it closed, and for production."""
    vpc = Vpc(subnet_id="subnet-0123abcd", security_group_ids=("sg-0123abcd",))
    return _shared(
        tmp_path_factory,
        "guarded",
        purpose="production",
        customer_managed_key=True,
        permissions_boundary="arn:aws:iam::aws:policy/PowerUserAccess",
        workshop=Workshop(vpc=vpc),
    )


def _shared(tmp_path_factory: pytest.TempPathFactory, name: str, **changed: Any) -> Assembly:
    """What the first worker of this run synthesized under the name; a synth that fails leaves nothing under it."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / name).exists():
            synthesized(tmp_path_factory.mktemp(name), **changed).folder.rename(root / name)
    return _assembly(root / name)


def synthesized(folder: Path, **changed: Any) -> Assembly:
    """The app of the sample dataset, with `changed` members of its config."""
    from aws_cdk import App

    import app as entry
    from infra import checks

    app = App(
        outdir=str(folder), context={**json.loads((ROOT / "cdk.json").read_text())["context"], "dataset": "sample"}
    )
    checks.check(app)
    entry.build(app, entry.settings_of(app).model_copy(update=changed))
    app.synth()
    return _assembly(folder)


def _assembly(folder: Path) -> Assembly:
    return Assembly(
        folder,
        {
            path.name.split(".")[0].rsplit("-", 1)[1]: json.loads(path.read_text())
            for path in folder.glob("*.template.json")
        },
    )


def flat(node: Any) -> str:
    """A value of a template as text, references by name."""
    match node:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(flat(part) for part in parts)
        case dict():
            return (
                "<"
                + ".".join(
                    flat(part) for value in node.values() for part in (value if isinstance(value, list) else [value])
                )
                + ">"
            )
    return str(node)


def machine(assembly: Assembly, stack: str) -> dict[str, Any]:
    return json.loads(definition(assembly, stack))


def definition(assembly: Assembly, stack: str) -> str:
    """The state machine of a stack as text."""
    [properties] = [
        p for name, p in assembly.resources("AWS::StepFunctions::StateMachine").items() if name.startswith(stack)
    ]
    return flat(properties["DefinitionString"])
