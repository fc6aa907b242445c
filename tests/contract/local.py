"""An embedded AWS of its own, driven by the command line: for tests that end it, damage it, or fill its disk."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.config import Config

from tests.contract.helpers import eventually

ROOT = Path(__file__).parents[2]


class Local:
    """One state folder, driven by the command line alone."""

    def __init__(self, state: Path, port: int):
        self.state, self.port = state, port

    def run(self, command: str, *more: str, **environment: str) -> subprocess.CompletedProcess:
        arguments = [sys.executable, "-m", "localaws", command, "--state", str(self.state), *more]
        return subprocess.run(arguments, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)

    def start(self, **environment: str) -> None:
        done = self.run("start", "--port", str(self.port), **environment)
        assert done.returncode == 0, done.stderr
        assert f"https://127.0.0.1:{self.port}" in done.stdout
        self.read_environment()

    def read_environment(self) -> None:
        """As a shell would that evaluates what `env` prints."""
        words = shlex.split(self.run("env").stdout.replace(";", " "))
        self.environment = dict(word.split("=", 1) for word in words if "=" in word)

    @property
    def pid(self) -> int:
        return json.loads((self.state / "process.json").read_text())["pid"]

    def kill(self) -> None:
        """As a crash does."""
        os.kill(self.pid, signal.SIGKILL)
        eventually(lambda: self.run("status").returncode == 1)

    def client(self, service: str, **config: object):
        names = self.environment
        session = boto3.Session(names["AWS_ACCESS_KEY_ID"], names["AWS_SECRET_ACCESS_KEY"], None, names["AWS_REGION"])
        return session.client(
            service,
            endpoint_url=names["AWS_ENDPOINT_URL"],
            verify=names["AWS_CA_BUNDLE"],
            config=Config(**config),
        )
