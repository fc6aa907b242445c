"""Files that a crash, a full disk or a second process cannot leave half written."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


class StateError(Exception):
    """State on disk that cannot be used, or not be written; the message names the file and the remedy."""


def replace(path: Path, content: str | bytes, keep_previous: bool = False) -> None:
    """Writes the file durably and whole, for its user alone: whoever reads it sees the old content or the new one.

    With `keep_previous` the old content stays beside it as <name>.previous. Raises OSError; the old file is untouched
    then.
    """
    scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        if keep_previous and path.exists():
            _link(path, previous(path))
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def previous(path: Path) -> Path:
    return path.with_name(f"{path.name}.previous")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process and thread at a time; the lock is a file of that name, and ends with its holder."""
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def remedy(path: Path) -> str:
    """What to do about a damaged file."""
    kept = previous(path)
    restore = f"restore the copy of it before the last change (cp {kept} {path}), " if kept.exists() else ""
    return f"Next: {restore}restore the folder from a backup, or start empty with `python -m localaws reset`."


def _link(path: Path, other: Path) -> None:
    """`other` is the file that `path` is now."""
    scratch = other.with_name(f"{other.name}.{os.getpid()}.part")
    scratch.unlink(missing_ok=True)
    try:
        os.link(path, scratch)
    except OSError:  # a file system without hard links
        shutil.copy2(path, scratch)
    scratch.replace(other)
