"""The machines of the notebook instances that are up: a process tree each (machine.py), ended with the embedded AWS."""

import contextvars
import importlib.util
import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from localaws.errors import ServiceError
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.sagemaker import volume
from localaws.services.sagemaker.resource_types import InstancePrivate

logger = logging.getLogger("storecast.sagemaker")

_ROOT = Path(__file__).parents[3]
_SERVING_SECONDS = 30
_NO_JUPYTER = "JupyterLab is not installed where the embedded AWS runs. `make workshop` brings it."


class Machines:
    """Starts and ends machines of the embedded AWS at `endpoint`, itself started in the environment `outside`."""

    def __init__(self, endpoint: str, outside: dict[str, str]):
        self._endpoint, self._outside = endpoint, outside
        self._up: dict[str, subprocess.Popen[str]] = {}
        self._lock = threading.Lock()

    def start(self, context: Context, instance: Resource, scripts: list[tuple[str, str]]) -> None:
        """Pending becomes InService, or Failed with the reason; later Failed too when JupyterLab ends by itself."""
        _in_background(self._live, context, instance, scripts)

    def stop(self, arn: str, then: Callable[..., Any], *arguments: Any) -> None:
        """Ends the machine, if there is one, and then calls `then`."""
        _in_background(self._stop, arn, then, *arguments)

    def end(self, arn: str) -> None:
        """Ends the machine and waits until nothing of it is left."""
        with self._lock:
            process = self._up.pop(arn, None)
        if process:
            _pipe(process.stdin).close()
            process.wait()

    def close(self) -> None:
        """Ends all machines, at the same time."""
        with self._lock:
            processes = list(self._up.values())
            self._up.clear()
        for process in processes:
            _pipe(process.stdin).close()
        for process in processes:
            process.wait()

    def _stop(self, arn: str, then: Callable[..., Any], *arguments: Any) -> None:
        self.end(arn)
        then(*arguments)

    def _live(self, context: Context, instance: Resource, scripts: list[tuple[str, str]]) -> None:
        arn, store = instance.arn, context.store
        port, token = _free_port(), secrets.token_urlsafe(24)
        try:
            process = self._boot(context, instance, scripts, port, token)
        except (OSError, ServiceError) as error:
            logger.exception("instance %s", arn)
            store.insist(arn, "Failed", FailureReason=str(error)[:1024])
            return
        said = _pipe(process.stdout).readline()
        answer = json.loads(said) if said else {"failed": "The machine of the instance ended early."}
        if "ready" in answer:
            url = f"http://127.0.0.1:{port}/lab?token={token}"
            store.update(arn, "InService", private=InstancePrivate(url=url, created=True))
        process.wait()
        # A machine that was asked to stop is not here any more: whoever asked sets the status.
        with self._lock:
            ended_by_itself = self._up.get(arn) is process and self._up.pop(arn)
        if ended_by_itself:
            store.insist(arn, "Failed", FailureReason=answer.get("failed", "JupyterLab ended by itself.")[:1024])

    def _boot(
        self, context: Context, instance: Resource, scripts: list[tuple[str, str]], port: int, token: str
    ) -> subprocess.Popen[str]:
        if importlib.util.find_spec("jupyterlab") is None:
            raise OSError(_NO_JUPYTER)
        _await_serving(self._endpoint)
        access = context.assume(instance.record["RoleArn"], "sagemaker.amazonaws.com", instance.arn)
        folder = context.store.folder(instance.arn)
        folder.mkdir(parents=True, exist_ok=True)
        with _new_file(folder / "machine.log") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "localaws.services.sagemaker.machine"],
                cwd=_ROOT,
                env=volume.environment(self._outside, folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        with self._lock:
            self._up[instance.arn] = process
        plan = {
            "folder": str(folder),
            "hidden": str(context.store.artifacts.parent),
            "shown": [access.certificate_authority],
            "endpoint": access.endpoint,
            "about": {"name": instance.name, "arn": instance.arn, "access": asdict(access), "token": token},
            "scripts": scripts,
            "port": port,
        }
        orders = _pipe(process.stdin)
        orders.write(json.dumps(plan) + "\n")
        orders.flush()
        return process


def _new_file(path: Path) -> IO[bytes]:
    """Its folder is the instance's user's, who may have left a link in its place."""
    path.unlink(missing_ok=True)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # every machine is started with both
    return stream


def _in_background(function: Callable[..., Any], *arguments: Any) -> None:
    """In a thread of its own, which knows the account and region of the call that asked for it."""
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(function, *arguments), daemon=True).start()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await_serving(endpoint: str) -> None:
    """An instance that comes back with the embedded AWS needs it: its role is not known before the endpoint answers."""
    parts = urllib.parse.urlsplit(endpoint)
    deadline = time.monotonic() + _SERVING_SECONDS
    while True:
        try:
            socket.create_connection((parts.hostname, parts.port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
