"""The embedded AWS as a process in the background: start it, stop it, ask how it is, empty it."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import IO

from localaws import files
from localaws.settings import Settings, prepare
from localaws.workers import without_secrets

START_SECONDS = 60
STOP_SECONDS = 30
_UNCLEAR_SECONDS = 10
_CLAIMING_SECONDS = 1
_LOCK = "process.lock"


class ProcessError(files.StateError):
    """A start or stop that did not come about; the message says why and what to do."""


def running(settings: Settings) -> int | None:
    """The process id of the embedded AWS of this state folder, or None. Raises ProcessError when that is unclear."""
    return _running(settings.state)


def _running(state: Path) -> int | None:
    """The same of a folder whose settings may be damaged.

    Raises ProcessError when one runs that does not say which process it is. It does so just after it has taken the
    lock, and just before its end the process is none any more.
    """
    path, deadline = state / "process.json", time.monotonic() + _UNCLEAR_SECONDS
    while _locked(state / _LOCK):
        try:
            pid = json.loads(path.read_text())["pid"]
            if type(pid) is int and pid > 1 and _is_ours(pid):
                return pid
            found = f"{pid!r} is no process of an embedded AWS"
        except (OSError, ValueError, TypeError, KeyError) as error:
            found = f"{type(error).__name__}: {error}"
        if time.monotonic() > deadline:
            raise ProcessError(
                f"An embedded AWS runs with the state in {state}, but {path} does not name its process ({found}). "
                "Next: end the process `localaws serve` of this folder (ps ax), and start again."
            )
        time.sleep(0.05)
    return None


def _locked(path: Path) -> bool:
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def claim(settings: Settings) -> IO[str]:
    """The lock of the state folder, held as long as the file is open, and this process noted as its holder.

    Raises ProcessError when another process holds it.
    """
    lock = open(os.open(settings.state / _LOCK, os.O_RDWR | os.O_CREAT, 0o600), "w")  # noqa: SIM115
    deadline = time.monotonic() + _CLAIMING_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:  # for a moment, by whoever asks whether it runs
            if time.monotonic() > deadline:
                message = f"It runs already at {settings.endpoint} (state in {settings.state})."
                raise ProcessError(message) from None
        time.sleep(0.05)
    files.replace(settings.process_file, json.dumps({"pid": os.getpid(), "port": settings.port}))
    return lock


def start(settings: Settings) -> int:
    """Starts it and returns its process id when it answers. Raises ProcessError; starting twice is no error."""
    pid = running(settings)
    if pid:
        return pid
    claim_port(settings)
    begun = settings.log.stat().st_size if settings.log.exists() else 0
    with open(os.open(settings.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "localaws", "serve", "--state", str(settings.state)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=without_secrets(os.environ),
            cwd=Path(__file__).parent.parent,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if healthy(settings):
            return process.pid
        if process.poll() is not None:
            said = settings.log.read_bytes()[begun:].decode(errors="replace").strip().splitlines()[-15:]
            raise ProcessError("\n".join([f"The embedded AWS did not start (log: {settings.log}).", *said]))
        time.sleep(0.1)
    process.terminate()
    raise ProcessError(f"The embedded AWS did not answer within {START_SECONDS} s; see {settings.log}.")


def stop(settings: Settings) -> bool:
    """Stops it, its state saved. False when it did not run."""
    return _stop(settings.state)


def _stop(state: Path) -> bool:
    pid = _running(state)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _running(state):
        if time.monotonic() > deadline:
            raise ProcessError(f"The embedded AWS (process {pid}) did not stop within {STOP_SECONDS} s.")
        time.sleep(0.1)
    return True


def reset(state: Path, port: int | None) -> None:
    """Empties it, also a damaged one: every resource and file is gone. One that was running runs again, empty.

    It keeps its port, unless another one is given or the settings are damaged.
    """
    was_running = _stop(state)
    if port is None:
        with contextlib.suppress(files.StateError):
            port = prepare(state).port
    shutil.rmtree(state, ignore_errors=True)
    fresh = prepare(state, port)
    if was_running:
        start(fresh)


def claim_port(settings: Settings) -> None:
    """Raises ProcessError when somebody else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.port))
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            found = "is in use by another program" if in_use else f"may not be used ({error.strerror})"
            raise ProcessError(
                f"Port {settings.port} {found}. Choose another one with --port N (and --state DIR to keep the two "
                "apart)."
            ) from None


def healthy(settings: Settings) -> bool:
    context = ssl.create_default_context(cafile=str(settings.certificate_authority))
    try:
        health = f"{settings.endpoint}/_ministack/health"
        with urllib.request.urlopen(health, timeout=2, context=context) as answer:  # https on loopback  # nosec B310
            return answer.status == 200
    except OSError:
        return False


def _is_ours(pid: int) -> bool:
    """A file from before may name a process id that has been given to another program since."""
    try:
        return b"localaws" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return sys.platform != "linux"
