"""The engines for AWS Glue 5.0: a zip of wheels for its Python, put together once per content, without Docker.

`python -m infra.bundle` prints where it is; a job names it in `--additional-python-modules`, beside
`--python-modules-installer-option --no-index` (docs/aws-sources.md#glue-aws-glue-programming-python-libraries, appendix
A).
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_ENGINES = _ROOT / "engines"
_PINS = _ROOT / "requirements.txt"
NAME = "storecast-engines.gluewheels.zip"  # Glue goes by the ending
PYTHON = "3.11"
# Glue 5.0 is on Amazon Linux 2023, whose C library is 2.34: wheels for it or for older ones.
_PLATFORMS = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64")


def assemble(build: Path = _ROOT / "build") -> Path:
    """The bundle, `<build>/glue/<hash of its content>/storecast-engines.gluewheels.zip`; made only if it is not there.

    Raises RuntimeError with the tool's own words if a package has no wheel for Glue or cannot be fetched.
    """
    bundle = build / "glue" / _fingerprint() / NAME
    if not bundle.exists():
        bundle.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=bundle.parent) as scratch:  # its own: two may do this at once
            wheels = Path(scratch) / "wheels"
            wheels.mkdir()
            _collect(wheels)
            ready = Path(scratch) / NAME
            _zip(wheels, ready)
            ready.rename(bundle)
    return bundle


def _fingerprint() -> str:
    digest = hashlib.sha256(repr((PYTHON, _PLATFORMS)).encode() + _PINS.read_bytes())
    for path in sorted(_ENGINES.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(_ENGINES)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _collect(wheels: Path) -> None:
    """The engines' wheel, those of all that it needs in the pinned versions, and requirements.txt."""
    uv, pins = Path(sys.executable).with_name("uv"), wheels / "requirements.txt"
    python = ["--python-version", PYTHON]
    given = [str(_ENGINES / "pyproject.toml"), "--constraint", str(_PINS), "--output-file", str(pins)]
    only = ["--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:", "--no-header", "--no-annotate"]
    _run(str(uv), "pip", "compile", "--quiet", *python, *only, *given)
    _run(str(uv), "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", str(wheels), str(_ENGINES))
    platforms = [part for platform in _PLATFORMS for part in ("--platform", platform)]
    fetched = ["--no-deps", "--only-binary=:all:", "--implementation", "cp", *python, *platforms]
    _run(sys.executable, "-m", "pip", "download", "--quiet", *fetched, "-r", str(pins), "-d", str(wheels))
    (ours,) = wheels.glob("storecast_engines-*.whl")
    name, version, *_ = ours.name.split("-")
    with pins.open("a") as file:
        file.write(f"{name.replace('_', '-')}=={version}\n")


def _zip(wheels: Path, target: Path) -> None:
    """Stored, as wheels are compressed, and always the same for the same files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(wheels.iterdir()):
            if path.suffix in (".whl", ".txt"):
                archive.writestr(zipfile.ZipInfo(f"wheels/{path.name}"), path.read_bytes())


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the bundle for AWS Glue could not be put together:\n{done.stderr or done.stdout}")


if __name__ == "__main__":
    print(assemble())
