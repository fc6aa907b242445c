"""The commands and examples that the documentation shows are there and are taken."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from infra.config import load
from storecast.cli.app import app

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", _ROOT / "CONTRIBUTING.md", *sorted((_ROOT / "docs").rglob("*.md"))]
_TARGETS = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(), re.MULTILINE))
_every_page = pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))


def _blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


@_every_page
def test_make_has_every_target_that_a_page_names(page: Path) -> None:
    named = set(re.findall(r"(?:`|&& |^ *|[A-Z]+=\S+ )make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert named - _TARGETS == set()


@_every_page
def test_no_page_runs_a_cdk_that_no_command_installs(page: Path) -> None:
    """The pinned CDK CLI is in node_modules, which is on nobody's PATH."""
    commands = re.findall(r"(?:`|^ *)(cdk [a-z]+ [^`\n]+)", page.read_text(), re.MULTILINE)
    assert commands == []


@_every_page
def test_storecast_has_every_command_and_option_that_a_page_names(page: Path) -> None:
    for line in re.findall(r"(?:`|^|&& |\()(storecast [a-z][^`\n#&;)]*)", page.read_text(), re.MULTILINE):
        words = line.split()[1:]
        command: Any = get_command(app)
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known | {"--help"}, line


@_every_page
def test_every_module_that_a_page_runs_is_there(page: Path) -> None:
    modules = set(re.findall(r"python -m ([a-z0-9_]+(?:\.[a-z0-9_]+)*)", page.read_text()))
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


@_every_page
def test_every_config_that_a_page_shows_is_valid(page: Path, tmp_path: Path) -> None:
    for block in _blocks(page, "yaml"):
        if block.startswith("dataset:"):
            (tmp_path / "pipeline.yaml").write_text(block)
            load(tmp_path / "pipeline.yaml")


@_every_page
def test_the_python_that_a_page_shows_compiles(page: Path) -> None:
    for block in _blocks(page, "python"):
        compile(block, str(page), "exec")
