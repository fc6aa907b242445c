"""The distribution storecast-engines: its wheel alone runs the README's examples, and its docstrings are true."""

import doctest
import importlib
import os
import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ENGINES = Path(__file__).parents[3] / "engines"
MODULES = [
    ".".join(path.relative_to(ENGINES).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ENGINES / "storecast_engines").rglob("*.py"))
]
NEED_TORCH = {f"storecast_engines.forecasting.{name}" for name in ("cnn_qr", "deep_ar", "neural")}
# Where a reader starts; each shows how it is used.
ENTRY_POINTS = (
    "storecast_engines.forecasting.estimator.AutoPredictor",
    "storecast_engines.forecasting.panel.build_panel",
    "storecast_engines.recommending.estimator.Recommender",
    "storecast_engines.recommending.events.encode",
    "storecast_engines.files.time_series.read_csv",
    "storecast_engines.files.interactions.read_csv",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [Path(sys.executable).with_name("uv"), "build", "--wheel", "--quiet"]
    subprocess.run([*command, "--python", sys.executable, "--out-dir", folder, ENGINES], check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [archive.read(name).decode() for name in names if name.endswith("METADATA")]
    assert {name.partition("/")[0] for name in names} == {
        "storecast_engines",
        f"{wheel.name.split('-py3')[0]}.dist-info",
    }
    assert len([name for name in names if name.endswith(".py")]) == len(MODULES)
    assert re.findall("^Provides-Extra: (.*)$", metadata, flags=re.M) == ["neural", "prophet", "spark"]


def test_the_readmes_examples_run_with_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """In its own folder, where neither this repository nor the editable packages are on the path."""
    examples = re.findall(r"^```python\n(.*?)^```$", (ENGINES / "README.md").read_text(), flags=re.M | re.S)
    assert len(examples) == 2
    first = [line for line in examples[0].splitlines() if line]
    assert len(first) == 5
    checkout = [str(ENGINES.parent), str(ENGINES)]
    path = f"import sys; sys.path[:] = [{str(wheel)!r}, *(at for at in sys.path if at not in {checkout})]"
    proof = f"""
import importlib.util, storecast_engines
assert storecast_engines.__file__.startswith({str(wheel)!r}), storecast_engines.__file__
assert importlib.util.find_spec("localaws") is None
assert not {{"boto3", "botocore"}} & set(sys.modules)
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", f"{path}\n{example}\n{proof}"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": ""},
            capture_output=True,
            text=True,
        )
        for example in examples
    ]
    assert [done.stderr for done in outputs if done.returncode] == []
    assert len(re.findall(r"milk 2024-0\d-\d\d", outputs[0].stdout)) == 14
    assert {"pegs", "lamp"} <= set(outputs[1].stdout.split())


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_are_true(name: str) -> None:
    if name in NEED_TORCH and not find_spec("torch"):
        pytest.skip("the extra is not installed")
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert not failed


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_each_entry_point_has_an_example(name: str) -> None:
    module, _, entry = name.rpartition(".")
    assert doctest.DocTestParser().get_examples(getattr(importlib.import_module(module), entry).__doc__)
