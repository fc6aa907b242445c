"""The volume of a notebook instance: the folder that stands for its disk, as SageMaker lays it out.

home/ec2-user/SageMaker   what stays when the instance stops, and JupyterLab's root; .aws holds region and endpoint
opt/ml/metadata           the instance's own name and ARN
python                    the Python environment of its kernels: what a notebook installs goes here
bin                       stand-ins for sudo and chown: an instance has one user here
tmp                       its temporary files
"""

import configparser
import json
import site
import sys
import venv
from pathlib import Path

from localaws.s3 import Access

_SUDO = """#!/bin/bash
# There is one user: the options that name another one fall away. Without a command it is a shell.
while [[ ${1-} == -* ]]; do
  case $1 in
    -u | -g | -h | -p) shift ;;
    --) shift; break ;;
  esac
  shift
done
[[ $# -gt 0 ]] && exec env "$@"
exec bash
"""
_COMMANDS = {"sudo": _SUDO, "chown": "#!/bin/bash\n# All files belong to the one user.\n"}
# SageMaker's folders in a notebook's cells are the instance's own, as in its scripts (machine.py).
_CELLS = r"""import re

_MAPPED = re.compile(r"(?<![\w./}-])(?=(?:/home/ec2-user|/opt/ml)(?![\w.-]))")
get_ipython().input_transformers_cleanup.append(lambda lines: [_MAPPED.sub("FOLDER", line) for line in lines])
"""
_KERNELS = ("conda_python3", "python3")  # SageMaker's name of its Python kernel, and Jupyter's
# Of the environment outside: what programs need of the machine, and where packages come from. No secrets, and nothing
# that would lead them to the machine outside.
_OUTSIDE = ("LANG", "LC_", "PIP_", "SSL_CERT_", "TERM", "TZ", "UV_", "http_proxy", "https_proxy", "no_proxy")


def prepare(folder: Path, name: str, arn: str, access: Access, token: str) -> None:
    """Brings the folder to where an instance can start in it; what its user keeps there stays."""
    home = folder / "home/ec2-user"
    metadata = folder / "opt/ml/metadata"
    for each in (home / "SageMaker", home / ".aws", metadata, folder / "bin", folder / "tmp"):
        each.mkdir(parents=True, exist_ok=True)
    (metadata / "resource-metadata.json").write_text(json.dumps({"ResourceArn": arn, "ResourceName": name}))
    for command, text in _COMMANDS.items():
        (folder / "bin" / command).write_text(text)
        (folder / "bin" / command).chmod(0o755)
    _write_aws_files(home / ".aws", arn.split(":")[3], access)
    if not (folder / "python").exists():
        _make_python(folder / "python")
    _write_jupyter_files(home, folder / "python", token)
    startup = home / ".ipython/profile_default/startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "storecast.py").write_text(_CELLS.replace("FOLDER", str(folder)))


def environment(outside: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment of all that runs on the instance, made from that of the embedded AWS's own start."""
    commands = Path(sys.executable).parent
    return {name: value for name, value in outside.items() if name.startswith(_OUTSIDE)} | {
        "HOME": str(folder / "home/ec2-user"),
        "JUPYTER_PREFER_ENV_PATH": "no",  # the instance's kernels, before those of where JupyterLab is installed
        "PATH": f"{folder / 'bin'}:{folder / 'python/bin'}:{commands}:{outside.get('PATH', '/usr/bin:/bin')}",
        "SHELL": "/bin/bash",
        "TMPDIR": str(folder / "tmp"),
    }


def _write_aws_files(folder: Path, region: str, access: Access) -> None:
    """Credentials of the role, and where AWS is: any AWS client reads both, so no notebook has to know."""
    files = {
        "config": {"region": region, "endpoint_url": access.endpoint, "ca_bundle": access.certificate_authority},
        "credentials": {
            "aws_access_key_id": access.access_key,
            "aws_secret_access_key": access.secret_key,
            "aws_session_token": access.session_token,
        },
    }
    for name, values in files.items():
        parser = configparser.RawConfigParser()
        parser["default"] = values
        path = folder / name
        path.touch(mode=0o600)
        with path.open("w") as file:
            parser.write(file)


def _make_python(folder: Path) -> None:
    """An environment that sees what is installed here, and takes what a notebook installs."""
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "outside.pth").write_text("\n".join(site.getsitepackages()))


def _write_jupyter_files(home: Path, python: Path, token: str) -> None:
    # Not in the environment, which others of the user may see.
    _write_json(home / ".jupyter/jupyter_server_config.json", {"IdentityProvider": {"token": token}})
    for name in _KERNELS:
        command = [str(python / "bin/python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel = {"argv": command, "display_name": name, "language": "python", "metadata": {"debugger": True}}
        _write_json(home / ".local/share/jupyter/kernels" / name / "kernel.json", kernel)
    # JupyterLab would ask its makers for news, and its user whether it may.
    news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    _write_json(home / ".jupyter/labconfig/page_config.json", news)


def _write_json(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(value, indent=1))
