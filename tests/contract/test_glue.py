"""AWS Glue's job runs: the very script, with Spark, under the job's role; its logs, its failures, its end."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError

from localaws.settings import Settings
from tests.contract.helpers import (
    ACCOUNT,
    SPARK_SECONDS,
    eventually,
    policy,
    role,
    statement,
    trust,
    unique,
    user,
    whole_bucket,
)

ENDED = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED")
LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
WAITS = "import time\nprint('started')\ntime.sleep(600)\n"


@pytest.fixture(scope="module")
def place(embedded_aws: Settings) -> str:
    name = unique("glue").replace("_", "-")
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def job_role(place: str) -> str:
    """May read and write the bucket, and write its logs."""
    files = statement("s3:GetObject", "s3:PutObject", "s3:ListBucket", on=whole_bucket(place))
    return role("glue", files, statement(*LOGS))


@pytest.fixture(scope="module")
def glue(embedded_aws: Settings) -> Any:
    return boto3.client("glue")


def a_job(place: str, job_role: str, script: str, **more: Any) -> str:
    """A new job of this script; answers its name."""
    name = unique("job")
    boto3.client("s3").put_object(Bucket=place, Key=f"{name}.py", Body=script.encode())
    command = {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": f"s3://{place}/{name}.py"}
    capacity = {"GlueVersion": "5.0", "WorkerType": "G.1X", "NumberOfWorkers": 2}
    boto3.client("glue").create_job(Name=name, Role=job_role, Command=command, **{**capacity, **more})
    return name


def ended(glue: Any, name: str, run: str) -> dict:
    return eventually(
        lambda: glue.get_job_run(JobName=name, RunId=run)["JobRun"],
        lambda found: found["JobRunState"] in ENDED,
        SPARK_SECONDS,
    )


def lines(group: str, stream: str) -> list[str]:
    found = boto3.client("logs").get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    return [event["message"] for event in found["events"]]


def refused(code: str, call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**params)
    assert raised.value.response["Error"]["Code"] == code, raised.value
    return raised.value.response["Error"]["Message"]


def test_a_script_runs_on_spark_under_the_jobs_role(glue: Any, place: str, job_role: str) -> None:
    script = """
import json, sys
import boto3
from pyspark.sql import SparkSession

def doubled(batches):
    for batch in batches:
        yield batch.assign(id=batch["id"] * 2)

