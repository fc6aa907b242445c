"""docs/chaos.md: each promise is in the operations guide as it is quoted, and each test beside it exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TABLE = (ROOT / "docs" / "chaos.md").read_text().partition("## The promises")[2]
_PROMISES = [tuple(row.strip("| ").split(" | ")) for row in _TABLE.splitlines() if row.startswith("| ")][2:]
_GUIDE = " ".join((ROOT / "docs" / "operations.md").read_text().split())


@pytest.mark.parametrize(("promise", "tests"), _PROMISES)
def test_a_promise_is_the_guides_and_somebody_holds_it(promise: str, tests: str) -> None:
    assert promise in _GUIDE
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
    assert named, tests
    for file, name in named:
        assert f"\ndef {name}(" in (ROOT / file).read_text(), f"{file} has no {name}"


def test_the_table_is_read() -> None:
    assert len(_PROMISES) > 20
