"""The embedded AWS as a process of its own: start, stop, status, reset, crash; and what its state survives."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from aws_cdk import Aws
from botocore.exceptions import ClientError

from infra.lock import Lock
from localaws.settings import Settings
from tests.conftest import free_port
from tests.contract.helpers import ACCOUNT, attributes, ended, eventually, policy, statement, trust, whole_bucket
from tests.contract.local import Local

BUCKET, ROLE, MACHINE, STACK = "kept", "worker", "machine", "stack"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
MACHINE_ARN = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{MACHINE}"
TEMPLATE = {"Resources": {"Notebook": {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {
    "InstanceType": "ml.t3.medium", "RoleArn": ROLE_ARN, "NotebookInstanceName": "kept"}}}}  # fmt: skip


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """Running, with a resource of ours and of the emulator's in it; started by someone with a session on AWS."""
    made = Local(tmp_path_factory.mktemp("process"), free_port())
    made.start(LOCALAWS_SAVE_EVERY_SECONDS="0.5", AWS_SESSION_TOKEN="of-an-account")  # nosec B106
    fill(made)
    yield made
    made.run("stop")


def fill(local: Local) -> None:
    s3, iam = local.client("s3"), local.client("iam")
    s3.create_bucket(Bucket=BUCKET)
    rows = "".join(f"item{item},{1990 + day // 336}-{day // 28 % 12 + 1:02d}-{day % 28 + 1:02d},{day % 7}\n"
                   for item in range(40) for day in range(2000))  # fmt: skip
    s3.put_object(Bucket=BUCKET, Key="target/target.csv", Body=rows)
    trusted = json.loads(trust("forecast"))
    trusted["Statement"][0]["Principal"]["Service"] = ["forecast.amazonaws.com", "sagemaker.amazonaws.com"]
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trusted))
    rights = policy(statement("s3:*", on=whole_bucket(BUCKET)))
    iam.put_role_policy(RoleName=ROLE, PolicyName="rights", PolicyDocument=rights)
    definition = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": True}}}
    local.client("stepfunctions").create_state_machine(
        name=MACHINE, definition=json.dumps(definition), roleArn=ROLE_ARN
    )
    cloudformation = local.client("cloudformation")
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
    eventually(lambda: cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"],
               lambda status: status == "CREATE_COMPLETE")  # fmt: skip
    forecast = local.client("forecast")
    dataset = forecast.create_dataset(
        DatasetName="kept",
        Domain="RETAIL",
        DatasetType="TARGET_TIME_SERIES",
        DataFrequency="D",
        Schema=attributes(item_id="string", timestamp="timestamp", demand="float"),
    )["DatasetArn"]
    forecast.create_dataset_group(DatasetGroupName="kept", Domain="RETAIL", DatasetArns=[dataset])


def check_all_is_there(local: Local) -> None:
    assert local.client("s3").head_object(Bucket=BUCKET, Key="target/target.csv")["ContentLength"] > 0
    assert local.client("iam").get_role(RoleName=ROLE)["Role"]["Arn"] == ROLE_ARN
    machine = local.client("stepfunctions").describe_state_machine(stateMachineArn=MACHINE_ARN)
    assert machine["roleArn"] == ROLE_ARN
    stack = local.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    sagemaker = local.client("sagemaker")
    eventually(
        lambda: sagemaker.describe_notebook_instance(NotebookInstanceName="kept")["NotebookInstanceStatus"],
        lambda status: status == "InService",
    )
    names = [each["DatasetGroupName"] for each in local.client("forecast").list_dataset_groups()["DatasetGroups"]]
    assert names == ["kept"]


def test_status_says_where_it_runs(local: Local) -> None:
    done = local.run("status")
    assert done.returncode == 0 and f"127.0.0.1:{local.port}" in done.stdout and str(local.pid) in done.stdout
    check_all_is_there(local)


def test_starting_twice_is_no_error(local: Local) -> None:
    pid = local.pid
    local.start()
    assert local.pid == pid


def test_another_port_for_a_running_one_is_an_error(local: Local) -> None:
    done = local.run("start", "--port", str(free_port()))
    assert done.returncode == 1 and str(local.port) in done.stderr
    local.start()
    check_all_is_there(local)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_only_loopback_is_listened_on(local: Local) -> None:
    """Of this process and its children, JupyterLab of the notebook instance among them: no 0.0.0.0."""
    listening = set()
    for pid in family(local.pid):
        own = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if each.exists()}
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                    listening.add(fields[1])
    assert f"0100007F:{local.port:04X}" in listening
    assert {address.partition(":")[0] for address in listening} == {"0100007F"}


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(each) for task in children.parent.parent.iterdir() for each in (task / "children").read_text().split()]
    return [pid, *(below for child in found for below in family(child))]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_state_survives_stop_and_start(local: Local) -> None:
    idle = local.client("forecast")
    idle.list_dataset_groups()
    there = family(local.pid)
    assert any(b"jupyterlab" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in there)
    done = local.run("stop")
    eventually(lambda: not any(map(alive, there)))
    assert done.returncode == 0 and "Stopped" in done.stdout, "an idle connection of a client must not hold it up"
    assert local.run("status").returncode == 1
    assert "does not run" in local.run("stop").stdout
    local.start(LOCALAWS_SAVE_EVERY_SECONDS="0.5")
    check_all_is_there(local)


