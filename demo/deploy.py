"""The app onto the embedded AWS, by the unmodified CDK CLI, and only when something changed since the last time."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

ROOT = Path(__file__).parent.parent
CLI = ["node", str(ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk")]
# What a template is made of.
SOURCES = ("app.py", "cdk.json", "requirements.txt", "infra", "lambdas", "data/*/pipeline.yaml")


class DeploymentFailed(Exception):
    """The CDK CLI ended with an error; the message is the end of what it printed."""


def spelled(dataset: str) -> str:
    """A dataset's name as its stacks have it, of that or of its folder's name."""
    return dataset.replace("_", "-")


def deploy(dataset: str, environment: Mapping[str, str], out: Path, engine: str | None = None) -> bool:
    """Bootstraps and deploys the pipelines, with this engine or the config's; False when that is what is deployed."""
    stamp = out / f"deployed-{dataset}.json"
    sources = {"sources": _hash(), "endpoint": environment["AWS_ENDPOINT_URL"], "engine": engine}
    if stamp.exists() and json.loads(stamp.read_text()) == sources and outputs(dataset):
        return False
    _prepare(dataset, environment, out, *(["--engine", engine] if engine else []))
    # forecasting and recommending, as far as the config has them; the CLI adds the stacks that they depend on.
    named = ["--context", f"engine={engine}"] if engine else []
    _deploy(f"storecast-{dataset}-*ing", [*_context(dataset), *named], environment, out)
    stamp.write_text(json.dumps(sources))
    return True


def deploy_workshop(dataset: str, environment: Mapping[str, str], out: Path, learners: int | None) -> str:
    """Bootstraps and deploys the workshop, for as many learners as the config says if `learners` does not. The answer
    is what its host should know, such as a quota that the learners exceed."""
    number = ["--context", f"learners={learners}"] if learners else []
    known = _prepare(dataset, environment, out, "--workshop", *(["--learners", str(learners)] if learners else []))
    _deploy(f"storecast-{dataset}-workshop", [*_context(dataset), *number], environment, out)
    return known


def _deploy(stacks: str, context: list[str], environment: Mapping[str, str], out: Path) -> None:
    run = {"NO_COLOR": "1", "CDK_DISABLE_VERSION_CHECK": "1"} | dict(os.environ) | dict(environment)
    if not _stack("CDKToolkit"):
        # Where there is no cdk.json: the CLI would synthesize the app only to learn account and region from it.
        place = f"aws://{boto3.client('sts').get_caller_identity()['Account']}/{environment['AWS_REGION']}"
        _cdk(["bootstrap", place], run, out / "bootstrap.log", cwd=out)
    _cdk(["deploy", stacks, "--require-approval", "never", *context, *_assembly(out)], run, out / "deploy.log")


def destroy(dataset: str, environment: Mapping[str, str], out: Path) -> None:
    """Takes all stacks down, with what the pipelines created."""
    run = dict(os.environ) | dict(environment)
    _prepare(dataset, environment, out, "--destroy")
    _cdk(["destroy", "--all", "--force", *_context(dataset), *_assembly(out)], run, out / "destroy.log")
    (out / f"deployed-{dataset}.json").unlink(missing_ok=True)


def outputs(dataset: str) -> dict[str, str]:
    """The outputs of all stacks of the dataset, by name; empty when it is not deployed."""
    found: dict[str, str] = {}
    for page in boto3.client("cloudformation").get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
            if tags.get("project") == "storecast" and tags.get("dataset") == dataset:
                found |= {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    return found


def _context(dataset: str) -> list[str]:
    return ["--context", f"dataset={dataset}"]


def _assembly(out: Path) -> list[str]:
    """Where the templates go: the CLI refuses a folder that another running CLI uses."""
    return ["--output", str((out / "cdk.out").resolve())]


def _stack(name: str) -> bool:
    try:
        return bool(boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"])
    except ClientError:
        return False


def _prepare(dataset: str, environment: Mapping[str, str], out: Path, *options: str) -> str:
    """What must happen first, because of how the dataset is deployed (infra/deployed.py); returns what that printed."""
    command, log = [sys.executable, "-m", "infra.deployed", "--dataset", dataset, *options], out / "prepare.log"
    _run(command, dict(os.environ) | dict(environment), log, ROOT)
    return log.read_text(errors="replace").strip()


def _cdk(arguments: list[str], environment: Mapping[str, str], log: Path, cwd: Path | None = None) -> None:
    _run([*CLI, *arguments], environment, log, cwd or ROOT)


def _run(command: list[str], environment: Mapping[str, str], log: Path, cwd: Path) -> None:
    with log.open("wb") as file:
        code = subprocess.run(command, cwd=cwd, env=environment, stdout=file, stderr=file).returncode
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise DeploymentFailed(f"{' '.join(command)} failed (complete log: {log}):\n{tail}")


def _hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(_files()):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for pattern in SOURCES:
        for found in ROOT.glob(pattern):
            yield from (
                [found] if found.is_file() else (path for path in found.rglob("*.*") if "__pycache__" not in path.parts)
            )
