"""`make audit`: an audit that could not reach its data is no audit that found nothing."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

_VERDICT = runpy.run_path(str(Path(__file__).parents[2] / ".ci" / "audit.py"))["verdict"]
_FINE = {"name": "boto3", "version": "1.0", "vulns": []}
_HOLED = {"name": "jinja2", "version": "2.0", "vulns": [{"id": "CVE-2099-1", "fix_versions": ["2.1"]}]}
# As pip-audit says of each package without PyPI, and then exits with 0.
_UNSEEN = {"name": "numpy", "skip_reason": "Dependency not found on PyPI and could not be audited: numpy (2.4.6)"}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([_FINE], 0, "1 packages audited, no known hole."),
        ([_FINE, _HOLED], 1, "jinja2 2.0: CVE-2099-1, fixed in 2.1"),
        ([_FINE, _UNSEEN], 2, "NOT AUDITED: 1 of 2 packages"),
        ([_HOLED, _UNSEEN], 1, "NOT AUDITED: 1 of 2 packages"),
        ([_UNSEEN] * 9, 2, "not audited: 4 more"),
    ],
)
def test_what_was_not_audited_is_no_success(packages: list[dict], code: int, words: str) -> None:
    found, message = _VERDICT(json.dumps({"dependencies": packages}), "")
    assert found == code and words in message


@pytest.mark.parametrize("output", ["", "{}", "Traceback"])
def test_an_audit_that_fails_says_why(output: str) -> None:
    code, message = _VERDICT(output, "error: Failed to fetch\nConnectionError: no route to host\n")
    assert code == 2 and message.startswith("NOT AUDITED: pip-audit failed: ConnectionError: no route to host")
