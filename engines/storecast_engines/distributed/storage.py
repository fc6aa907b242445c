"""Where the job reads and writes: whole objects by their URIs, on the driver and on the executors."""

import os
from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """Objects by URI. It is sent to the executors, so it must be picklable and open its connections there."""

    def read(self, uri: str, first: int = 0, last: int | None = None) -> bytes:
        """The object, or its bytes from `first` to `last`. Raises FileNotFoundError."""

    def size(self, uri: str) -> int:
        """Of the object in bytes. Raises FileNotFoundError."""

    def write(self, uri: str, body: bytes) -> None:
        """Write an object whole or not at all; one that is there is replaced."""

    def list(self, folder: str) -> list[str]:
        """The URIs of the objects below a folder, sorted."""


class LocalFiles:
    """Storage of files on disk; a URI is a path."""

    def read(self, uri: str, first: int = 0, last: int | None = None) -> bytes:
        with Path(uri).open("rb") as file:
            file.seek(first)
            return file.read(-1 if last is None else last + 1 - first)

    def size(self, uri: str) -> int:
        return Path(uri).stat().st_size

    def write(self, uri: str, body: bytes) -> None:
        path = Path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_bytes(body)
        part.replace(path)

    def list(self, folder: str) -> list[str]:
        return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
