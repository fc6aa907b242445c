"""Kill -9 at any moment: what was answered is there afterwards, without waiting for the state to be saved."""

import functools
import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.files import previous
from tests.conftest import free_port
from tests.contract.helpers import ACCOUNT, eventually, policy, statement, trust
from tests.contract.local import Local

FAILED = {
    "source": ["aws.states"],
    "detail-type": ["Step Functions Execution Status Change"],
    "detail": {"status": ["FAILED"], "error": ["States.Runtime"]},
}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    made = Local(tmp_path_factory.mktemp("crash"), free_port())
    made.start(LOCALAWS_SAVE_EVERY_SECONDS="3600")
    yield made
    made.run("stop")


def machine(local: Local, name: str, state: dict, role: str) -> str:
    definition = json.dumps({"StartAt": "Only", "States": {"Only": state | {"End": True}}})
    return local.client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)[
        "stateMachineArn"
    ]


def notified(local: Local) -> list[str]:
    """The executions whose failure the queue has heard of."""
    queue = local.client("sqs").get_queue_url(QueueName="notified")["QueueUrl"]
    given = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
    messages = local.client("sqs").receive_message(**given).get("Messages", [])
    return [json.loads(each["Body"])["detail"]["executionArn"] for each in messages]


def test_a_killed_run_has_failed_is_reported_once_and_started_again(local: Local) -> None:
    iam, states, events = local.client("iam"), local.client("stepfunctions"), local.client("events")
    role = iam.create_role(RoleName="runs", AssumeRolePolicyDocument=trust("states"))["Role"]["Arn"]
    clock = iam.create_role(RoleName="clock", AssumeRolePolicyDocument=trust("scheduler"))["Role"]["Arn"]
    by_hand = machine(local, "by_hand", {"Type": "Wait", "Seconds": 36000}, role)
    by_clock = machine(local, "by_clock", {"Type": "Wait", "Seconds": 36000}, role)
    quick = machine(local, "quick", {"Type": "Pass"}, role)
    target = {"Arn": by_clock, "RoleArn": clock, "Input": "{}"}
    local.client("scheduler").create_schedule(
        Name="daily", ScheduleExpression="cron(17 3 * * ? *)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:notified"
    allowed = statement("sqs:SendMessage", on=arn, Principal={"Service": "events.amazonaws.com"})
    local.client("sqs").create_queue(QueueName="notified", Attributes={"Policy": policy(allowed)})
    events.put_rule(Name="failed", EventPattern=json.dumps(FAILED))
    events.put_targets(Rule="failed", Targets=[{"Id": "queue", "Arn": arn}])

    given = json.dumps({"number": 7})
    done = states.start_execution(stateMachineArn=quick, input=given)["executionArn"]
    eventually(lambda: states.describe_execution(executionArn=done)["status"], lambda status: status == "SUCCEEDED")
    history = states.get_execution_history(executionArn=done)["events"]
    cut_off = {
        each: states.start_execution(stateMachineArn=each, input=given)["executionArn"] for each in (by_hand, by_clock)
    }
    local.kill()
    local.start(LOCALAWS_SAVE_EVERY_SECONDS="3600")

    states = local.client("stepfunctions")
    assert states.describe_execution(executionArn=done)["status"] == "SUCCEEDED"
    assert states.get_execution_history(executionArn=done)["events"] == history
    for execution in cut_off.values():
        found = states.describe_execution(executionArn=execution)
        assert (found["status"], found["error"], found["input"]) == ("FAILED", "States.Runtime", given)
        assert "stopped while this execution was running" in found["cause"]
    assert sorted(eventually(lambda: notified(local), lambda found: len(found) >= 2)) == sorted(cut_off.values())
    running = {"statusFilter": "RUNNING"}
    again = eventually(lambda: states.list_executions(stateMachineArn=by_clock, **running)["executions"])
    assert [states.describe_execution(executionArn=each["executionArn"])["input"] for each in again] == [given]
    assert states.list_executions(stateMachineArn=by_hand, **running)["executions"] == []

    local.kill()
    local.start(LOCALAWS_SAVE_EVERY_SECONDS="3600")
    reported = eventually(lambda: notified(local), lambda found: len(found) >= 3)
    assert sorted(reported) == sorted([*cut_off.values(), again[0]["executionArn"]])
    last = local.client("stepfunctions").get_execution_history(executionArn=cut_off[by_hand])["events"]
    assert [each["type"] for each in last][-1] == "ExecutionFailed"
    assert [each["type"] for each in last].count("ExecutionFailed") == 1


def test_an_object_that_was_answered_starts_its_state_machine_after_a_kill(local: Local) -> None:
    iam, states, s3, events = (local.client(each) for each in ("iam", "stepfunctions", "s3", "events"))
    role = iam.create_role(RoleName="uploaded", AssumeRolePolicyDocument=trust("states"))["Role"]["Arn"]
    starts = iam.create_role(RoleName="starts", AssumeRolePolicyDocument=trust("events"))["Role"]["Arn"]
    targets = [machine(local, f"uploaded{number}", {"Type": "Pass"}, role) for number in range(5)]
    iam.put_role_policy(RoleName="starts", PolicyName="p", PolicyDocument=policy(statement("states:StartExecution")))
    s3.create_bucket(Bucket="announced")
    s3.put_bucket_notification_configuration(
        Bucket="announced", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": ["announced"]}}}
    events.put_rule(Name="uploaded", EventPattern=json.dumps(pattern))
    events.put_targets(
        Rule="uploaded",
        Targets=[{"Id": f"target{at}", "Arn": arn, "RoleArn": starts} for at, arn in enumerate(targets)],
    )
    answered: list[str] = []

    def upload(worker: int) -> None:
        """Until the server is gone."""
        client = local.client("s3", retries={"total_max_attempts": 1})
        for number in itertools.count():
            key = f"{worker}-{number}"
            client.put_object(Bucket="announced", Key=key, Body=b"milk")
            answered.append(key)

    with ThreadPoolExecutor(8) as pool:
        uploads = [pool.submit(upload, worker) for worker in range(8)]
        eventually(lambda: len(answered) > 24)
        local.kill()
        assert all(each.exception() for each in uploads)
    local.start(LOCALAWS_SAVE_EVERY_SECONDS="3600")

    states = local.client("stepfunctions")

    def missing(target: str) -> set[str]:
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=target)
        arns = [each["executionArn"] for page in pages for each in page["executions"]]
        inputs = [json.loads(states.describe_execution(executionArn=arn)["input"]) for arn in arns]
        return set(answered) - {each["detail"]["object"]["key"] for each in inputs}

    for target in targets:
        eventually(functools.partial(missing, target), lambda left: not left)


def test_what_a_stack_made_outlives_a_kill_once_it_is_complete(local: Local) -> None:
    cloudformation = local.client("cloudformation")
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "made-by-a-stack"}}}}
    cloudformation.create_stack(StackName="makes-a-queue", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="makes-a-queue", WaiterConfig={"Delay": 1})
    local.kill()
    local.start()
    assert local.client("sqs").get_queue_url(QueueName="made-by-a-stack")["QueueUrl"]
    [stack] = local.client("cloudformation").describe_stacks(StackName="makes-a-queue")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_damaged_state_ends_the_start_and_stays_as_it_is(local: Local) -> None:
    local.run("stop")
    path = local.state / "emulator" / "iam.json"
    held = json.loads(path.read_text())
    wrong = json.dumps(held | {"payload": {"roles": 7, "users": "none"}})
    assert "runs" in path.read_text() and "__ministack_format__" in previous(path).read_text()
    kept = path.read_text()
    newer = json.dumps(held | {"__ministack_format__": 99})
    for text, reason in ((wrong, "is damaged"), (newer, "the format 99")):
        path.write_text(text)
        done = local.run("start")
        assert done.returncode == 1 and f"{path} " in done.stderr and reason in done.stderr, done.stderr
        assert "Next: " in done.stderr and "Traceback" not in done.stderr
        assert path.read_text() == text
        assert local.run("status").returncode == 1
    path.write_text(kept)
    local.start()
    assert local.client("iam").get_role(RoleName="runs")


