"""Whether the state on disk can be used: checked before a start, so that nothing damaged is taken for empty."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from localaws import files
from localaws.files import StateError
from localaws.settings import Settings

_SIDECAR = ".meta.json"


def check(settings: Settings) -> None:
    """Raises StateError naming the first file that is damaged, and the remedy. Finishes what a crash left half done."""
    for path in sorted((settings.state / "emulator").glob("*.json")):
        read_json(path)
    check_database(settings.state / "resources.sqlite")
    _finish_writes(settings.state / "s3")
    for sidecar in (settings.state / "s3").rglob(f"*{_SIDECAR}"):
        _check_object(sidecar)


def read_json(path: Path, **options: Any) -> Any:
    """Raises StateError for a file that is no JSON object."""
    try:
        value = json.loads(path.read_text(), **options)
    except (OSError, ValueError, RecursionError) as error:
        raise StateError(f"{path} is damaged: {error}. {files.remedy(path)}") from None
    if not isinstance(value, dict):
        raise StateError(f"{path} is damaged: it holds no JSON object. {files.remedy(path)}")
    return value


def check_database(path: Path) -> None:
    """Raises StateError unless it is there and sound, or not there at all."""
    if not path.exists():
        return
    try:
        database = sqlite3.connect(path)
        try:
            (found,) = database.execute("pragma quick_check(1)").fetchone()
        finally:
            database.close()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise StateError(f"{path} is damaged: {found}. {files.remedy(path)}")


def _finish_writes(folder: Path) -> None:
    """An object is a file and a sidecar, written beside and then renamed, the file first: see emulator/objects.py."""
    for new in [*folder.rglob(f"*{_SIDECAR}.tmp")]:
        file = new.with_name(new.name.removesuffix(f"{_SIDECAR}.tmp") + ".tmp")
        if not file.exists() and _complete(new):
            new.replace(new.with_suffix(""))
    for left in [*folder.rglob("*.tmp")]:
        left.unlink()


def _complete(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except ValueError:
        return False
    return True


def _check_object(sidecar: Path) -> None:
    known = read_json(sidecar)
    file = sidecar.with_name(sidecar.name.removesuffix(_SIDECAR))
    size = known.get("size")
    if known.get("is_delete_marker") or size is None:
        return
    found = f"{file.stat().st_size} bytes" if file.is_file() else "not there"
    if found != f"{size} bytes":
        key = known.get("key", file.name)
        raise StateError(
            f"{file}, the object {key!r}, is damaged: it is {found}, its sidecar says {size} bytes. Next: restore it "
            f"from a backup, or delete it and {sidecar.name}, start, and upload the object again."
        )
