"""The pipelines' own checks of files, on this machine, before anything is uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from storecast.client import uploads
from storecast.client.model import Pipeline

_DATA = Path(__file__).resolve().parents[2] / "data"


@dataclass(frozen=True)
class Verdict:
    """What a run would say of files. Without a config on this machine nothing is `checked`, and `why` says so."""

    checked: bool
    rows: int = 0
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    why: str = ""


def kinds(dataset: str, pipeline: Pipeline) -> tuple[str, ...]:
    """The kinds of dataset that the config has, or all of them where it is not here."""
    if not _config(dataset).exists():
        return uploads.kinds(pipeline)
    from infra import config, files

    known = files.kinds_of(config.of_dataset(_DATA, dataset.replace("-", "_")))
    return tuple(each for each in uploads.kinds(pipeline) if each in known)


def check(dataset: str, kind: str, paths: Sequence[Path]) -> Verdict:
    """What a run would say of the files."""
    if not _config(dataset).exists():
        missing = f"Not checked: {_config(dataset)} is not on this machine."
        return Verdict(False, why=f"{missing} The run checks the files, and says what it refuses.")
    from infra import config, files
    from infra.config import ConfigError

    try:
        [(_, found)] = files.check(config.of_dataset(_DATA, dataset.replace("-", "_")), {kind: paths})
    except (ConfigError, ValueError) as error:
        return Verdict(True, refused=[str(error)])
    folder = f"{paths[0].parent}/"
    return Verdict(
        True,
        sum(found.left(name) for name in found.layouts),
        [why.replace(folder, "") for why in found.refused.values()],
        [note.replace(folder, "") for note in found.notes],
    )


def _config(dataset: str) -> Path:
    return _DATA / dataset.replace("-", "_") / "pipeline.yaml"
