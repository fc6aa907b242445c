"""The packages that a job names: they must be there for its role, and for Glue's Python and platform.

Here a job runs in this repository's own environment and installs nothing. Source: Glue guide,
aws-glue-programming-python-libraries (appendix A: a zip of wheels, whose name ends in .gluewheels.zip).
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping

from localaws.errors import JobFailed
from localaws.s3 import Access, get, size

PYTHON = 11  # 3.11, of Glue 5.0 and 5.1
_ZIP = ".gluewheels.zip"


def check(access: Access, arguments: Mapping[str, str]) -> None:
    """Raises JobFailed for a file that the role may not read, or a wheel that Glue's pip would not install."""
    for path in _named(arguments, "--extra-py-files"):
        size(access, path)
    for path in _named(arguments, "--additional-python-modules"):
        if path.endswith(".zip"):
            wheels = _wheels(path, get(access, path))
        else:
            size(access, path)
            wheels = [path.rpartition("/")[2]] if path.endswith(".whl") else []
        for wheel in wheels:
            if not installable(wheel):
                raise JobFailed(
                    f"{path}: {wheel} is not a supported wheel on this platform; Glue 5 has Python 3.{PYTHON} "
                    "on Linux, x86_64"
                )


def installable(wheel: str) -> bool:
    """Whether the tags of a wheel's name (PyPA, binary distribution format) fit Glue.

    >>> installable("numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl")
    True
    >>> installable("numpy-2.4.6-cp313-cp313-manylinux_2_27_x86_64.whl"), installable("six-1.17.0-py2.py3-none-any.whl")
    (False, True)
    """
    pythons, abi, platforms = (tag.split(".") for tag in wheel.removesuffix(".whl").split("-")[-3:])
    stable = [int(found[1]) for each in pythons if (found := re.fullmatch(r"cp3(\d+)", each))]
    python = bool({"py3", f"py3{PYTHON}", f"cp3{PYTHON}"} & set(pythons))
    python = python or ("abi3" in abi and any(each <= PYTHON for each in stable))
    return python and any(each == "any" or re.fullmatch(r"(many)?linux.*_x86_64", each) for each in platforms)


def _named(arguments: Mapping[str, str], name: str) -> Iterator[str]:
    yield from (each.strip() for each in arguments.get(name, "").split(",") if each.strip().startswith("s3://"))


def _wheels(path: str, body: bytes) -> list[str]:
    if not path.endswith(_ZIP):
        raise JobFailed(f"{path} is no zip of wheels by its name, which must end in {_ZIP}")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return [name.rpartition("/")[2] for name in archive.namelist() if name.endswith(".whl")]
    except zipfile.BadZipFile as error:
        raise JobFailed(f"{path} is not a zip file: {error}") from None
