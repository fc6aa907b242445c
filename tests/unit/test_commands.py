"""The commands that the documentation shows are there."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from storecast.cli.app import app

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_TARGETS = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_make_has_every_target_that_a_page_names(page: Path) -> None:
    named = set(re.findall(r"(?:`|&& |^ *|[A-Z]+=\S+ )make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert named - _TARGETS == set()


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_no_page_runs_a_cdk_that_no_command_installs(page: Path) -> None:
    """The pinned CDK CLI is in node_modules, which is on nobody's PATH."""
    commands = re.findall(r"(?:`|^ *)(cdk [a-z]+ [^`\n]+)", page.read_text(), re.MULTILINE)
    assert commands == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_storecast_has_every_command_and_option_that_a_page_names(page: Path) -> None:
    for line in re.findall(r"(?:`|^|&& |\()(storecast [a-z][^`\n#&;)]*)", page.read_text(), re.MULTILINE):
        words = line.split()[1:]
        command: Any = get_command(app)
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known | {"--help"}, line