FUNCTION = """
import os, signal
def handler(event, context):
    if event["end"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"
"""


def test_a_lambda_worker_that_is_killed_is_an_exit_error_and_leaves_no_folder(local: Local, tmp_path: Path) -> None:
    local.run("stop")
    local.start(TMPDIR=str(tmp_path))
    role = local.client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=trust("lambda"))["Role"]["Arn"]
    function = {"FunctionName": "f", "Runtime": "python3.11", "Role": role, "Handler": "f.handler"}
    functions = local.client("lambda")
    functions.create_function(**function, Code={"ZipFile": packed_with(FUNCTION)})

    def invoke(end: bool) -> tuple[str | None, object]:
        answer = functions.invoke(FunctionName="f", Payload=json.dumps({"end": end}))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    assert invoke(False) == (None, "done")
    error, said = invoke(True)
    assert (error, said["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert said["errorMessage"].endswith("Error: Runtime exited without providing a reason")
    assert invoke(False) == (None, "done")
    machine = local.client("stepfunctions").create_state_machine(
        name="f", roleArn=with_right_to_invoke(local), definition=json.dumps(RETRIED)
    )["stateMachineArn"]  # fmt: skip
    run = local.client("stepfunctions").start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    describe = local.client("stepfunctions").describe_execution
    ended = eventually(lambda: describe(executionArn=run), lambda found: found["status"] != "RUNNING")
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", "caught")
    blobs = local.state / "emulator" / "lambda-blobs"
    before = {each.name for each in blobs.iterdir()}
    functions.update_function_code(FunctionName="f", ZipFile=packed_with(FUNCTION + "# changed"))
    assert before < {each.name for each in blobs.iterdir()}, "the copy of the state before the change needs its code"
    local.kill()
    local.start(TMPDIR=str(tmp_path))
    left = [*tmp_path.glob("ministack-lambda-*"), *local.state.rglob("ministack-lambda-*")]
    assert left == []
    functions = local.client("lambda")
    assert invoke(False) == (None, "done")


def packed_with(code: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", code)
    return packed.getvalue()


RETRIED = {
    "StartAt": "Invoke",
    "States": {
        "Invoke": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload": {"end": True}},
            "Catch": [{"ErrorEquals": ["Runtime.ExitError"], "Next": "Caught"}],
            "End": True,
        },
        "Caught": {"Type": "Pass", "Result": "caught", "End": True},
    },
}


def with_right_to_invoke(local: Local) -> str:
    iam = local.client("iam")
    role = iam.create_role(RoleName="invokes", AssumeRolePolicyDocument=trust("states"))["Role"]["Arn"]
    rights = policy(statement("lambda:InvokeFunction", on="*"))
    iam.put_role_policy(RoleName="invokes", PolicyName="rights", PolicyDocument=rights)
    return role
