"""What is watched: the dashboard of a dataset, and the alarms that notify its topic.

Metrics named Storecast come from the steps themselves (lambdas/common/metrics.py), all others from AWS's services.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from infra.config import Pipeline

_HOUR, _DAY = 3600, 86_400
_LATE_HOURS = 24  # longer than any run should take: BUDGET_MINUTES of training is 12 hours


def pipelines_of(config: Pipeline) -> list[str]:
    return [name for name in ("forecasting", "recommending") if getattr(config, name)]


def alarms(stack: Stack, *, config: Pipeline, topic: sns.Topic, dead_letters: sqs.CfnQueue) -> None:
    """Failed, late, stale data, hours and inaccurate per pipeline, dead letters for all; each says the next step."""

    def alarm(what: str, message: str, then: str, pipeline: str = "", **settings: Any) -> None:
        name = f"{pipeline}-{what}" if pipeline else what
        usual: dict[str, Any] = {
            "evaluation_periods": 1,
            "threshold": 0,
            "comparison_operator": "GreaterThanThreshold",
        }
        cloudwatch.CfnAlarm(
            stack,
            "".join(word.capitalize() for word in name.split("-")) + "Alarm",
            alarm_name=f"storecast-{config.dataset}-{name}",
            alarm_description=f"{message} Next: {then} (operations guide, section {what}).",
            alarm_actions=[topic.topic_arn],
            **(usual | settings),
        )

    for pipeline in pipelines_of(config):
        page, runs = _page(stack, config, pipeline), _runs_of(stack, config, pipeline)
        alarm(
            "failed",
            f"A run of {config.dataset}'s {pipeline} pipeline failed.",
            f"read the cause in the mail about the run or at {page}",
            pipeline=pipeline,
            metric_name="ExecutionsFailed",
            statistic="Sum",
            period=300,
            **runs,
        )
        alarm(
            "late",
            f"A run of {config.dataset}'s {pipeline} pipeline took more than {_LATE_HOURS} hours.",
            f"see at {page} which state it waited in",
            pipeline=pipeline,
            metric_name="ExecutionTime",
            statistic="Maximum",
            period=_HOUR,
            **runs | {"threshold": _LATE_HOURS * _HOUR * 1000},
        )
        alarm(
            "stale",
            f"The newest upload for {config.dataset}'s {pipeline} pipeline is older than "
            f"{config.stale_after_days} days.",
            f"find out why no file arrives under {pipeline}/{config.dataset}/ of the data bucket",
            pipeline=pipeline,
            namespace="Storecast",
            metric_name="HoursSinceUpload",
            dimensions=_ours(config, pipeline),
            statistic="Maximum",
            period=_DAY,
            threshold=config.stale_after_days * 24,
            evaluation_periods=2,
            treat_missing_data="notBreaching",  # before the first upload there is no age
        )
    for owner in [name for name in ("recommending", "workshop") if getattr(getattr(config, name), "hours", None)]:
        alarm(
            "hours",
            f"What {config.dataset}'s {owner} section gives hours to was not stopped or started by the clock.",
            f"see why at {_page(stack, config, f'{owner}-hours')} and do it by hand: it costs until it is stopped",
            pipeline=owner,
            metric_name="ExecutionsFailed",
            statistic="Sum",
            period=300,
            **_runs_of(stack, config, f"{owner}-hours"),
        )
    if config.forecasting and (floor := config.forecasting.accuracy_floor):
        alarm(
            "inaccurate",
            f"The {floor.metric} of {config.dataset}'s newest predictor is worse than {floor.worst}.",
            f"look at the worst items in forecasting/{config.dataset}/report.html of the results bucket and at what "
            "changed in the data",
            pipeline="forecasting",
            namespace="Storecast",
            metric_name=floor.metric,
            dimensions=_ours(config, "forecasting"),
            statistic="Maximum",
            period=_HOUR,
            threshold=floor.worst,
            treat_missing_data="missing",
        )
    alarm(
        "dead-letters",
        f"EventBridge could not start a state machine of {config.dataset}: its event lies in the queue "
        f"{dead_letters.attr_queue_name}.",
        "read the error in the message's attributes, fix the cause, start the pipeline with {} and purge the queue",
        namespace="AWS/SQS",
        metric_name="ApproximateNumberOfMessagesVisible",
        dimensions=_dimensions(QueueName=dead_letters.attr_queue_name),
        statistic="Maximum",
        period=300,
        treat_missing_data="notBreaching",
    )


# Errors that end an execution whatever it catches (docs/aws-sources.md#step-functions-concepts-error-handling).
_UNCATCHABLE = ["States.Runtime", "States.DataLimitExceeded"]


def stopped_runs(stack: Stack, *, config: Pipeline, topic: sns.Topic, dead_letters: sqs.CfnQueue) -> events.CfnRule:
    """Report a run that was stopped, timed out or failed in a way that nothing catches to the topic, as it cannot do so
    itself; what the topic did not accept goes to the dead letters, and an alarm says so."""
    report = {
        "what": f"a run of {config.dataset} ended before it was done",
        "serves": f"what newest.json names, in the pipeline's folder {config.dataset}/ of the results bucket: if its "
        "execution is this one, the run published before it ended, and its results serve; if not, the results of the "
        "run before go on serving",
        "status": "<status>",
        "execution": "<execution>",
        "console": f"{_states_console(stack)}#/v2/executions/details/<execution>",
        "since": "<when>",
        "next": "start the state machine with {} or wait for the next upload or sweep: it takes over the lock",
    }
    rule = events.CfnRule(
        stack,
        "StoppedRuns",
        description="Runs that could not report their end themselves are reported to the topic",
        event_pattern={
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {
                "stateMachineArn": [_machine(stack, config, pipeline) for pipeline in pipelines_of(config)],
                "$or": [{"status": ["ABORTED", "TIMED_OUT"]}, {"status": ["FAILED"], "error": _UNCATCHABLE}],
            },
        },
        targets=[
            events.CfnRule.TargetProperty(
                id="Topic",
                arn=topic.topic_arn,
                input_transformer=events.CfnRule.InputTransformerProperty(
                    input_paths_map={
                        "execution": "$.detail.executionArn",
                        "status": "$.detail.status",
                        "when": "$.time",
                    },
                    input_template=json.dumps(report),
                ),
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead_letters.attr_arn),
            )
        ],
    )
    cloudwatch.CfnAlarm(
        stack,
        "UntoldAlarm",
        alarm_name=f"storecast-{config.dataset}-untold",
        alarm_description=f"A run of {config.dataset} was stopped or timed out, and the topic was not notified. Next: "
        f"read the event and its error in the queue {dead_letters.attr_queue_name} (operations guide, section untold).",
        alarm_actions=[topic.topic_arn],
        namespace="AWS/Events",
        metric_name="FailedInvocations",
        dimensions=_dimensions(RuleName=rule.ref),
        statistic="Sum",
        period=300,
        evaluation_periods=1,
        threshold=0,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
    )
    return rule


def dashboard(stack: Stack, *, config: Pipeline) -> cloudwatch.CfnDashboard:
    """Runs, how long they and their parts take, accuracy, recommenders' metrics, freshness, what drives the bill."""
    machines = {name: _machine(stack, config, name) for name in pipelines_of(config)}

    def states(*measured: str) -> list[list[Any]]:
        return [
            ["AWS/States", metric, "StateMachineArn", arn, {"label": f"{name}: {metric}"}]
            for metric in measured
            for name, arn in machines.items()
        ]

    def ours(*measured: str, by: str = "", statistic: str = "Maximum") -> list[list[Any]]:
        """What the steps measured (lambdas/common/metrics.py), by one more dimension."""
        schema = ",".join(filter(None, ("Storecast,dataset,pipeline,service", by)))
        names = " OR ".join(f'"{name}"' for name in measured)
        search = f'{{{schema}}} dataset="{config.dataset}"' + (f" MetricName=({names})" if names else "")
        return [[{"expression": f"SEARCH('{search}', '{statistic}', {_HOUR})", "label": ""}]]

    accuracy = ("WAPE", "AverageWeightedQuantileLoss")
    ended = [f"Executions{each}" for each in ("Started", "Succeeded", "Failed", "Aborted", "TimedOut")]
    widgets = [
        _widget("Runs", states(*ended), "Sum"),
        _widget("Duration of runs (ms)", states("ExecutionTime"), "Maximum"),
        _widget("Duration of their parts (s)", ours("StepSeconds", by="step")),
        _widget("Hours since the newest upload", ours("HoursSinceUpload")),
        _widget("Accuracy of each new predictor in backtest", ours(*accuracy, by="algorithm")),
        _widget("Error of the forecasts in use on what came in", ours(*(f"InUse{name}" for name in accuracy))),
        _widget("Metrics of recommenders", ours(by="use_case")),
        _widget("Metrics of solutions", ours(by="solution")),
        _widget("Billed by the hour: recommenders, campaigns", ours("Recommenders", "Campaigns")),
        _widget(
            "Billed by use: forecast points, state transitions, Lambda calls",
            ours("ForecastPoints", "StateTransitions", "LambdaInvocations", statistic="Sum"),
        ),
    ]
    for at, widget in enumerate(widgets):
        widget |= {"x": at % 2 * 12, "y": at // 2 * 6, "width": 12, "height": 6}
        widget["properties"]["region"] = stack.region
    return cloudwatch.CfnDashboard(
        stack,
        "Dashboard",
        dashboard_name=f"storecast-{config.dataset}-{stack.region}",  # an account has one of a name
        dashboard_body=stack.to_json_string({"widgets": widgets}),
    )


def _machine(stack: Stack, config: Pipeline, pipeline: str) -> str:
    return stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=f"storecast-{config.dataset}-{pipeline}",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def _page(stack: Stack, config: Pipeline, pipeline: str) -> str:
    """The console's page of a state machine."""
    return f"{_states_console(stack)}#/statemachines/view/{_machine(stack, config, pipeline)}"


def _states_console(stack: Stack) -> str:
    return f"https://{stack.region}.console.aws.amazon.com/states/home?region={stack.region}"


def _runs_of(stack: Stack, config: Pipeline, pipeline: str) -> dict[str, Any]:
    return {
        "namespace": "AWS/States",
        "dimensions": _dimensions(StateMachineArn=_machine(stack, config, pipeline)),
        "treat_missing_data": "notBreaching",
    }


def _widget(title: str, metrics: Sequence[Any], statistic: str = "Maximum") -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "metrics": list(metrics),
            "stat": statistic,
            "period": _HOUR,
            "view": "timeSeries",
        },
    }


def _ours(config: Pipeline, pipeline: str) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    return _dimensions(dataset=config.dataset, pipeline=pipeline, service="storecast")


def _dimensions(**values: str) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    return [cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in values.items()]
