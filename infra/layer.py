"""The shared Lambda layer: our `common` package, what the steps share with the engines, and Powertools.

It is put together once per content, without Docker.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_COMMON = _ROOT / "lambdas" / "common"
_ENGINES = _ROOT / "engines" / "storecast_engines"
_SHARED = ("__init__.py", "time_steps.py")  # of the engines: modules of the standard library alone
_PINS = _ROOT / "requirements.txt"
_PACKAGES = ("aws-lambda-powertools",)


def assemble(build: Path = _ROOT / "build") -> Path:
    """The folder of a ready layer, `<build>/layer/<hash of its content>`; made only if it is not there yet.

    Raises RuntimeError with uv's own words if a package can neither be found in uv's cache nor fetched.
    """
    layer = build / "layer" / _fingerprint()
    if not layer.exists():
        layer.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=layer.parent) as scratch:  # its own: two synths may do this at once
            ready = Path(scratch) / "layer"
            _install(ready / "python")
            shutil.copytree(_COMMON, ready / "python" / "common", ignore=shutil.ignore_patterns("__pycache__"))
            shared = ready / "python" / _ENGINES.name
            shared.mkdir()
            for name in _SHARED:
                shutil.copy(_ENGINES / name, shared)
            try:
                ready.rename(layer)
            except OSError:
                if not layer.exists():  # else the other one was first, with the same content
                    raise
    return layer


def _fingerprint() -> str:
    digest = hashlib.sha256(repr(_PACKAGES).encode() + _PINS.read_bytes())
    ours = [path for path in sorted(_COMMON.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    for path in (*ours, *(_ENGINES / name for name in _SHARED)):
        digest.update(str(path.relative_to(_ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _install(target: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [
        str(uv if uv.exists() else "uv"),
        "pip",
        "install",
        "--quiet",
        "--no-config",
        "--target",
        str(target),
        "--constraint",
        str(_PINS),
        *_PACKAGES,
    ]
    for attempt in ([*command, "--offline"], command):
        done = subprocess.run(attempt, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
    raise RuntimeError(f"the Lambda layer could not be put together:\n{done.stderr}")
