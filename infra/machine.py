"""The frame around a pipeline's own steps: one run at a time, under the lock of infra/lock.py; reports failures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from common.payload import Outcome, Start, UploadEvent
from infra import permissions
from infra.expressions import Expression, Path, field_types, payload, record, template
from infra.lock import INPUT, Lock
from infra.permissions import Permission
from infra.steps import CAUGHT, EXECUTION, State, patient
from operations.payload import FailureNotification

_LONGEST_HOURS = 72  # of a run: all budgets of infra/steps.py in a row stay below two days, settling below one
_LOGGING = Permission(
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
    "log delivery and X-Ray support no resource-level permissions (docs/aws-sources.md#step-functions-cw-logs, "
    "docs/aws-sources.md#step-functions-xray-iam)",
)


@dataclass(frozen=True)
class Watch:
    """Where the lock is, the function that notifies, and the ARN of the lock's key, if it is the app's own."""

    table: dynamodb.CfnTable
    notify: lambda_.CfnFunction
    key: str | None


def state_machine(
    scope: Construct,
    *,
    dataset: str,
    pipeline: str,
    settle_seconds: int,
    steps: State,
    functions: Sequence[lambda_.CfnFunction],
    describes: Sequence[Permission],
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
    allowed = [
        Permission(["lambda:InvokeFunction"], [f.attr_arn for f in (*functions, watch.notify)]),
        *describes,
        Permission(["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], [watch.table.attr_arn]),
        Permission(["states:StartExecution"], [arn]),
        Permission(
            ["states:DescribeExecution"],
            [executions],
            "executions of this machine: their names are given at run time",
        ),
    ]
    return logged_machine(
        scope,
        name=name,
        description=f"Storecast {dataset}: the {pipeline} state machine",
        definition=definition(pipeline, settle_seconds, steps, watch),
        allowed=allowed,
        group=group,
        key=watch.key,
    )


def logged_machine(
    scope: Construct,
    *,
    name: str,
    description: str,
    definition: State,
    allowed: Sequence[Permission],
    group: logs.CfnLogGroup,
    key: str | None = None,
) -> sfn.CfnStateMachine:
    """A Standard state machine, logged and traced, under a role of its own that may do what is `allowed`, also to what
    is encrypted under the key of this ARN."""
    role = permissions.role(
        scope,
        "MachineRole",
        principal=permissions.service(Stack.of(scope), "states"),
        description=description,
        permissions=[*allowed, _LOGGING],
        key=key,
    )
    return sfn.CfnStateMachine(
        scope,
        "Machine",
        state_machine_name=name,
        state_machine_type="STANDARD",
        role_arn=role.role_arn,
        definition_string=Stack.of(scope).to_json_string(_on_one_line(definition)),
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


def _on_one_line(node: Any) -> Any:
    """The definition with each JSONata expression on one line, as validators of the Amazon States Language ask for."""
    match node:
        case dict():
            return {name: _on_one_line(value) for name, value in node.items()}
        case list():
            return [_on_one_line(value) for value in node]
        case str() if node.startswith("{%"):
            return " ".join(line.strip() for line in node.splitlines())
    return node


def definition(pipeline: str, settle_seconds: int, steps: State, watch: Watch) -> State:
    """The complete state machine in Amazon States Language, around the chain `steps`."""
    lock, outcome = Lock(pipeline, watch.table.ref), payload(Outcome)
    return {
        "Comment": f"Storecast: {pipeline}",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": _LONGEST_HOURS * 3600,
        "StartAt": "Input understood?",
        "States": {
            "Input understood?": {
                "Type": "Choice",
                "Default": "Dry run?",
                "Choices": [{"Condition": template(f"{_misunderstood()} != ''"), "Next": "Input refused"}],
            },
            "Input refused": {"Type": "Fail", "Error": "Storecast.Input", "Cause": template(_misunderstood())},
            "Dry run?": {  # it changes nothing, so it needs no lock
                "Type": "Choice",
                "Default": "Take the lock",
                "Choices": [{"Condition": template(f"{payload(Start).dry_run} = true"), "Next": "Pipeline"}],
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
                        "Output": record(Outcome, failure=CAUGHT),
                    }
                ],
            },
            "Notify failure": {
                "Type": "Task",
                "Resource": f"arn:{Aws.PARTITION}:states:::lambda:invoke",
                "Arguments": {
                    "FunctionName": watch.notify.attr_arn,
                    "Payload": record(
                        FailureNotification, pipeline=pipeline, execution=EXECUTION, failure=outcome.failure
                    ),
                },
                "Output": record(Outcome, failure=Path("$states.result.Payload", Outcome).failure),
                "Retry": [patient("States.ALL")],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Release the lock", "Output": INPUT}],
                "Next": "Release the lock",
            },
            **lock.releasing(then="Did it fail?"),
            "Did it fail?": {
                "Type": "Choice",
                "Default": "Done",
                "Choices": [{"Condition": template(f"$exists({outcome.failure})"), "Next": "Failed"}],
            },
            "Failed": {
                "Type": "Fail",
                "Error": template(outcome.failure.Error),
                "Cause": template(outcome.failure.Cause),
            },
            "Done": {"Type": "Succeed"},
        },
    }


def _misunderstood() -> Expression:
    """What is wrong with the input of an execution: a mistyped dry_run must not start a run that costs. Nothing ('') is
    in the event of an upload, which comes as it is."""
    allowed, example = list(field_types(Start)), '{"force": true}'
    return Expression(f"""(
        $given := $states.input;
        $known := {json.dumps(allowed)};
        $unknown := [$keys($given)[$not($ in $known)]];
        $untyped := [$keys($given)[$ in $known and $type($lookup($given, $)) != 'boolean']];
        $problems := $type($given) != 'object' ? ['the input is not a JSON object']
            : {payload(UploadEvent).source} = 'aws.s3' ? [] : [
            $map($unknown, function($key) {{ 'unknown key ' & $key }}),
            $map($untyped, function($key) {{ $key & ' is ' & $string($lookup($given, $key)) & ' of type '
                & $type($lookup($given, $key)) }})
        ];
        $count($problems) = 0 ? '' : 'nothing was started: ' & $join($problems, '; ')
            & '; allowed are {" and ".join(allowed)}, each true or false without quotes, such as {example}, or {{}}'
    )""")
