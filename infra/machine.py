"""The frame around a pipeline's own steps: one run at a time, failures told, new data that came meanwhile served next.

The lock is one DynamoDB item per pipeline: `holder`, the execution that runs, and `pending`, whether data came since it
looked. An execution that finds the lock held marks it and ends; the holder's last step hands the lock to a next
execution if it was marked. A holder that is no longer running loses the lock to the next that asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import rights
from infra.rights import Right
from infra.steps import State

_ME = "{% $states.context.Execution.Id %}"
_CONDITION_FAILED = ["DynamoDb.ConditionalCheckFailedException"]
_NEXT_NAME = "$substring($hash($states.context.Execution.Name, 'SHA-256'), 0, 32)"


@dataclass(frozen=True)
class Watch:
    """Who is told, and where the lock is."""

    table: dynamodb.CfnTable
    notify: lambda_.CfnFunction


def state_machine(
    scope: Construct,
    *,
    dataset: str,
    pipeline: str,
    settle_seconds: int,
    steps: State,
    functions: Sequence[lambda_.CfnFunction],
    describes: Sequence[Right],
    group: logs.CfnLogGroup,
    watch: Watch,
) -> sfn.CfnStateMachine:
    """The Standard state machine of a pipeline, logged and traced, under a role that may do what its states do."""
    stack = Stack.of(scope)
    name = f"storecast-{dataset}-{pipeline}"
    arn = stack.format_arn(
        service="states", resource="stateMachine", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    executions = stack.format_arn(
        service="states", resource="execution", resource_name=f"{name}:*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    role = rights.role(
        scope,
        "MachineRole",
        principal=iam.ServicePrincipal("states.amazonaws.com"),
        description=f"Storecast {dataset}: the {pipeline} state machine",
        rights=[
            Right(["lambda:InvokeFunction"], [f.attr_arn for f in (*functions, watch.notify)]),
            *describes,
            Right(["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], [watch.table.attr_arn]),
            Right(["states:StartExecution"], [arn]),
            Right(
                ["states:DescribeExecution"],
                [executions],
                "executions of this machine: their names are given at run time",
            ),
            Right(
                [
                    "logs:CreateLogDelivery",
                    "logs:GetLogDelivery",
                    "logs:UpdateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:DescribeResourcePolicies",
                    "logs:DescribeLogGroups",
                    "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords",
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                ],
                ["*"],
                "log delivery and X-Ray know no resources (Step Functions guide, cw-logs.md and xray-iam.md)",
            ),
        ],
    )
    return sfn.CfnStateMachine(
        scope,
        "Machine",
        state_machine_name=name,
        state_machine_type="STANDARD",
        role_arn=role.role_arn,
        definition_string=stack.to_json_string(definition(pipeline, settle_seconds, steps, watch)),
        tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        logging_configuration=sfn.CfnStateMachine.LoggingConfigurationProperty(
            level="ALL",
            include_execution_data=True,
            destinations=[
                sfn.CfnStateMachine.LogDestinationProperty(
                    cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                        log_group_arn=group.attr_arn
                    )
                )
            ],
        ),
    )


def definition(pipeline: str, settle_seconds: int, steps: State, watch: Watch) -> State:
    """The whole state machine in Amazon States Language, around the chain `steps`."""
    lock = _Lock(pipeline, watch.table.ref)
    return {
        "Comment": f"Storecast: {pipeline}",
        "QueryLanguage": "JSONata",
        "StartAt": "Dry run?",
        "States": {
            "Dry run?": {  # it changes nothing, so it needs no lock
                "Type": "Choice",
                "Default": "Take the lock",
                "Choices": [{"Condition": "{% $states.input.dry_run = true %}", "Next": "Pipeline"}],
            },
            **lock.taking(then="Settle"),
            "Settle": {"Type": "Wait", "Seconds": settle_seconds, "Next": "Unmark the lock"},
            **lock.unmarking(then="Pipeline"),
            "Pipeline": {
                "Type": "Parallel",
                "Branches": [steps],
                "Next": "Release the lock",
                "Catch": [
                    {
                        "ErrorEquals": ["States.ALL"],
                        "Next": "Notify failure",
                        "Output": {"failure": "{% $states.errorOutput %}"},
                    }
                ],
            },
            "Notify failure": {
                "Type": "Task",
                "Resource": f"arn:{Aws.PARTITION}:states:::lambda:invoke",
                "Arguments": {
                    "FunctionName": watch.notify.attr_arn,
                    "Payload": {"pipeline": pipeline, "execution": _ME, "failure": "{% $states.input.failure %}"},
                },
                "Output": {"failure": "{% $states.result.Payload.failure %}"},
                "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 3, "BackoffRate": 2}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Release the lock", "Output": "{% $states.input %}"}],
                "Next": "Release the lock",
            },
            **lock.releasing(then="Did it fail?"),
            "Did it fail?": {
                "Type": "Choice",
                "Default": "Done",
                "Choices": [{"Condition": "{% $exists($states.input.failure) %}", "Next": "Failed"}],
            },
            "Failed": {
                "Type": "Fail",
                "Error": "{% $states.input.failure.Error %}",
                "Cause": "{% $states.input.failure.Cause %}",
            },
            "Done": {"Type": "Succeed"},
        },
    }


@dataclass(frozen=True)
class _Lock:
    pipeline: str
    table: str

    def taking(self, then: str) -> dict[str, State]:
        return {
            "Take the lock": self._put(
                "attribute_not_exists(pipeline) OR holder = :holder", _ME, then, "Mark the lock"
            ),
            "Mark the lock": self._update(
                "SET pending = :pending",
                "attribute_exists(pipeline)",
                {":pending": {"S": "yes"}},
                Output="{% $merge([$states.input, {'holder': $states.result.Attributes.holder.S}]) %}",
                next_state="Look at the holder",
                otherwise="Take the lock",
            ),
            "Look at the holder": {
                "Type": "Task",
                "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:sfn:describeExecution",
                "Arguments": {"ExecutionArn": "{% $states.input.holder %}"},
                "Output": "{% $merge([$states.input, {'status': $states.result.Status}]) %}",
                "Catch": [
                    {
                        "ErrorEquals": ["Sfn.ExecutionDoesNotExistException"],
                        "Next": "Is the holder at work?",
                        "Output": "{% $merge([$states.input, {'status': 'GONE'}]) %}",
                    }
                ],
                "Next": "Is the holder at work?",
            },
            "Is the holder at work?": {
                "Type": "Choice",
                "Default": "Take over the lock",
                "Choices": [
                    {
                        "Condition": "{% $states.input.status = 'RUNNING' and $states.input.force = true %}",
                        "Next": "Busy",
                    },
                    {
                        "Condition": "{% $states.input.status = 'RUNNING' %}",
                        "Next": "Joined",
                        "Output": {
                            "joined": "{% $states.input.holder %}",
                            "meaning": "that run is at work; what came since it looked is served by the run after it",
                        },
                    },
                ],
            },
            "Joined": {"Type": "Succeed"},
            "Busy": {
                "Type": "Fail",
                "Error": "Storecast.Busy",
                "Cause": "{% 'not forced: ' & $states.input.holder & ' is at work; start again when it has ended' %}",
            },
            "Take over the lock": self._put("holder = :holder", "{% $states.input.holder %}", then, "Mark the lock"),
        }

    def unmarking(self, then: str) -> dict[str, State]:
        """What came while settling belongs to this run."""
        return {
            "Unmark the lock": self._update(
                "SET pending = :pending",
                "holder = :holder",
                {":pending": {"S": "no"}, ":holder": {"S": _ME}},
                next_state=then,
            )
        }

    def releasing(self, then: str) -> dict[str, State]:
        """The pipeline's outcome, `{failure}` or `{summary}`, goes through."""
        outcome = "{% $type($states.input) = 'array' ? {'summary': $states.input[0].summary} : $states.input %}"
        successor = (
            "$substring($states.context.Execution.Id, 0, $length($states.context.Execution.Id)"
            f" - $length($states.context.Execution.Name)) & {_NEXT_NAME}"
        )
        return {
            "Release the lock": {
                "Type": "Task",
                "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:dynamodb:deleteItem",
                "Arguments": {
                    "TableName": self.table,
                    "Key": self._key(),
                    "ConditionExpression": "holder = :holder AND pending = :pending",
                    "ExpressionAttributeValues": {":holder": {"S": _ME}, ":pending": {"S": "no"}},
                },
                "Output": outcome,
                "Catch": [{"ErrorEquals": _CONDITION_FAILED, "Next": "Hand over the lock", "Output": outcome}],
                "Next": then,
            },
            "Hand over the lock": self._update(
                "SET pending = :pending, holder = :next",
                "holder = :holder",
                {":pending": {"S": "no"}, ":next": {"S": f"{{% {successor} %}}"}, ":holder": {"S": _ME}},
                next_state="Start the next run",
                otherwise=then,
            ),
            "Start the next run": {
                "Type": "Task",
                "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:sfn:startExecution",
                "Arguments": {
                    "StateMachineArn": "{% $states.context.StateMachine.Id %}",
                    "Name": f"{{% {_NEXT_NAME} %}}",
                    "Input": "{}",
                },
                "Output": "{% $states.input %}",
                "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 5, "BackoffRate": 2}],
                "Next": then,
            },
        }

    def _key(self) -> State:
        return {"pipeline": {"S": self.pipeline}}

    def _put(self, condition: str, holder: str, then: str, otherwise: str) -> State:
        return {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:dynamodb:putItem",
            "Arguments": {
                "TableName": self.table,
                "Item": {**self._key(), "holder": {"S": _ME}, "pending": {"S": "no"}},
                "ConditionExpression": condition,
                "ExpressionAttributeValues": {":holder": {"S": holder}},
            },
            "Output": "{% $states.input %}",
            "Catch": [{"ErrorEquals": _CONDITION_FAILED, "Next": otherwise, "Output": "{% $states.input %}"}],
            "Next": then,
        }

    def _update(
        self,
        update: str,
        condition: str,
        values: dict[str, Any],
        *,
        next_state: str,
        otherwise: str | None = None,
        Output: str = "{% $states.input %}",
    ) -> State:
        catch = {"Catch": [{"ErrorEquals": _CONDITION_FAILED, "Next": otherwise, "Output": "{% $states.input %}"}]}
        return {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:dynamodb:updateItem",
            "Arguments": {
                "TableName": self.table,
                "Key": self._key(),
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
                "ReturnValues": "ALL_NEW",
            },
            "Output": Output,
            **(catch if otherwise else {}),
            "Next": next_state,
        }
