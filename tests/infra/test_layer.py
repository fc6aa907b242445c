"""The shared layer is put together once per content, from what is on the machine, and is no export of a stack."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from infra import layer
from tests.infra.conftest import Assembly


def test_a_layer_holds_common_and_powertools_and_is_made_once(tmp_path: Path) -> None:
    made = layer.assemble(tmp_path)
    assert (made / "python" / "common" / "step.py").exists()
    assert (made / "python" / "aws_lambda_powertools").is_dir()
    assert not list(made.rglob("boto3"))
    code = "import sys; sys.path.insert(0, sys.argv[1]); import storecast_engines.time_steps as it; print(it.__file__)"
    command = [sys.executable, "-ISc", code, str(made / "python")]  # none of this environment's packages
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert found == str(made / "python" / "storecast_engines" / "time_steps.py")
    marker = made / "untouched"
    marker.touch()
    assert layer.assemble(tmp_path) == made and marker.exists()


def test_two_synths_at_once_end_with_the_same_layer(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        [made] = set(pool.map(layer.assemble, [tmp_path] * 4))
    assert [made] == list((tmp_path / "layer").iterdir())


# Their physical id, and with it every ARN, survives each update that the app can make of them.
_LASTING = {
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
}


def test_no_stack_exports_what_an_update_replaces(guarded: Assembly) -> None:
    """CloudFormation refuses to change an export that another stack imports: nothing could be deployed any more."""
    exported = {
        f"{stack}/{name}": template["Resources"][_of(output["Value"])]["Type"]
        for stack, template in guarded.templates.items()
        for name, output in template.get("Outputs", {}).items()
        if "Export" in output
    }
    assert exported and {name: kind for name, kind in exported.items() if kind not in _LASTING} == {}


def _of(value: dict[str, Any]) -> str:
    """The resource whose reference or attribute an output is."""
    return value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]


def test_the_functions_of_a_stack_share_one_layer_of_that_stack(assembly: Assembly) -> None:
    functions = assembly.resources("AWS::Lambda::Function")
    assert {json.dumps(function["Layers"]) for function in functions.values()} == {'[{"Ref": "Layer"}]'}
    layers = assembly.resources("AWS::Lambda::LayerVersion")
    assert set(layers) == {f"{stack}/Layer" for stack in {name.split("/")[0] for name in functions}}
    assert len({json.dumps(layer["Content"]) for layer in layers.values()}) == 1
