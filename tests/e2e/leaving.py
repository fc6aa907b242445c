"""What a destroy may meet: runs and jobs at work, things made by hand, a clean-up longer than an invocation."""

import boto3

from localaws.faults import Fault, write
from localaws.settings import Settings
from tests.contract.helpers import eventually
from tests.e2e.conftest import DATASET, App
from tests.e2e.observing import entered, ours


def leave_at_work(app: App, settings: Settings) -> None:
    """A run that imports, and one that waits for its turn to do so; a solution version in training and an event tracker
    that no config asks for, access logs; and the clean-up hands over after a second."""
    at_work = Fault("job:forecast:DatasetImportJob", containing=f"storecast_{DATASET}_", delay=600)
    full = Fault("personalize:CreateDatasetImportJob", error="LimitExceededException")
    training = Fault("job:personalize:SolutionVersion", delay=600)
    write(settings.faults, [at_work, full, training])
    start = boto3.client("stepfunctions").start_execution
    for pipeline, state in (("forecasting", "Wait for dataset import job"), ("recommending", "Load")):
        begun = start(stateMachineArn=app.machine(pipeline), input='{"force": true}')["executionArn"]
        eventually(lambda begun=begun, state=state: state in entered(begun))
    [group] = ours("personalize", "datasetGroups")
    name = f"storecast-{DATASET}-by-hand"
    personalize = boto3.client("personalize")
    personalize.create_event_tracker(name=name, datasetGroupArn=group["datasetGroupArn"])
    personalize.create_solution_version(solutionArn=ours("personalize", "solutions")[0]["solutionArn"])
    s3 = boto3.client("s3")
    [logs] = [each["Name"] for each in ours("s3", "Buckets") if "accesslogs" in each["Name"]]
    for name in ("first", "second"):
        s3.put_object(Bucket=logs, Key=name, Body=b"-")
    # A minute of an invocation is kept for handing over (lambdas/operations/cleanup.py).
    boto3.client("lambda").update_function_configuration(
        FunctionName=f"storecast-{DATASET}-operations-cleanup", Timeout=61
    )
