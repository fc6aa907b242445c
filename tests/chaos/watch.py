"""What the server takes of its machine, from /proc."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localaws import process
from localaws.settings import Settings


@dataclass(frozen=True)
class Taken:
    megabytes: int  # resident
    descriptors: int  # open files and sockets


def of_server(settings: Settings) -> Taken:
    pid = process.running(settings)
    assert pid, f"the embedded AWS does not run any more, see {settings.log}"
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return Taken(int(resident.split()[1]) // 1024, len(list(Path(f"/proc/{pid}/fd").iterdir())))
