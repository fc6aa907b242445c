"""`python -m workshop.public FOLDER`: runs a folder of notebooks that others wrote, each in a kernel of a notebook
instance of the embedded AWS, and prints how far each came.

Nothing in the notebooks is changed but this: waits are scaled (time.sleep), lines that install packages or restart the
kernel are left out, and what a notebook asks its reader for is filled in (a bucket, a role, a region). PACKAGES are
those of SageMaker's own kernels that this environment may lack. The copies lie on the instance's disk; with --out the
executed notebooks are kept there.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
import nbformat
from botocore.exceptions import WaiterError

from localaws import process
from localaws.files import StateError
from localaws.settings import REGION, client_environment, prepare
from workshop.jupyter import Kernel, Lab

DEFAULT_STATE = Path(".localaws-public")
# Lines of cells that are left out: the installation of packages, and the restart of a kernel after it.
_INSTALLERS = "(pip3?|conda|mamba|apt|apt-get|yum)"
NEUTRALISED = {
    "installs packages": rf"^[ \t]*[!%][ \t]*(sudo |\{{?sys\.executable\}}? -m |python3? -m )*{_INSTALLERS} .*$",
    "restarts the kernel": r"^.*(do_shutdown\(|kernel\.restart|Application\.instance\(\)).*$",
}
# Of SageMaker's conda_python3 that notebooks import.
PACKAGES = ("sagemaker<3", "scikit-learn", "seaborn", "tqdm", "s3fs", "ipywidgets")
# What notebooks ask their reader for: values in angle brackets or with such words, empty widgets, and input().
FILLED = {
    r"^([ \t]*\w*bucket\w*[ \t]*=[ \t]*)([\"'])[^\"']*(?:\byour\b|<)[^\"']*\2": r"\1'BUCKET'",
    r"^([ \t]*role_arn[ \t]*=[ \t]*)([\"'])[^\"']*(?:\byour\b|<)[^\"']*\2": r"\1'ROLE'",
    r"(create_text_widget\([ \t]*[\"']bucket\w*[\"'],[ \t]*[\"'][^\"']*[\"'])[ \t]*\)": r"\1, 'BUCKET')",
    r"(create_text_widget\([ \t]*[\"']region\w*[\"'],[ \t]*[\"'][^\"']*[\"'])[ \t]*\)": r"\1, 'REGION')",
    r"(create_text_widget\([ \t]*[\"']ACCOUNT_NUM[\"'],[ \t]*[\"'][^\"']*[\"'])[ \t]*\)": r"\1, 'ACCOUNT')",
}
_SETUP = """
import time as _time
_time.sleep = lambda seconds, _sleep=_time.sleep: _sleep(min(seconds * {scale}, {longest}))
def input(prompt=""):
    answers = {answers!r}
    return next((value for word, value in answers.items() if word in prompt.lower()), "")
