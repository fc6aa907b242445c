"""The app is synthesized once or twice for all tests here, with cdk-nag in force: a finding fails every test."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.config import Pipeline
from tests.infra.variants import VARIANTS

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
    return shared(tmp_path_factory, "sample")


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The sample's, with all that its config could ask for to keep it closed, and for production."""
    return shared(tmp_path_factory, "guarded")


@pytest.fixture(scope="session")
def options(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return shared(tmp_path_factory, "options")


@pytest.fixture(scope="session")
def longest_names(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return shared(tmp_path_factory, "longest")


@pytest.fixture(scope="session", params=sorted(VARIANTS))
def variant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Each of `variants.py`, one after the other."""
    return shared(tmp_path_factory, request.param)


def shared(tmp_path_factory: pytest.TempPathFactory, name: str) -> Assembly:
    """The variant of that name, as the first worker of this run synthesized it; a failed synth leaves nothing."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / name).exists():
            synthesized(tmp_path_factory.mktemp(name), VARIANTS[name]()).folder.rename(root / name)
    return _assembly(root / name)


def synthesized(folder: Path, config: Pipeline | None = None, **changed: Any) -> Assembly:
    """The app of the config, by default the sample's with `changed` members."""
    from aws_cdk import App

    import app as entry
    from infra import bundle, checks

    app = App(
        outdir=str(folder), context={**json.loads((ROOT / "cdk.json").read_text())["context"], "dataset": "sample"}
    )
    checks.check(app)
    with pytest.MonkeyPatch.context() as patch:  # no wheels from PyPI: test_bundle.py is about those
        patch.setattr(bundle, "assemble", lambda: _no_bundle(folder))
        entry.build(app, config or entry.settings_of(app).model_copy(update=changed))
        app.synth()
    return _assembly(folder)


def _no_bundle(folder: Path) -> Path:
    made = folder / "0123456789abcdef" / "storecast-engines.gluewheels.zip"
    made.parent.mkdir(exist_ok=True)
    made.write_bytes(b"")
    return made


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
    """The pipeline's state machine of a stack as text."""
    return definitions_of(assembly)[f"{stack}/Machine"]


def definitions_of(assembly: Assembly) -> dict[str, str]:
    """All state machines as text, by `<stack>/<logical id>`."""
    machines = assembly.resources("AWS::StepFunctions::StateMachine").items()
    return {name: flat(properties["DefinitionString"]) for name, properties in machines}
