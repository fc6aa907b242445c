"""A full disk: what was answered 200 is there, what was not is as it was, jobs end with the cause, and all goes on when
there is space again. On a tmpfs of its own, where this machine lets a test mount one."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.conftest import free_port
from tests.contract.helpers import attributes, ended, eventually, policy, statement, trust, whole_bucket
from tests.contract.local import Local

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
BUCKET, MEBIBYTE = "full", 2**20
ONCE = {"retries": {"total_max_attempts": 1}}
WAITING = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 36000, "End": True}}}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with 24 MiB of space."""
    folder = tmp_path_factory.mktemp("disk")
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size=24m,uid={os.geteuid()},gid={os.getegid()}"
    mounted = shutil.which((sudo or ["mount"])[0]) and subprocess.run(
        [*sudo, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("neither this user nor sudo may mount a tmpfs here")
    yield folder
    subprocess.run([*sudo, "umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def local(disk: Path) -> Iterator[Local]:
    made = Local(disk / "state", free_port())
    made.start()
    made.client("s3").create_bucket(Bucket=BUCKET)
    made.client("s3").put_object(Bucket=BUCKET, Key="old", Body=b"old")
    yield made
    made.run("stop")


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (MEBIBYTE, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    try:
        yield
    finally:
        filler.unlink()


def status_of(call: Callable, **params: object) -> int:
    try:
        return call(**params)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def on_disk(disk: Path, arn: str) -> str:
    """The status of a resource as the state folder has it."""
    with closing(sqlite3.connect(disk / "state" / "resources.sqlite")) as database:
        return database.execute("select status from resources where arn = ?", (arn,)).fetchone()[0]


def test_an_upload_that_was_answered_is_kept_and_one_that_was_not_leaves_nothing(local: Local, disk: Path) -> None:
    s3 = local.client("s3", **ONCE)
    with full(disk):
        with pytest.raises(ClientError) as raised:  # of a body that is on its way when it is refused
            s3.put_object(Bucket=BUCKET, Key="new", Body=b"n" * 16 * MEBIBYTE)
        assert raised.value.response["Error"]["Code"] == "SlowDown"
        assert status_of(s3.put_object, Bucket=BUCKET, Key="old", Body=b"n" * MEBIBYTE) == 503
        assert status_of(s3.create_bucket, Bucket="another") == 503
        assert s3.get_object(Bucket=BUCKET, Key="old")["Body"].read() == b"old"
        assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["old"]
    s3.put_object(Bucket=BUCKET, Key="later", Body=b"later")
    local.kill()
    local.start()
    s3 = local.client("s3")
    assert {each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]} == {"old", "later"}
    assert s3.get_object(Bucket=BUCKET, Key="old")["Body"].read() == b"old"


def test_calls_that_change_something_are_refused_and_work_again(local: Local, disk: Path) -> None:
    dynamodb, sqs = local.client("dynamodb", **ONCE), local.client("sqs", **ONCE)
    dynamodb.create_table(
        TableName="items", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    dynamodb.get_waiter("table_exists").wait(TableName="items", WaiterConfig={"Delay": 1})
    queue = sqs.create_queue(QueueName="queue")["QueueUrl"]
    item = {"TableName": "items", "Item": {"id": {"S": "1"}, "text": {"S": "x" * 5000}}}
    forecast = local.client("forecast", **ONCE)
    group = forecast.create_dataset_group(DatasetGroupName="group", Domain="RETAIL")["DatasetGroupArn"]
    with full(disk):
        with pytest.raises(ClientError) as raised:
            dynamodb.put_item(**item)
        assert raised.value.response["Error"]["Code"] == "ServiceUnavailable"
        assert status_of(sqs.send_message, QueueUrl=queue, MessageBody="x" * 5000) == 503
        answers = set()
        while 503 not in answers and len(answers) < 2:  # the log of changes has some room
            tags = [{"Key": "k", "Value": "v" * 250}]
            answers.add(status_of(forecast.tag_resource, ResourceArn=group, Tags=tags))
        assert answers <= {200, 503}
    assert status_of(dynamodb.put_item, **item) == 200
    tags = [{"Key": "after", "Value": "v"}]
    assert status_of(forecast.tag_resource, ResourceArn=group, Tags=tags) == 200
    local.kill()
    local.start()
    assert local.client("dynamodb").scan(TableName="items")["Count"] == 1
    assert tags[0] in local.client("forecast").list_tags_for_resource(ResourceArn=group)["Tags"]


def test_an_execution_is_not_started_and_a_training_fails_with_the_cause(local: Local, disk: Path) -> None:
    role = local.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=trust("states"))["Role"]["Arn"]
    states = local.client("stepfunctions", **ONCE)
    machine = states.create_state_machine(name="waits", definition=json.dumps(WAITING), roleArn=role)
    arn = {"stateMachineArn": machine["stateMachineArn"]}
    forecast = local.client("forecast", **ONCE)
    dataset = forecast.create_dataset(
        DatasetName="d", Domain="RETAIL", DatasetType="TARGET_TIME_SERIES", DataFrequency="D",
        Schema=attributes(item_id="string", timestamp="timestamp", demand="float"),
    )["DatasetArn"]  # fmt: skip
    imports = {"RoleName": "imports", "AssumeRolePolicyDocument": trust("forecast")}
    reader = local.client("iam").create_role(**imports)["Role"]["Arn"]
    rights = policy(statement("s3:*", on=whole_bucket(BUCKET)))
    local.client("iam").put_role_policy(RoleName="imports", PolicyName="rights", PolicyDocument=rights)
    local.run("fault", "job:forecast:*", "--delay", "3")
    job = forecast.create_dataset_import_job(
        DatasetImportJobName="j", DatasetArn=dataset, TimestampFormat="yyyy-MM-dd",
        DataSource={"S3Config": {"Path": f"s3://{BUCKET}/", "RoleArn": reader}},
    )["DatasetImportJobArn"]  # fmt: skip
    describe = forecast.describe_dataset_import_job
    eventually(lambda: describe(DatasetImportJobArn=job)["Status"], lambda now: now == "CREATE_IN_PROGRESS")
    with full(disk):
        assert status_of(states.start_execution, **arn) == 503
        assert states.list_executions(**arn)["executions"] == []
        assert ended(describe, DatasetImportJobArn=job)["Status"] == "CREATE_FAILED"
    local.run("fault", "--clear")
    assert status_of(states.start_execution, **arn) == 200
    running = states.list_executions(**arn)["executions"][0]["executionArn"]
    eventually(lambda: on_disk(disk, job) == "CREATE_FAILED")
    local.kill()
    local.start()
    found = local.client("forecast").describe_dataset_import_job(DatasetImportJobArn=job)
    assert found["Status"] == "CREATE_FAILED" and "stopped before" not in found["Message"]
    found = local.client("stepfunctions").describe_execution(executionArn=running)
    assert (found["status"], found["error"]) == ("FAILED", "States.Runtime")
