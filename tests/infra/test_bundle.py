"""The zip of wheels for AWS Glue: what is in it, and that it is made once per content."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import bundle

Commands = list[tuple[str, ...]]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """What is run, in place of which the files are made that it would make."""
    ran: Commands = []

    def run(*command: str) -> None:
        ran.append(command)
        if "compile" in command:
            Path(command[command.index("--output-file") + 1]).write_text("numpy==2.4.6\n")
        elif "build" in command:
            folder = Path(command[command.index("--out-dir") + 1])
            (folder / "storecast_engines-0.1.0-py3-none-any.whl").write_bytes(b"engines")
            (folder / ".gitignore").write_text("*")
        else:
            (Path(command[-1]) / "numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl").write_bytes(b"numpy")

    monkeypatch.setattr(bundle, "_run", run)
    return ran


def test_it_holds_the_engines_and_what_they_need_for_glues_python(commands: Commands, tmp_path: Path) -> None:
    made = bundle.assemble(tmp_path)
    assert made.name.endswith(".gluewheels.zip")
    with zipfile.ZipFile(made) as archive:
        assert archive.namelist() == [
            "wheels/numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl",
            "wheels/requirements.txt",
            "wheels/storecast_engines-0.1.0-py3-none-any.whl",
        ]
        assert archive.read("wheels/requirements.txt") == b"numpy==2.4.6\nstorecast-engines==0.1.0\n"
    compiled, _, fetched = commands
    for command in (compiled, fetched):
        assert command[command.index("--python-version") + 1] == "3.11"
    assert {"--only-binary=:all:", "--no-deps", "manylinux2014_x86_64"} <= set(fetched)
    assert sorted(path.name for path in made.parent.iterdir()) == [made.name]


def test_it_is_made_once_per_content(commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bundle.assemble(tmp_path)
    same = first.read_bytes()
    assert bundle.assemble(tmp_path) == first and len(commands) == 3
    first.unlink()
    assert bundle.assemble(tmp_path).read_bytes() == same
    pins = tmp_path / "requirements.txt"
    pins.write_text("numpy==9\n")
    monkeypatch.setattr(bundle, "_PINS", pins)
    assert bundle.assemble(tmp_path) != first


def test_a_package_without_a_wheel_is_named_in_the_tools_words(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake: Callable[..., None] = bundle._run
    monkeypatch.undo()

    def run(*command: str) -> None:
        if "pip" in command and "download" in command:
            _run("python3", "-c", "import sys; sys.exit('no wheel of numpy==2.4.6')")
        fake(*command)

    _run = bundle._run
    monkeypatch.setattr(bundle, "_run", run)
    with pytest.raises(RuntimeError, match=r"^the bundle for AWS Glue could not be put together:\nno wheel of numpy"):
        bundle.assemble(tmp_path)
    assert not list(tmp_path.rglob("*.zip"))
