"""Judges that are not ours, on every variant of the templates."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.infra.conftest import ROOT, Assembly, definitions_of

# Advice for templates that people write: CDK joins texts, and keeps its reasons in the code.
_FOR_WRITERS = ("I1022", "I4010")


def test_cfn_lint_finds_nothing(variant: Assembly) -> None:
    """Neither by its informational nor by its experimental rules."""
    lint = Path(sys.executable).with_name("cfn-lint")
    templates = map(str, variant.folder.glob("*.template.json"))
    command = [str(lint), "--include-checks", "I", "--include-experimental", "--ignore-checks", *_FOR_WRITERS, "-t"]
    done = subprocess.run([*command, *templates], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_validator_of_state_machines_finds_nothing(variant: Assembly, tmp_path: Path) -> None:
    """npm's asl-validator: the states language's schema, and every JSONata expression."""
    paths = []
    for number, text in enumerate(definitions_of(variant).values()):
        paths.append(tmp_path / f"machine{number}.json")
        paths[-1].write_text(text.replace("<AWS::Partition>", "aws"))
    assert paths
    command = ["node", str(ROOT / "node_modules" / "asl-validator" / "dist" / "bin" / "asl-validator.js")]
    command += [part for path in paths for part in ("--json-path", str(path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[:3000]