def test_a_crash_leaves_no_job_in_limbo_and_loses_no_resource(local: Local) -> None:
    forecast = local.client("forecast")
    (group,) = forecast.list_dataset_groups()["DatasetGroups"]
    (dataset,) = forecast.list_datasets()["Datasets"]
    job = forecast.create_dataset_import_job(
        DatasetImportJobName="kept",
        DatasetArn=dataset["DatasetArn"],
        TimestampFormat="yyyy-MM-dd",
        DataSource={"S3Config": {"Path": f"s3://{BUCKET}/target/", "RoleArn": ROLE_ARN}},
    )["DatasetImportJobArn"]
    imported = ended(forecast.describe_dataset_import_job, DatasetImportJobArn=job)
    assert imported["Status"] == "ACTIVE", imported
    predictors = [
        forecast.create_auto_predictor(
            PredictorName=f"cut_off_{number}",
            ForecastHorizon=28,
            ForecastFrequency="D",
            DataConfig={"DatasetGroupArn": group["DatasetGroupArn"]},
        )["PredictorArn"]
        for number in range(3)
    ]
    status = eventually(lambda: forecast.describe_auto_predictor(PredictorArn=predictors[0])["Status"],
                        lambda now: now != "CREATE_PENDING")  # fmt: skip
    assert status == "CREATE_IN_PROGRESS"
    late = local.client("iam").create_role(RoleName="late", AssumeRolePolicyDocument=trust("states"))["Role"]["Arn"]
    saved = local.state / "emulator" / "iam.json"
    eventually(lambda: late in saved.read_text())
    there = family(local.pid)
    os.kill(local.pid, signal.SIGKILL)
    eventually(lambda: local.run("status").returncode == 1)
    eventually(lambda: not any(map(alive, there)))

    local.start()
    forecast = local.client("forecast")
    for arn in predictors:
        found = forecast.describe_auto_predictor(PredictorArn=arn)
        assert found["Status"] == "CREATE_FAILED"
        assert "stopped before this job had finished" in found["Message"]
    assert forecast.describe_dataset_import_job(DatasetImportJobArn=job)["Status"] == "ACTIVE"
    check_all_is_there(local)
    assert local.client("iam").get_role(RoleName="late")["Role"]["Arn"] == late


def test_a_run_that_a_crash_cut_off_has_failed_and_the_next_takes_over_its_lock(local: Local) -> None:
    """Under the lock of the pipelines (infra/lock.py), around a wait in place of their steps."""
    trusted = {"RoleName": "runs", "AssumeRolePolicyDocument": trust("states")}
    role = local.client("iam").create_role(**trusted)["Role"]["Arn"]
    rights = policy(statement("dynamodb:*", "states:*", on="*"))
    local.client("iam").put_role_policy(RoleName="runs", PolicyName="rights", PolicyDocument=rights)
    local.client("dynamodb").create_table(
        TableName="lock",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pipeline", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pipeline", "AttributeType": "S"}],
    )
    machine = local.client("stepfunctions").create_state_machine(
        name="locked", definition=locked_machine(), roleArn=role
    )["stateMachineArn"]

    def start(seconds: int) -> str:
        given = json.dumps({"seconds": seconds})
        return local.client("stepfunctions").start_execution(stateMachineArn=machine, input=given)["executionArn"]

    def described(execution: str) -> dict:
        return local.client("stepfunctions").describe_execution(executionArn=execution)

    cut_off, saved = start(seconds=36000), local.state / "emulator" / "dynamodb.json"
    eventually(lambda: cut_off in saved.read_text())
    os.kill(local.pid, signal.SIGKILL)
    eventually(lambda: local.run("status").returncode == 1)
    local.start(LOCALAWS_SAVE_EVERY_SECONDS="0.5")
    assert (described(cut_off)["status"], described(cut_off)["error"]) == ("FAILED", "States.Runtime")

    after = start(seconds=1)
    assert eventually(lambda: described(after)["status"], lambda status: status != "RUNNING") == "SUCCEEDED"
    history = local.client("stepfunctions").get_execution_history(executionArn=after, maxResults=1000)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    assert "Take over the lock" in entered
    assert local.client("dynamodb").scan(TableName="lock")["Items"] == []


def locked_machine() -> str:
    lock = Lock("kept", "lock")
    states = {
        **lock.taking(then="Unmark the lock"),
        **lock.unmarking(then="Work"),
        "Work": {"Type": "Wait", "Seconds": "{% $states.input.seconds %}", "Next": "Release the lock"},
        **lock.releasing(then="Done"),
        "Notify failure": {"Type": "Fail"},
        "Done": {"Type": "Succeed"},
    }
    whole = {"QueryLanguage": "JSONata", "StartAt": "Take the lock", "States": states}
    return json.dumps(whole).replace(Aws.PARTITION, "aws")


def test_a_port_in_use_is_reported(local: Local, tmp_path: Path) -> None:
    done = Local(tmp_path / "second", local.port).run("start", "--port", str(local.port))
    assert done.returncode == 1
    assert f"Port {local.port} is in use" in done.stderr and "--port" in done.stderr


def test_two_run_side_by_side(local: Local, embedded_aws: Settings) -> None:
    assert embedded_aws.port != local.port
    names = [each["DatasetGroupName"] for each in boto3.client("forecast").list_dataset_groups()["DatasetGroups"]]
    assert "kept" not in names
    assert BUCKET not in [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]
    check_all_is_there(local)


def test_reset_empties_it_and_it_runs_on(local: Local) -> None:
    done = local.run("reset")
    assert done.returncode == 0, done.stderr
    local.read_environment()
    assert local.client("s3").list_buckets()["Buckets"] == []
    assert local.client("forecast").list_dataset_groups()["DatasetGroups"] == []
    assert local.client("sagemaker").list_notebook_instances()["NotebookInstances"] == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        local.client("iam").get_role(RoleName=ROLE)
    assert f"127.0.0.1:{local.port}" in local.run("status").stdout