spark = SparkSession.builder.getOrCreate()
total = spark.range(10).mapInPandas(doubled, "id long").groupBy().sum().collect()[0][0]
bucket, caller = sys.argv[sys.argv.index("--bucket") + 1], boto3.client("sts").get_caller_identity()["Arn"]
body = json.dumps({"total": total, "caller": caller, "arguments": sys.argv[1:], "master": spark.sparkContext.master})
boto3.client("s3").put_object(Bucket=bucket, Key="found.json", Body=body.encode())
print("wrote", total)
"""
    arguments = {"--bucket": "another", "--enable-continuous-cloudwatch-log": "true"}
    name = a_job(place, job_role, script, DefaultArguments={**arguments, "--continuous-log-logGroup": "/storecast/t"})
    run = glue.start_job_run(JobName=name, Arguments={"--bucket": place})["JobRunId"]
    found = ended(glue, name, run)
    assert found["JobRunState"] == "SUCCEEDED", found
    assert found["JobName"] == name and found["CompletedOn"] >= found["StartedOn"] and found["Timeout"] == 480
    wrote = json.loads(boto3.client("s3").get_object(Bucket=place, Key="found.json")["Body"].read())
    assert wrote["total"] == 90 and wrote["master"].startswith("local[*")
    assert wrote["caller"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/{job_role.rpartition('/')[2]}/")
    given = dict(zip(wrote["arguments"][::2], wrote["arguments"][1::2]))
    assert (given["--bucket"], given["--JOB_NAME"], given["--JOB_RUN_ID"]) == (place, name, run)
    assert "wrote 90" in lines("/aws-glue/jobs/output", run)
    assert "wrote 90" in lines("/storecast/t", f"{run}-driver")
    assert [each["Id"] for each in glue.get_job_runs(JobName=name)["JobRuns"]] == [run]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise ValueError('sales.csv, row 3, demand: many')", "ValueError: sales.csv, row 3, demand: many"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("import os\nos._exit(4)", "The script ended with code 4"),
    ],
)
def test_a_script_that_fails_fails_its_run_with_its_reason(
    glue: Any, place: str, job_role: str, script: str, message: str
) -> None:
    name = a_job(place, job_role, script)
    found = ended(glue, name, glue.start_job_run(JobName=name)["JobRunId"])
    assert (found["JobRunState"], found["ErrorMessage"]) == ("FAILED", message)


def test_a_role_that_may_not_read_the_script_or_packages_fails_the_run(glue: Any, place: str, job_role: str) -> None:
    unable = role("glue", statement("s3:GetObject", on=f"arn:aws:s3:::{place}/another.py"))
    name = a_job(place, unable, "print(1)")
    found = ended(glue, name, glue.start_job_run(JobName=name)["JobRunId"])
    assert found["JobRunState"] == "FAILED" and "Insufficient privileges" in found["ErrorMessage"]
    packages = {"--additional-python-modules": f"s3://{place}/none.gluewheels.zip"}
    name = a_job(place, job_role, "print(1)", DefaultArguments=packages)
    found = ended(glue, name, glue.start_job_run(JobName=name)["JobRunId"])
    assert found["JobRunState"] == "FAILED" and "none.gluewheels.zip" in found["ErrorMessage"]


@pytest.mark.parametrize(
    ("key", "wheel", "message"),
    [
        ("good.gluewheels.zip", "numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl", ""),
        ("other.gluewheels.zip", "numpy-2.4.6-cp313-cp313-manylinux_2_28_x86_64.whl", "numpy-2.4.6-cp313-cp313"),
        ("wheels.zip", "six-1.17.0-py2.py3-none-any.whl", "its name, which must end in .gluewheels.zip"),
        ("torn.gluewheels.zip", None, "is not a zip file"),
    ],
)
def test_packages_for_another_python_fail_the_run(
    glue: Any, place: str, job_role: str, key: str, wheel: str | None, message: str
) -> None:
    body = io.BytesIO(b"PK")
    if wheel:
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr(f"wheels/{wheel}", b"")
    boto3.client("s3").put_object(Bucket=place, Key=key, Body=body.getvalue())
    packages = {"--additional-python-modules": f"s3://{place}/{key}", "--python-modules-installer-option": "--no-index"}
    name = a_job(place, job_role, "print(1)", DefaultArguments=packages)
    found = ended(glue, name, glue.start_job_run(JobName=name)["JobRunId"])
    assert found["JobRunState"] == ("FAILED" if message else "SUCCEEDED"), found
    assert message in found.get("ErrorMessage", "")


def test_a_job_that_may_write_no_logs_still_runs(glue: Any, place: str) -> None:
    silent = role("glue", statement("s3:GetObject", "s3:ListBucket", on=whole_bucket(place)))
    name = a_job(place, silent, "print('said')")
    found = ended(glue, name, glue.start_job_run(JobName=name)["JobRunId"])
    assert found["JobRunState"] == "SUCCEEDED", found


def test_one_run_at_a_time_which_stops_when_it_is_stopped(
    glue: Any, place: str, job_role: str, embedded_aws: Settings
) -> None:
    name = a_job(place, job_role, WAITS)
    run = glue.start_job_run(JobName=name)["JobRunId"]
    eventually(lambda: glue.get_job_run(JobName=name, RunId=run)["JobRun"]["JobRunState"] == "RUNNING")
    script = eventually(lambda: processes(embedded_aws, "script.py"))
    assert name in refused("ConcurrentRunsExceededException", glue.start_job_run, JobName=name)
    answer = glue.batch_stop_job_run(JobName=name, JobRunIds=[run, "jr_none"])
    assert [each["JobRunId"] for each in answer["SuccessfulSubmissions"]] == [run]
    assert [each["ErrorDetail"]["ErrorCode"] for each in answer["Errors"]] == ["EntityNotFoundException"]
    found = ended(glue, name, run)
    assert found["JobRunState"] == "STOPPED" and "ErrorMessage" not in found
    eventually(lambda: not any(psutil.pid_exists(each) for each in script))
    again = glue.start_job_run(JobName=name)["JobRunId"]
    glue.batch_stop_job_run(JobName=name, JobRunIds=[again])
    assert ended(glue, name, again)["JobRunState"] == "STOPPED"
    answer = glue.batch_stop_job_run(JobName=name, JobRunIds=[again])
    assert [each["ErrorDetail"]["ErrorCode"] for each in answer["Errors"]] == ["InvalidInputException"]


def processes(aws: Settings, file: str) -> list[int]:
    """The processes of scripts that this embedded AWS runs."""
    return [
        each.pid
        for each in psutil.process_iter(["cmdline"])
        if any(part.startswith(str(aws.state)) and Path(part).name == file for part in each.info["cmdline"] or ())
    ]


@pytest.mark.parametrize(
    ("code", "message", "change"),
    [
        ("InvalidInputException", "NumberOfWorkers is 1; a Spark job has at least 2", {"NumberOfWorkers": 1}),
        ("InvalidInputException", "MaxCapacity cannot be set", {"MaxCapacity": 2.0}),
        ("InvalidInputException", "Timeout is 99999 minutes; it must be 1 to 10080", {"Timeout": 99999}),
        ("InvalidInputException", "assume role permissions", {"Role": f"arn:aws:iam::{ACCOUNT}:role/none"}),
    ],
)
def test_a_job_that_glue_would_not_have_is_refused(
    place: str, job_role: str, code: str, message: str, change: dict
) -> None:
    given = {"job_role": job_role} | ({"job_role": change["Role"]} if "Role" in change else {})
    more = {name: value for name, value in change.items() if name != "Role"}
    assert message in refused(code, a_job, place=place, script="print(1)", **given, **more)


def test_what_a_run_may_not_be_given(glue: Any, place: str, job_role: str) -> None:
    name = a_job(place, job_role, "print(1)", NonOverridableArguments={"--bucket": "ours"})
    for arguments, words in (({"--JOB_NAME": "x"}, "reserved"), ({"--bucket": "x"}, "cannot be overridden")):
        assert words in refused("InvalidInputException", glue.start_job_run, JobName=name, Arguments=arguments)
    refused("InvalidInputException", glue.start_job_run, JobName=name, NumberOfWorkers=1, WorkerType="G.1X")
    refused("EntityNotFoundException", glue.start_job_run, JobName="none")
    other = a_job(place, job_role, "print(1)", GlueVersion="4.0")
    assert "runs glueetl of Glue 5.0" in refused("UnsupportedOperation", glue.start_job_run, JobName=other)


def test_iam_is_asked_about_the_job_and_about_its_role(glue: Any, place: str, job_role: str) -> None:
    name = a_job(place, job_role, "print(1)")
    other = user(statement("glue:StartJobRun", on=f"arn:aws:glue:us-east-1:{ACCOUNT}:job/another")).client("glue")
    refused("AccessDeniedException", other.start_job_run, JobName=name)
    able = user(statement("glue:StartJobRun", on=f"arn:aws:glue:us-east-1:{ACCOUNT}:job/{name}")).client("glue")
    able.start_job_run(JobName=name)
    refused("AccessDeniedException", able.get_job_runs, JobName=name)
    maker = user(statement("glue:CreateJob")).client("glue")
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{place}/{name}.py"}
    assert "iam:PassRole" in refused(
        "AccessDeniedException", maker.create_job, Name="x", Role=job_role, Command=command
    )


def test_a_job_that_is_deleted_takes_its_runs_along(glue: Any, place: str, job_role: str) -> None:
    name = a_job(place, job_role, "print(1)")
    run = glue.start_job_run(JobName=name)["JobRunId"]
    ended(glue, name, run)
    glue.delete_job(JobName=name)
    refused("EntityNotFoundException", glue.get_job_run, JobName=name, RunId=run)


# --- Step Functions ---------------------------------------------------------------------------------------------------


def machine(name: str, *actions: str, sync: str = ".sync", **more: Any) -> str:
    """A state machine that runs the job, with these actions of Glue on it."""
    on = f"arn:aws:glue:us-east-1:{ACCOUNT}:job/{name}"
    may = role("states", statement(*[f"glue:{each}" for each in actions], on=on))
    task = {"Type": "Task", "Resource": f"arn:aws:states:::glue:startJobRun{sync}", "End": True, **more}
    task["Arguments"] = {"JobName": name, "Arguments": {"--said": "{% $states.input.said %}"}}
    definition = {"QueryLanguage": "JSONata", "StartAt": "Run", "States": {"Run": task}}
    made = boto3.client("stepfunctions").create_state_machine(
        name=unique("machine"), roleArn=may, definition=json.dumps(definition)
    )
    return made["stateMachineArn"]


SYNC = ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")


def executed(arn: str, **values: Any) -> dict:
    states = boto3.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=arn, input=json.dumps(values))["executionArn"]
    return eventually(
        lambda: states.describe_execution(executionArn=execution), lambda found: found["status"] != "RUNNING"
    )


def test_a_state_machine_waits_for_the_run_and_fails_with_it(place: str, job_role: str) -> None:
    script = "import sys\nsaid = sys.argv[sys.argv.index('--said') + 1]\nassert said == 'yes', said\n"
    name = a_job(place, job_role, script)
    arn = machine(name, *SYNC)
    done = executed(arn, said="yes")
    assert done["status"] == "SUCCEEDED", done
    output = json.loads(done["output"])
    assert (output["JobName"], output["JobRunState"]) == (name, "SUCCEEDED") and output["StartedOn"] > 1e12
    failed = executed(arn, said="no")
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(failed["cause"])
    assert (cause["JobRunState"], cause["ErrorMessage"]) == ("FAILED", "AssertionError: no")


def test_without_sync_it_goes_on_at_once(glue: Any, place: str, job_role: str) -> None:
    name = a_job(place, job_role, WAITS)
    output = json.loads(executed(machine(name, "StartJobRun", sync=""), said="x")["output"])
    assert output["JobName"] == name
    glue.batch_stop_job_run(JobName=name, JobRunIds=[output["JobRunId"]])
    assert ended(glue, name, output["JobRunId"])["JobRunState"] == "STOPPED"


def test_an_error_of_the_start_and_a_missing_permission_have_their_names(place: str, job_role: str) -> None:
    name = a_job(place, job_role, "print(1)")
    missing = executed(machine(name, *[each for each in SYNC if each != "BatchStopJobRun"]), said="x")
    assert missing["error"] == "Glue.AccessDeniedException" and "glue:BatchStopJobRun" in missing["cause"]
    boto3.client("glue").delete_job(JobName=name)
    assert executed(machine(name, *SYNC), said="x")["error"] == "Glue.EntityNotFoundException"


@pytest.mark.parametrize("ends", ["stopped", "timed out"])
def test_a_run_stops_with_its_task(glue: Any, place: str, job_role: str, ends: str) -> None:
    name = a_job(place, job_role, WAITS)
    arn = machine(name, *SYNC, **({"TimeoutSeconds": 1} if ends == "timed out" else {}))
    states = boto3.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=arn, input='{"said": "x"}')["executionArn"]
    (run,) = eventually(lambda: glue.get_job_runs(JobName=name)["JobRuns"])
    if ends == "stopped":
        states.stop_execution(executionArn=execution)
    assert ended(glue, name, run["Id"])["JobRunState"] == "STOPPED"


def test_cloudformation_makes_a_job_with_its_security_configuration(glue: Any, place: str, job_role: str) -> None:
    name = unique("secured")
    encryption = {"CloudWatchEncryption": {"CloudWatchEncryptionMode": "DISABLED"}}
    command = {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": f"s3://{place}/{name}.py"}
    resources = {
        "Security": {
            "Type": "AWS::Glue::SecurityConfiguration",
            "Properties": {"Name": name, "EncryptionConfiguration": encryption},
        },
        "Job": {
            "Type": "AWS::Glue::Job",
            "Properties": {
                "Name": name,
                "Role": job_role,
                "Command": command,
                "GlueVersion": "5.0",
                "WorkerType": "G.1X",
                "NumberOfWorkers": 2,
                "SecurityConfiguration": {"Ref": "Security"},
                "ExecutionProperty": {"MaxConcurrentRuns": 2},
            },
        },
    }
    cloudformation, stack = boto3.client("cloudformation"), name.replace("_", "-")
    boto3.client("s3").put_object(Bucket=place, Key=f"{name}.py", Body=b"print('secured')")
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
    state = eventually(
        lambda: cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"],
        lambda found: not found.endswith("IN_PROGRESS"),
    )
    assert state == "CREATE_COMPLETE"
    assert glue.get_job(JobName=name)["Job"]["ExecutionProperty"] == {"MaxConcurrentRuns": 2}
    run, other = (glue.start_job_run(JobName=name)["JobRunId"] for _ in range(2))
    refused("ConcurrentRunsExceededException", glue.start_job_run, JobName=name)
    glue.batch_stop_job_run(JobName=name, JobRunIds=[other])
    found = ended(glue, name, run)
    assert found["JobRunState"] == "SUCCEEDED", found
    role_name = job_role.rpartition("/")[2]
    assert lines(f"/aws-glue/jobs-{role_name}-{name}/output", run) == ["secured"]
    cloudformation.delete_stack(StackName=stack)
    eventually(lambda: not [each for each in glue.get_jobs()["Jobs"] if each["Name"] == name])
    refused("EntityNotFoundException", glue.get_security_configuration, Name=name)


def test_a_role_that_glue_may_not_take_on_is_refused(place: str) -> None:
    iam, name = boto3.client("iam"), unique("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("lambda"))
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy(statement("s3:*")))
    message = refused("InvalidInputException", a_job, place=place, job_role=name, script="print(1)")
    assert "glue.amazonaws.com is not authorized to perform: sts:AssumeRole" in message