"""
_NAME, _SERVICES = "public-notebooks", ("sagemaker", "forecast", "personalize", "lambda")


@dataclass(frozen=True)
class Run:
    """How far a notebook came: its code cells, how many ran, the first error, and the seconds that it took."""

    notebook: str
    cells: int
    ran: int
    error: str
    seconds: float


def adapted(source: str, reader: Mapping[str, str]) -> str:
    """A cell without the lines that are left out, and with what its reader is asked for: BUCKET, ROLE, REGION, ACCOUNT.

    >>> print(adapted("!pip install pandas\\nbucket_name = '<your bucket>'", {"BUCKET": "mine"}))
    pass  # left out: !pip install pandas
    bucket_name = 'mine'
    """
    for pattern, filled in FILLED.items():
        for name, value in reader.items():
            filled = filled.replace(f"'{name}'", repr(value))
        source = re.sub(pattern, filled, source, flags=re.MULTILINE | re.IGNORECASE)
    if source.startswith("%%"):
        shell = re.match(r"%%(bash|sh)\b", source)
        installs = NEUTRALISED["installs packages"].replace("[!%]", "")
        return re.sub(installs, ": left out", source, flags=re.MULTILINE) if shell else source
    for pattern in NEUTRALISED.values():
        source = re.sub(pattern, _left_out, source, flags=re.MULTILINE)
    return source


def _left_out(found: re.Match[str]) -> str:
    line = found[0]
    return f"{line[: len(line) - len(line.lstrip())]}pass  # left out: {line.strip()}"


def run(
    lab: Lab, path: Path, name: str, reader: Mapping[str, str], scale: float, cell_seconds: float
) -> tuple[Run, nbformat.NotebookNode]:
    """A notebook, which the instance has as `name`, in a new kernel up to its first error; and the notebook then."""
    begun, notebook = time.monotonic(), nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    kernel, ran, error = Kernel(lab, name), 0, ""
    try:
        answers = {asked.lower(): value for asked, value in reader.items()}
        kernel.execute(_SETUP.format(scale=scale, longest=10, answers=answers), cell_seconds)
        for number, cell in enumerate(cells, start=1):
            try:
                cell.outputs = kernel.execute(adapted(cell.source, reader), cell_seconds)
            except TimeoutError as late:
                error = f"cell {number}: {late}"
                break
            failed = [each for each in cell.outputs if each.output_type == "error"]
            if failed and "raises-exception" not in cell.metadata.get("tags", []):
                error = f"cell {number}: {failed[0].ename}: {failed[0].evalue}"
                break
            ran = number
    finally:
        kernel.close()
    return Run(name, len(cells), ran, error, time.monotonic() - begun), notebook


def in_order(path: Path) -> tuple[Path, bool, str]:
    """Folder by folder, in the order of names, but what cleans up last."""
    return path.parent, bool(re.search("clean.?up", path.name, re.IGNORECASE)), path.name


def table(runs: list[Run]) -> str:
    """Markdown, a notebook a row."""
    rows = [
        f"| {each.notebook} | {each.ran}/{each.cells} | {_short(each.error)} | {each.seconds:.0f} |" for each in runs
    ]
    return "\n".join(["| notebook | cells run | first error | seconds |", "| --- | --- | --- | --- |", *rows])


def _short(error: str) -> str:
    return re.sub(r"\s+", " ", error).replace("|", "\\|")[:300]


def _instance(role: str) -> Lab:
    """A notebook instance in service."""
    sagemaker, named = boto3.client("sagemaker"), {"NotebookInstanceName": _NAME}
    sagemaker.create_notebook_instance(**named, InstanceType="ml.t3.medium", RoleArn=role)
    try:
        waiter = sagemaker.get_waiter("notebook_instance_in_service")
        waiter.wait(**named, WaiterConfig={"Delay": 1, "MaxAttempts": 600})
    except WaiterError:
        reason = sagemaker.describe_notebook_instance(**named).get("FailureReason", "it is still Pending")
        raise StateError(f"The notebook instance {_NAME} did not come into service: {reason}") from None
    return Lab(sagemaker.create_presigned_notebook_instance_url(**named)["AuthorizedUrl"])


def _role() -> str:
    """What these notebooks ask their reader for: a role with an administrator's rights, which the services may use."""
    iam = boto3.client("iam")
    services = {"Service": [f"{each}.amazonaws.com" for each in _SERVICES]}
    trusted = {"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    role = iam.create_role(RoleName=_NAME, AssumeRolePolicyDocument=trust)["Role"]
    iam.attach_role_policy(RoleName=_NAME, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    return role["Arn"]


def _run_all(options: argparse.Namespace) -> int:
    role, account = _role(), boto3.client("sts").get_caller_identity()["Account"]
    reader = {"BUCKET": f"{_NAME}-{account}", "ROLE": role, "REGION": REGION, "ACCOUNT": account}
    boto3.client("s3").create_bucket(Bucket=reader["BUCKET"])
    lab = _instance(role)
    if options.packages:
        names = " ".join(json.dumps(each) for each in options.packages)
        print(lab.run(f"!{{__import__('sys').executable}} -m pip install --quiet {names}"), file=sys.stderr)
    lab.upload(options.folder, options.folder.name)
    runs = []
    for path in sorted(options.folder.rglob("*.ipynb"), key=in_order):
        name = str(path.relative_to(options.folder))
        if ".ipynb_checkpoints" in name or not re.search(options.only, name):
            continue
        done, notebook = run(lab, path, f"{options.folder.name}/{name}", reader, options.scale, options.cell_seconds)
        runs.append(done)
        print(
            f"{done.ran}/{done.cells} {name} ({done.seconds:.0f} s) {_short(done.error)}", file=sys.stderr, flush=True
        )
        if options.out:
            (options.out / name).parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, options.out / name)
    complete = sum(each.ran == each.cells for each in runs)
    ran, cells = sum(each.ran for each in runs), sum(each.cells for each in runs)
    print(f"{table(runs)}\n\n{complete} of {len(runs)} notebooks ran to the last cell; {ran} of {cells} cells.")
    return 0 if complete == len(runs) else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workshop.public", description=__doc__)
    parser.add_argument("folder", type=Path, help="the notebooks, with the files that they read")
    parser.add_argument("--only", default="", help="a regular expression: the notebooks whose paths match")
    about = f"of the embedded AWS, emptied first (default: {DEFAULT_STATE})"
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help=about)
    parser.add_argument("--port", type=int, help="of the embedded AWS")
    parser.add_argument("--out", type=Path, help="folder for the executed notebooks")
    parser.add_argument("--scale", type=float, default=0.01, help="of waits (default: 0.01)")
    parser.add_argument("--cell-seconds", type=float, default=900, help="after which a silent cell is given up")
    about = f"to install first (default: {' '.join(PACKAGES)})"
    parser.add_argument("--packages", nargs="*", default=PACKAGES, help=about)
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    try:
        process.reset(options.state, options.port)
        aws = prepare(options.state, options.port)
        process.start(aws)
    except StateError as error:
        print(error, file=sys.stderr)
        return 1
    os.environ.update(client_environment(aws))
    try:
        return _run_all(options)
    except StateError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        process.stop(aws)


if __name__ == "__main__":
    sys.exit(main())
