"""The sources under a security linter's eyes, as cdk-nag looks at the templates."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.infra.conftest import ROOT

SOURCES = ("app.py", "infra", "lambdas", "engines", "localaws", "demo", "data", "benchmarks", "workshop", "notebooks")


def test_bandit_finds_nothing_of_medium_weight_or_more() -> None:
    bandit = Path(sys.executable).with_name("bandit")
    command = [str(bandit), "-q", "-ll", "-c", "pyproject.toml", "-r", *SOURCES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
