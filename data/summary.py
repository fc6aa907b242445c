"""What a dataset build wrote, and whether a build with the same arguments and code is already there."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

FILE_NAME = "summary.json"


@dataclass(frozen=True)
class Summary:
    """Contents of `summary.json` at the root of a build.

    `key` identifies arguments and code; `files` maps each written file (relative to the build) to its number of rows
    without header; `figures` are counts by name; `rules` say how the data was chosen; `simulated` names what
    is not real (empty = everything is real).
    """

    dataset: str
    key: str
    seed: int
    full: bool
    licence: str
    origin: str
    period: Mapping[str, str]
    simulated: str
    rules: Mapping[str, str]
    figures: Mapping[str, Any]
    files: Mapping[str, int]


def build_key(arguments: Mapping[str, Any], code: Iterable[Path]) -> str:
    """SHA-256 over the arguments and the text of the code files: the same key means the same output."""
    digest = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode())
    for path in sorted(code):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def finished_build(out: Path, key: str) -> Summary | None:
    """The summary of the build in `out` when it has this key and all of its files are still there, otherwise None."""
    path = out / FILE_NAME
    if not path.exists():
        return None
    content = json.loads(path.read_text())
    if content.get("key") != key or not all((out / name).exists() for name in content["files"]):
        return None
    return Summary(**content)


def write_build(out: Path, tables: Mapping[str, tuple[pd.DataFrame, bool]], **facts: Any) -> Summary:
    """Write every table of `{relative path: (table, with header row)}` and the summary, and return the summary.

    The summary is removed first and written last, so that an interrupted build never looks finished.
    """
    (out / FILE_NAME).unlink(missing_ok=True)
    for name, (table, header) in tables.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False, header=header)
    summary = Summary(**facts, files={name: len(table) for name, (table, _) in tables.items()})
    (out / FILE_NAME).write_text(json.dumps(asdict(summary), indent=2) + "\n")
    return summary
