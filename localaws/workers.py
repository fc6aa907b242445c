"""The environment of the processes that the server starts: none of them sees the root user's key, or what else the
shell of whoever started the embedded AWS holds. /proc/PID/environ shows it to all processes of the user."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from multiprocessing import util
from typing import Any

_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE")
# What programs need of the machine that they run on, and what says where AWS is.
_OF_THE_MACHINE = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TERM", "TMPDIR", "TZ")
_OF_AWS = ("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_REGION", "AWS_DEFAULT_REGION", "SSL_CERT_FILE")
_OF_LIBRARIES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUTF8")
_started: list[subprocess.Popen[bytes]] = []  # multiprocessing waits for them by their ids


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _SECRETS}


def of_the_machine(environment: Mapping[str, str]) -> dict[str, str]:
    """What a worker that runs somebody's code gets of the server's environment."""
    kept = (*_OF_THE_MACHINE, *_OF_AWS, *_OF_LIBRARIES)
    return {name: value for name, value in environment.items() if name in kept}


def start_without_secrets(environment: Mapping[str, str]) -> None:
    """From now on multiprocessing starts its processes in this environment: the fork server, and a second one when the
    first is ended."""

    def spawn(path: Any, arguments: Sequence[Any], descriptors: Iterable[Any]) -> int:
        passed = tuple(map(int, descriptors))
        _started.append(subprocess.Popen(arguments, executable=path, pass_fds=passed, env=environment))
        return _started[-1].pid

    setattr(util, "spawnv_passfds", spawn)  # noqa: B010 (its types are those of the function that it replaces)
