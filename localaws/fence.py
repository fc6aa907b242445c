"""The fence around code that a customer brings: a notebook instance, a Lambda function, a Glue job. It and all that it
starts may write below its own folder only, and of the embedded AWS's state, where everybody's keys and files lie, read
nothing else either. It reaches no process outside: not its memory and environment, nor by a signal or an abstract
socket (Linux 6.12). It has no capabilities, also as root.

Linux's Landlock keeps it, without any privilege (Linux kernel documentation, userspace-api/landlock). Where the kernel
has none (before 5.19, or another system) that code reads and writes whatever the user who runs it may.

`python fence.py FOLDER HIDDEN [SHOWN ...] -- COMMAND ...` becomes the command inside the fence (`fenced`).
"""

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_LEAST_VERSION = 2  # the first one that allows moving a file from one folder to another
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, the same on every architecture
_ASK_VERSION, _PATH_BENEATH = 1, 1
_SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVILEGES, _DROP_CAPABILITY = 36, 38, 24  # options of prctl
_SCOPES_VERSION, _SCOPES = 6, 0b11  # abstract sockets, signals
_CAPABILITIES_VERSION = 0x20080522  # of capset's structures

_WRITE_FILE, _READ_FILE, _TRUNCATE = 1 << 1, 1 << 2, 1 << 14
# Write to files; remove and make folders, files, sockets, pipes, links and devices; move them across folders.
_WRITING = _WRITE_FILE | sum(1 << bit for bit in range(4, 14))
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/ptmx")
_DEVICE_FOLDERS = ("/dev/pts", "/dev/shm")


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("folder", ctypes.c_int32)]


class _Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scoped")]


def fenced(command: Sequence[str], folder: Path, hidden: Path, shown: Sequence[Path] = ()) -> list[str]:
    """The command that runs `command` inside the fence (`keep_inside`)."""
    # Isolated: neither this file's folder nor the environment decides what is imported before the fence is up.
    return [sys.executable, "-I", __file__, str(folder), str(hidden), *map(str, shown), "--", *command]


def landlock_version() -> int:
    """0 where the system has none."""
    if not hasattr(os, "O_PATH"):
        return 0
    return max(0, ctypes.CDLL(None).syscall(_CREATE_RULESET, None, 0, _ASK_VERSION))


def keep_inside(folder: Path, hidden: Path, shown: Sequence[Path] = ()) -> bool:
    """Restricts this process, for good, to writing below `folder`, and to reading nothing below `hidden` but that and
    what is `shown`; False where the system has no Landlock."""
    version = landlock_version()
    if version < _LEAST_VERSION:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    truncate = _TRUNCATE if version >= 3 else 0
    scoped = version >= _SCOPES_VERSION
    handled = _WRITING | _READ_FILE | truncate
    attributes = _Attributes(files=handled, scoped=_SCOPES if scoped else 0)
    size = ctypes.sizeof(attributes) if scoped else ctypes.sizeof(ctypes.c_uint64)
    rules = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(attributes), size, 0))
    allowed = {str(folder): handled} | dict.fromkeys(_DEVICE_FOLDERS, handled)
    allowed |= dict.fromkeys(_DEVICES, _WRITE_FILE | _READ_FILE | truncate)
    readable = dict.fromkeys(map(str, (*_beside(hidden.resolve()), *shown)), _READ_FILE)
    for path, access in (readable | allowed).items():
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:  # it has gone since it was listed, as temporary files do
            continue
        rule = _Rule(access, place)
        _checked(libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(rule), 0))
        os.close(place)
    _checked(libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)
    return True


def _beside(hidden: Path) -> Iterator[Path]:
    """All that there is but a folder, what leads to it, and links to either: Landlock allows, it forbids nothing."""
    way = {hidden, *hidden.parents}
    for parent in hidden.parents:
        for each in parent.iterdir():
            place = each.resolve()
            if place not in way and not place.is_relative_to(hidden):
                yield each


def drop_capabilities() -> None:
    """Of this process and all that it starts, for good: root keeps its own files, and nothing else."""
    if not hasattr(os, "O_PATH"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    capability = 0
    while libc.prctl(_DROP_CAPABILITY, capability, 0, 0, 0) == 0:
        capability += 1
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


def adopt_orphans() -> None:
    """Processes that a descendant leaves behind become this process's children, so that it can end them all."""
    if hasattr(os, "O_PATH"):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return result


def main() -> None:
    at = sys.argv.index("--")
    folder, hidden, *shown = map(Path, sys.argv[1:at])
    drop_capabilities()
    keep_inside(folder, hidden, shown)
    command = sys.argv[at + 1 :]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
