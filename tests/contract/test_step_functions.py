"""State machines and event rules act under their own roles, and see our services as Step Functions' SDK does."""

import json
import time

import boto3
import pytest

from localaws.settings import Settings
from tests.contract.forecast_setup import create_dataset
from tests.contract.helpers import ACCOUNT, eventually, role, statement, unique

PREFIX = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:"
DESCRIBE = "arn:aws:states:::aws-sdk:forecast:describeDatasetGroup"


@pytest.fixture(scope="module")
def group(forecast):
    arn = forecast.create_dataset_group(DatasetGroupName=unique("machine"), Domain="CUSTOM")["DatasetGroupArn"]
    yield arn
    forecast.delete_dataset_group(DatasetGroupArn=arn)


def machine(state: dict, role_arn: str, **more: dict) -> str:
    """A state machine of one state, and `more` that its catchers name; answers its ARN."""
    definition = {"StartAt": "Only", "States": {"Only": state | {"End": True}, **more}}
    create = boto3.client("stepfunctions").create_state_machine
    return create(name=unique("machine"), definition=json.dumps(definition), roleArn=role_arn)["stateMachineArn"]


def outcome(execution: str) -> dict:
    describe = boto3.client("stepfunctions").describe_execution
    return eventually(lambda: describe(executionArn=execution), lambda found: found["status"] != "RUNNING")


def run(task: str, arguments: dict, role_arn: str) -> dict:
    state = {"Type": "Task", "Resource": task, "Parameters": arguments}
    start = boto3.client("stepfunctions").start_execution
    return outcome(start(stateMachineArn=machine(state, role_arn))["executionArn"])


def test_a_step_is_refused_when_the_machines_role_lacks_the_right(group: str) -> None:
    found = run(DESCRIBE, {"DatasetGroupArn": group}, role("states"))
    assert found["status"] == "FAILED"
    assert found["error"] == "Forecast.ForecastException"
    assert "forecast:DescribeDatasetGroup" in found["cause"] and group in found["cause"]


def test_a_right_on_another_resource_does_not_help(group: str) -> None:
    other = role("states", statement("forecast:DescribeDatasetGroup", on=group + "_other"))
    assert run(DESCRIBE, {"DatasetGroupArn": group}, other)["status"] == "FAILED"


def test_a_step_answers_in_pascal_case_with_the_right(group: str, personalize) -> None:
    able = role("states", statement("forecast:DescribeDatasetGroup", on=group), statement("personalize:ListRecipes"))
    found = run(DESCRIBE, {"DatasetGroupArn": group}, able)
    assert found["status"] == "SUCCEEDED", found
    output = json.loads(found["output"])
    assert output["DatasetGroupArn"] == group and output["Status"] == "ACTIVE"
    found = run("arn:aws:states:::aws-sdk:personalize:listRecipes", {"MaxResults": 1}, able)
    assert found["status"] == "SUCCEEDED", found
    (recipe,) = json.loads(found["output"])["Recipes"]
    assert recipe["RecipeArn"].startswith("arn:aws:personalize:::recipe/") and recipe["Status"] == "ACTIVE"


def test_a_machine_whose_role_trusts_another_account_alone_does_nothing(group: str) -> None:
    distrusting = role("states", statement("forecast:*"), source_account="111122223333")
    found = run(DESCRIBE, {"DatasetGroupArn": group}, distrusting)
    assert (found["status"], found["error"]) == ("FAILED", "States.Permissions")
    assert "states.amazonaws.com is not authorized to perform: sts:AssumeRole" in found["cause"]


def test_a_services_own_error_has_its_name_and_message(group: str) -> None:
    able = role("states", statement("forecast:*"))
    found = run(DESCRIBE, {"DatasetGroupArn": group + "_gone"}, able)
    assert found["status"] == "FAILED" and group + "_gone" in found["cause"]
    assert found["error"] == "Forecast.ResourceNotFoundException"


def test_an_execution_that_is_missing_has_the_sdks_name_for_that(embedded_aws: Settings) -> None:
    gone = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:none:none"
    able = role("states", statement("states:DescribeExecution"))
    found = run("arn:aws:states:::aws-sdk:sfn:describeExecution", {"ExecutionArn": gone}, able)
    assert found["error"] == "Sfn.ExecutionDoesNotExistException"


