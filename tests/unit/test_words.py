"""Words that the project's English does without: each has a plainer one (to tell: to report; anew: again; ...)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_DROPPED = re.compile(
    r"\b(told|mend(?:s|ed|ing)?|by (?:itself|themselves)|anew|at work|at its end|in words|stands|takes? part|comes? to"
    r"|good for)\b",
    re.IGNORECASE,
)
# Clean by now: a room or page is added when its prose and messages are.
_CLEAN = (
    *("benchmarks", "data", "demo", "docs", "examples", "lambdas/recommending", "notebooks", "workshop"),
    *("CONTRIBUTING.md", "README.md", "infra/config/reference.py", "infra/config/workshop.py"),
)
_KINDS = {".ipynb", ".md", ".py", ".toml", ".yaml"}


def _files(place: str) -> Iterator[Path]:
    path = ROOT / place
    yield from (each for each in (path.rglob("*") if path.is_dir() else [path]) if each.suffix in _KINDS)


@pytest.mark.parametrize("place", _CLEAN)
def test_no_word_that_the_style_drops_comes_back(place: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in _files(place)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _DROPPED.search(line)
    ]
    assert found == []


def test_no_name_of_a_test_has_one() -> None:
    words = {"told", "tell", "tells", "mend", "mends", "mended", "stand", "stands", "anew"}
    names = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert {name for name in names if words & set(name.split("_"))} == set()
