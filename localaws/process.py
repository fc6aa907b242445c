"""The embedded AWS as a process in the background: start it, stop it, ask how it is, empty it."""

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

from localaws.settings import Settings, prepare

START_SECONDS = 60
STOP_SECONDS = 30


class ProcessError(Exception):
    """A start or stop that did not come about; the message says why and what to do."""


def running(settings: Settings) -> int | None:
    """The process id of the embedded AWS of this state folder, or None."""
    try:
        pid = json.loads(settings.process_file.read_text())["pid"]
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    return pid if _is_ours(pid) else None


def start(settings: Settings) -> int:
    """Starts it and returns its process id when it answers. Raises ProcessError; starting twice is no error."""
    pid = running(settings)
    if pid:
        return pid
    claim_port(settings)
    with settings.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "localaws", "serve", "--state", str(settings.state)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=Path(__file__).parent.parent,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if healthy(settings):
            return process.pid
        if process.poll() is not None:
            tail = "\n".join(settings.log.read_text(errors="replace").splitlines()[-15:])
            raise ProcessError(f"The embedded AWS ended while it started. Its log {settings.log} ends with:\n{tail}")
        time.sleep(0.1)
    process.terminate()
    raise ProcessError(f"The embedded AWS did not answer within {START_SECONDS} s; see {settings.log}.")


def stop(settings: Settings) -> bool:
    """Stops it, its state saved. False when it did not run."""
    pid = running(settings)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running(settings):
        if time.monotonic() > deadline:
            raise ProcessError(f"The embedded AWS (process {pid}) did not stop within {STOP_SECONDS} s.")
        time.sleep(0.1)
    settings.process_file.unlink(missing_ok=True)
    return True


def reset(settings: Settings) -> None:
    """Empties it: every resource and file is gone. One that was running runs again, empty."""
    was_running = stop(settings)
    port = settings.port
    shutil.rmtree(settings.state, ignore_errors=True)
    fresh = prepare(settings.state, port)
    if was_running:
        start(fresh)


def claim_port(settings: Settings) -> None:
    """Raises ProcessError when somebody else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.port))
        except OSError:
            raise ProcessError(
                f"Port {settings.port} is in use by another program. Choose another one with --port N (and --state DIR "
                "to keep the two apart)."
            ) from None


def healthy(settings: Settings) -> bool:
    context = ssl.create_default_context(cafile=str(settings.certificate_authority))
    try:
        health = f"{settings.endpoint}/_ministack/health"
        with urllib.request.urlopen(health, timeout=2, context=context) as answer:  # https on loopback  # nosec B310
            return answer.status == 200
    except OSError:
        return False


def write_process_file(settings: Settings) -> None:
    settings.process_file.write_text(json.dumps({"pid": os.getpid(), "port": settings.port}))


def _is_ours(pid: int) -> bool:
    """A process id may have been given to another program since, and a dead child lingers until it is reaped."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return sys.platform != "linux"
    return b"localaws" in command and state != "Z"
