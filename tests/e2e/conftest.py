"""The sample dataset, deployed by the real CDK CLI onto the embedded AWS, with both pipelines run once under faults."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from data.sample import prepare
from demo import deploy, upload
from demo.watch import Run, Watcher
from localaws.faults import Fault, write
from localaws.settings import Settings, client_environment
from tests.e2e import clock

DATASET = "sample"


@dataclass
class App:
    """A deployed app: its outputs, its files, and the runs of its pipelines."""

    outputs: dict[str, str]
    folder: Path
    out: Path
    environment: dict[str, str]
    first: dict[str, Run]

    def machine(self, pipeline: str) -> str:
        return self.outputs[f"{pipeline.capitalize()}StateMachine"]

    def start(self, pipeline: str, **given: bool) -> Run:
        """One execution by hand, with `given` as its input, followed to its end."""
        watcher = self.watcher()
        known = watcher.newest()
        arn = boto3.client("stepfunctions").start_execution(
            stateMachineArn=self.machine(pipeline), input=json.dumps(given)
        )
        watcher.wait({pipeline}, known, _quiet())
        return watcher.runs[arn["executionArn"]]

    def upload(self, key: str, body: bytes) -> Run:
        """One changed file, and the execution that works on it."""
        watcher = self.watcher()
        known = watcher.newest()
        boto3.client("s3").put_object(Bucket=self.outputs["DataBucket"], Key=key, Body=body)
        watcher.wait({key.partition("/")[0]}, known, _quiet())
        return working(watcher)[key.partition("/")[0]]

    def watcher(self) -> Watcher:
        return Watcher({pipeline: self.machine(pipeline) for pipeline in ("forecasting", "recommending")}, DATASET)

    def newest(self, pipeline: str) -> dict:
        body = boto3.client("s3").get_object(
            Bucket=self.outputs["ResultsBucket"], Key=f"{pipeline}/{DATASET}/newest.json"
        )["Body"]
        return json.loads(body.read())


def working(watcher: Watcher) -> dict[str, Run]:
    """By pipeline, the run that did the work: of a delivery's files, the others join it or find nothing new."""
    planned = [run for run in watcher.runs.values() if "Plan" in run.states]
    return {run.pipeline: run for run in sorted(planned, key=lambda run: "Ensure" in run.states)}


def _lost_answers() -> list[Fault]:
    """The first answer to each Create is lost on its way: the step that asked asks again, and finds what it made. A
    solution version has no name to be found by."""
    return [
        Fault(f"{service}:{operation}", error="InternalServerException", status=500, after=True, times=1)
        for service in ("forecast", "personalize")
        for operation in boto3.client(service).meta.service_model.operation_names
        if operation.startswith("Create") and operation != "CreateSolutionVersion"
    ]


def _quiet() -> Console:
    return Console(file=io.StringIO())


@pytest.fixture(scope="session")
def app(embedded_aws: Settings, tmp_path_factory: pytest.TempPathFactory) -> App:
    out, folder = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("sample")
    environment = client_environment(embedded_aws)
    deploy.deploy(DATASET, environment, out)
    clock.hold(f"storecast-{DATASET}-")
    prepare.prepare(folder, full=False, seed=0)
    deployed = App(deploy.outputs(DATASET), folder, out, environment, {})
    watcher = deployed.watcher()
    write(embedded_aws.faults, _lost_answers())
    keys = upload.upload(folder, deployed.outputs["DataBucket"])
    watcher.wait({key.partition("/")[0] for key in keys}, {}, _quiet())
    write(embedded_aws.faults, [])
    deployed.first = working(watcher)
    return deployed
