"""`python -m demo.workshop`: a notebook instance for each learner on the embedded AWS, and the URLs that open them."""

import argparse
import os
import sys
from pathlib import Path

import boto3
from rich.console import Console

from demo import deploy
from localaws import process
from localaws.files import StateError
from localaws.settings import client_environment, prepare

OUT = Path("build/workshop")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.workshop", description=__doc__)
    parser.add_argument(
        "--dataset", default="grocery", type=deploy.spelled, help="a folder of data/ (default: grocery)"
    )
    parser.add_argument("--learners", type=int, help="how many (default: as the dataset's pipeline.yaml says)")
    parser.add_argument("--state", default=".localaws", help="the embedded AWS's folder (default: .localaws)")
    parser.add_argument("--port", type=int, help="its port (default: the last one, or 4566)")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        settings = prepare(Path(options.state), options.port)
        environment = client_environment(settings)
        os.environ.update(environment)
        process.start(settings)
        console.print(f"Deploying the workshop to the embedded AWS at {settings.endpoint} ...", highlight=False)
        known = deploy.deploy_workshop(options.dataset, environment, OUT, options.learners)
    except (StateError, deploy.DeploymentFailed) as error:
        console.print(f"[red]{error}[/red]", highlight=False, soft_wrap=True)
        return 1
    if known:
        console.print(f"[yellow]{known}[/yellow]", highlight=False, soft_wrap=True)
    for instance, url in urls(options.dataset).items():
        console.print(f"{instance}: {url}", highlight=False, soft_wrap=True)
    console.print(
        f"Each learner opens one of these; the labs are in the folder storecast. At the end:\n"
        f"python -m demo --destroy --dataset {options.dataset} --state {options.state}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def urls(dataset: str) -> dict[str, str]:
    """The URL of each learner's JupyterLab, by instance; one that had stopped is started."""
    sagemaker, found = boto3.client("sagemaker"), {}
    for name in deploy.outputs(dataset)["NotebookInstances"].split(","):
        instance = {"NotebookInstanceName": name}
        if sagemaker.describe_notebook_instance(**instance)["NotebookInstanceStatus"] in ("Stopped", "Failed"):
            sagemaker.start_notebook_instance(**instance)
        sagemaker.get_waiter("notebook_instance_in_service").wait(
            **instance, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
        )
        found[name] = sagemaker.create_presigned_notebook_instance_url(**instance)["AuthorizedUrl"]
    return found


if __name__ == "__main__":
    sys.exit(main())
