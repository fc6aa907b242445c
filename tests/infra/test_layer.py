"""The shared layer is put together once per content, from what is on the machine already."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra import layer


def test_a_layer_holds_common_and_powertools_and_is_made_once(tmp_path: Path) -> None:
    made = layer.assemble(tmp_path)
    assert (made / "python" / "common" / "step.py").exists()
    assert (made / "python" / "aws_lambda_powertools").is_dir()
    assert not list(made.rglob("boto3"))
    marker = made / "untouched"
    marker.touch()
    assert layer.assemble(tmp_path) == made and marker.exists()


def test_two_synths_at_once_end_with_the_same_layer(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        [made] = set(pool.map(layer.assemble, [tmp_path] * 4))
    assert [made] == list((tmp_path / "layer").iterdir())
