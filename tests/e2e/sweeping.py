"""The sweep of both pipelines, and an upload while its run of the forecasting pipeline is at work."""

import io

import boto3
from rich.console import Console

from demo.watch import Run
from localaws.faults import Fault, write
from localaws.settings import Settings
from tests.contract.helpers import eventually
from tests.e2e import clock
from tests.e2e.conftest import DATASET, App
from tests.e2e.observing import entered


def sweep_and_upload(app: App, settings: Settings) -> list[Run]:
    """The runs that came of it. The upload is no CSV: there is nothing new in it for the run that it leads to."""
    watcher = app.watcher()
    known = watcher.newest()
    busy = Fault("lambda:InvokeFunction", f"{DATASET}-forecasting-plan", error="Lambda.TooManyRequestsException")
    write(settings.faults, [busy])
    for pipeline in known:
        clock.strike(f"storecast-{DATASET}-{pipeline}-sweep")

    def newest() -> str:
        return watcher.newest()["forecasting"]

    swept = eventually(newest, lambda run: run != known["forecasting"])
    eventually(lambda: "Plan" in entered(swept))
    boto3.client("s3").put_object(Bucket=app.outputs["DataBucket"], Key=f"forecasting/{DATASET}/note.txt", Body=b"-")
    joined = eventually(newest, lambda run: run != swept)
    describe = boto3.client("stepfunctions").describe_execution
    eventually(lambda: describe(executionArn=joined)["status"] != "RUNNING")
    write(settings.faults, [])
    watcher.wait(known, known, Console(file=io.StringIO()))
    return list(watcher.runs.values())