def test_an_execution_that_is_stopped_goes_no_further_in_its_branches(group: str) -> None:
    branch = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 10, "Next": "After"}}}
    branch["States"]["After"] = {"Type": "Pass", "End": True}
    states = boto3.client("stepfunctions")
    begun = states.start_execution(stateMachineArn=machine({"Type": "Parallel", "Branches": [branch]}, role("states")))

    def entered() -> list[str]:
        events = states.get_execution_history(executionArn=begun["executionArn"])["events"]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    eventually(entered, lambda names: "Wait" in names)
    states.stop_execution(executionArn=begun["executionArn"])
    time.sleep(1.2)  # longer than the wait takes here
    assert entered() == ["Only", "Wait"] and outcome(begun["executionArn"])["status"] == "ABORTED"


def test_an_execution_that_is_stopped_tries_nothing_again(group: str) -> None:
    again = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 100}
    task = {"Type": "Task", "Resource": DESCRIBE, "Parameters": {"DatasetGroupArn": group}, "Retry": [again]}
    states = boto3.client("stepfunctions")
    begun = states.start_execution(stateMachineArn=machine(task, role("states")))["executionArn"]

    def tries() -> int:
        events = states.get_execution_history(executionArn=begun)["events"]
        return [event["type"] for event in events].count("TaskScheduled")

    eventually(lambda: tries() > 2)
    states.stop_execution(executionArn=begun)
    made = tries()
    time.sleep(1)  # ten waits between two tries
    assert tries() <= made + 1


def test_a_step_passes_only_roles_that_it_may(forecast, bucket: str, forecast_role: str) -> None:
    source = {"Path": f"s3://{bucket}/forecasting/sample/target/", "RoleArn": forecast_role}
    arguments = {"DatasetImportJobName": unique("step"), "DatasetArn": create_dataset(forecast),
                 "TimestampFormat": "yyyy-MM-dd", "DataSource": {"S3Config": source}}  # fmt: skip
    task, create = "arn:aws:states:::aws-sdk:forecast:createDatasetImportJob", statement("forecast:*")
    found = run(task, arguments, role("states", create))
    assert found["status"] == "FAILED"
    assert "iam:PassRole" in found["cause"] and forecast_role in found["cause"]
    found = run(task, arguments, role("states", create, statement("iam:PassRole", on=forecast_role)))
    assert found["status"] == "SUCCEEDED", found


def test_a_rule_starts_a_machine_only_under_a_role_that_may(embedded_aws: Settings) -> None:
    """Both machines are targets of one rule: when the allowed one has run, the other one has been refused, twice."""
    events, states = boto3.client("events"), boto3.client("stepfunctions")
    refused_one, started = machine({"Type": "Pass"}, role("states")), machine({"Type": "Pass"}, role("states"))
    name, source = unique("rule"), unique("source")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
    unable, able = role("events"), role("events", statement("states:StartExecution", on=started))
    distrusting = role("events", statement("states:StartExecution"), source_account="111122223333")
    on = [(refused_one, unable), (refused_one, distrusting), (started, able)]
    targets = [{"Id": str(at), "Arn": arn, "RoleArn": under} for at, (arn, under) in enumerate(on)]
    events.put_targets(Rule=name, Targets=targets)
    events.put_events(Entries=[{"Source": source, "DetailType": "test", "Detail": "{}"}])
    eventually(lambda: states.list_executions(stateMachineArn=started)["executions"])
    assert states.list_executions(stateMachineArn=refused_one)["executions"] == []
    events.remove_targets(Rule=name, Ids=[target["Id"] for target in targets])
    events.delete_rule(Name=name)


def test_a_schedule_starts_a_machine_only_under_a_role_that_may_and_is_for_it(embedded_aws: Settings) -> None:
    """All schedules are due at once, in this order: when the last one has started its machine, the others have not."""
    scheduler, states = boto3.client("scheduler"), boto3.client("stepfunctions")
    refused_one, started = machine({"Type": "Pass"}, role("states")), machine({"Type": "Pass"}, role("states"))
    allowed = statement("states:StartExecution", on=[refused_one, started])
    on = [
        (refused_one, role("scheduler")),
        (refused_one, role("events", allowed)),
        (started, role("scheduler", allowed)),
    ]
    for arn, under in on:
        scheduler.create_schedule(
            Name=unique("schedule"),
            ScheduleExpression="at(2026-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": arn, "RoleArn": under, "Input": '{"verb": "stop"}'},
            ActionAfterCompletion="DELETE",
        )
    [execution] = eventually(lambda: states.list_executions(stateMachineArn=started)["executions"])
    found = outcome(execution["executionArn"])
    assert (found["status"], found["input"]) == ("SUCCEEDED", '{"verb": "stop"}')
    assert states.list_executions(stateMachineArn=refused_one)["executions"] == []
