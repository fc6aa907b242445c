"""The two building blocks of a pipeline: a Lambda step, and waiting for a resource of a service to become ACTIVE.

Both return Amazon States Language as plain dicts (JSONata). The state's payload is one object that every step adds to.
A task that fails hands `{step, error, message, resource?}` to the Fail state of its chain.
"""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_lambda as lambda_

from common.payload import (
    CaughtError,
    DryRun,
    Execution,
    Failed,
    Failure,
    NothingNew,
    Outcome,
    Planned,
    Refusing,
    Start,
    Wait,
    Waiting,
)
from infra.expressions import (
    Expression,
    Path,
    State,
    Template,
    built,
    element,
    merged,
    payload,
    record,
    template,
    variable,
)
from infra.polling import GROWTH, HIGHEST_WAIT, LOWEST_WAIT

MAP_ITEM = Expression("$states.context.Map.Item.Value")
EXECUTION = Expression("$states.context.Execution.Id")
_INPUT = Expression("$states.input")
CAUGHT = Path("$states.errorOutput", CaughtError)
# Characters of what a service or a function says, and of that in a list: a state holds 256 KiB in all.
LONGEST_REASON, SHORT_REASON = 2_000, 600
NO_REASON = "the service returned no reason"
FAILED = "failed"  # the Fail state of the chain that a task is in, until `chain` names it

# How long a resource may take before the run gives up, in minutes. The services' guides give hours for training
# in the worst case; everything else takes minutes.
BUDGET_MINUTES = {
    "DatasetImportJob": 180,
    "AutoPredictor": 720,
    "Predictor": 720,
    "PredictorBacktestExportJob": 120,
    "Forecast": 240,
    "ForecastExportJob": 120,
    "WhatIfAnalysis": 120,
    "WhatIfForecast": 240,
    "WhatIfForecastExport": 120,
    "Explainability": 240,
    "ExplainabilityExport": 120,
    "DatasetGroup": 30,
    "Dataset": 30,
    "Filter": 10,
    "EventTracker": 30,
    "Recommender": 600,
    "Solution": 30,
    "SolutionVersion": 600,
    "Campaign": 120,
    "BatchInferenceJob": 600,
}

# Where a service says why a resource failed, which resources are updated in place, and which have no reason but that of
# an update.
_REASON = {"forecast": "Message", "personalize": "FailureReason"}
_UPDATED = ("Dataset", "Recommender", "Campaign")
_WITHOUT_REASON = ("Dataset", "EventTracker", "Solution")

# Transient errors: Lambda's own (docs/aws-sources.md#step-functions-bp-lambda-serviceexception), a service that does
# not answer a step (lambdas/common/step.py), a resource that an earlier attempt created and that is not listed yet.
_HICCUPS = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "ServiceUnavailable",
    "ResourceAlreadyExistsException",
]
# A function that ran out of time or memory, or whose process was ended: the guide has one name, Lambda's answers,
# whose errorType becomes the error's name, have the others
# (docs/aws-sources.md#step-functions-concepts-error-handling).
_CUT_OFF = ["Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError"]
_QUOTA_FULL = ["LimitExceededException"]


def patient(*errors: str) -> State:
    """A retrier for transient errors: with these waits it gives a service about eight minutes."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": 2,
        "MaxAttempts": 12,
        "BackoffRate": 2,
        "MaxDelaySeconds": 60,
    }


def lambda_task(
    name: str,
    function: lambda_.CfnFunction,
    *,
    payload: Expression | Path | Template = _INPUT,
    next_state: str | None = None,
    base: Path | Expression = _INPUT,
) -> dict[str, State]:
    """The state `name`: run the function and merge what it returns into the payload at `base`.

    The function also receives the execution, for its log lines.
    """
    return {
        name: {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::lambda:invoke",
            "Arguments": {"FunctionName": function.attr_arn, "Payload": _with_execution(payload)},
            "Output": template(f"$merge([{base}, $states.result.Payload])"),
            "Retry": [
                patient(*_HICCUPS),
                # What the function had created before it was cut off, it finds by its name.
                {"ErrorEquals": _CUT_OFF, "IntervalSeconds": 5, "MaxAttempts": 3, "BackoffRate": 2},
                # A full quota of jobs in progress empties as they finish: half a day, as long as a training may take.
                {
                    "ErrorEquals": _QUOTA_FULL,
                    "IntervalSeconds": 30,
                    "MaxAttempts": 22,
                    "BackoffRate": 1.5,
                    "MaxDelaySeconds": 3600,
                },
            ],
            "Catch": [_caught(name)],
            **_onward(next_state),
        }
    }


def _with_execution(payload: Expression | Path | Template) -> Template:
    if isinstance(payload, dict):
        return {**payload, **record(Execution, execution=EXECUTION)}
    inner = str(payload).removeprefix("{%").removesuffix("%}").strip()
    return template(f"$merge([{inner}, {built(Execution, execution=EXECUTION)}])")


def wait_for(
    resource: str,
    *,
    service: str,
    arn: Path | str,
    next_state: str | None = None,
    label: str | None = None,
    if_failed: str | None = None,
) -> dict[str, State]:
    """Describe, choose, wait: until `resource` (its name in the API, such as "DatasetImportJob") is ACTIVE.

    `arn` is a JSONata expression. The three states are named after `label`, by default the resource's name in lower
    case. A resource that is ACTIVE while it is updated is waited for, too. A failed resource, or one that overruns its
    budget, fails the chain with the service's own message; with `if_failed`, a failed one leads to that state instead,
    with the message in the payload's `wait`.
    """
    label = label or in_words(resource)
    describe, choose, poll = f"Describe {label}", f"{label.capitalize()} ready?", f"Wait for {label}"
    ready = f"{label.capitalize()} is ready"
    arn_argument = ("Predictor" if resource == "AutoPredictor" else resource) + "Arn"
    return {
        describe: {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:{service}:describe{resource}",
            "Arguments": {arn_argument: template(arn)},
            "Output": template(_polled(resource, service, arn)),
            "Retry": [patient("States.TaskFailed")],
            "Catch": [_caught(describe)],
            "Next": choose,
        },
        choose: {
            "Type": "Choice",
            "Choices": _ends_of_wait(poll, BUDGET_MINUTES[resource], next_state or ready, if_failed),
            "Default": poll,
        },
        poll: {"Type": "Wait", "Seconds": template(payload(Waiting).wait.seconds), "Next": describe},
        **({} if next_state else {ready: {"Type": "Succeed"}}),
    }


def _ends_of_wait(poll: str, budget_minutes: int, next_state: str, if_failed: str | None) -> list[State]:
    """The choices that end the wait in the state `poll`: ACTIVE, failed, over its budget."""
    wait = payload(Waiting).wait
    failing = {"step": poll, "resource": wait.arn}
    reason = Expression(f"$exists({wait.message}) ? {wait.message} : '{NO_REASON}'")
    failed = {"Output": record(Failure, **failing, error=wait.status, message=reason), "Next": FAILED}
    overrun = Expression(f"'still ' & {wait.status} & ' after its budget of {budget_minutes} minutes'")
    return [
        {"Condition": template(f"{wait.status} = 'ACTIVE'"), "Next": next_state},
        {
            "Condition": template(f"$contains({wait.status}, /FAILED|STOPPED|INACTIVE|DELETE/)"),
            **({"Next": if_failed} if if_failed else failed),
        },
        {
            "Condition": template(f"{wait.waited} >= {budget_minutes * 60}"),
            "Output": record(Failure, **failing, error="Storecast.BudgetSpent", message=overrun),
            "Next": FAILED,
        },
    ]


def _polled(resource: str, service: str, arn: Path | str) -> Expression:
    """The payload after one more poll. A wait that is in progress for this resource continues; any other starts."""
    answer = "$states.result" if service == "forecast" else f"$states.result.{resource}"
    status, update = "$answer.Status", ""
    reasons = [] if resource in _WITHOUT_REASON else [f"$answer.{_REASON[service]}"]
    if resource in _UPDATED:
        update = f"$update := $answer.Latest{resource}Update;"
        status = (
            "$exists($update) and $contains($update.Status, 'FAILED') ? $update.Status"
            " : $exists($update) and $contains($update.Status, /PENDING|IN_PROGRESS/) ? 'UPDATE IN_PROGRESS'"
            " : $answer.Status"
        )
        reasons.insert(0, "$update.FailureReason")
    before = variable("before", Wait)
    wait = built(
        Wait,
        arn=Expression(arn),
        status=Expression(status),
        message=Expression(f"$substring([{', '.join(reasons)}][0], 0, {LONGEST_REASON})"),
        seconds=Expression(f"{before} ? $min([{HIGHEST_WAIT}, $ceil({before.seconds} * {GROWTH})]) : {LOWEST_WAIT}"),
        waited=Expression(f"{before} ? {before.waited} + {before.seconds} : 0"),
    )
    return Expression(f"""(
        $answer := {answer};
        {update}
        {before} := {payload(Waiting).wait}[{element(Wait).arn} = {arn}];
        {merged(payload(Waiting), wait=wait)}
    )""")


def nothing_new(plan: type = Planned, *, otherwise: str) -> dict[str, State]:
    """End the chain if Plan found nothing to do, with what it says, or after a dry run, with the plan but for its
    config; fail it if the last file of a kind was refused; otherwise continue with the state `otherwise`."""
    nothing, lost = payload(NothingNew).nothingNew, payload(Refusing).lost
    return {
        "Anything new?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": template(f"$exists({lost})"), "Next": FAILED, "Output": template(lost)},
                {
                    "Condition": template(f"$exists({nothing})"),
                    "Next": "Nothing new",
                    "Output": record(Outcome, summary=record(NothingNew, nothingNew=nothing)),
                },
                {
                    "Condition": template(f"{Path('$states.context.Execution.Input', Start).dry_run} = true"),
                    "Next": "Dry run",
                    "Output": record(
                        Outcome,
                        summary=record(
                            DryRun,
                            dryRun=Expression(
                                f"$sift($states.input, function($v, $k) {{ $k != '{element(plan).config}' }})"
                            ),
                        ),
                    ),
                },
            ],
            "Default": otherwise,
        },
        "Nothing new": {"Type": "Succeed"},
        "Dry run": {"Type": "Succeed"},
    }


def chain(label: str, start_at: str, *parts: dict[str, State], fatal: bool = True) -> State:
    """A chain of states with its Fail state, as a Parallel branch or a Map's processor has it.

    State names are unique in the whole machine, so the Fail state is named after the chain: `<label> failed`. A chain
    that is not `fatal` ends there with `{failure}` as its result, and what is beside it goes on.
    """
    failed = f"{label} failed"
    states: dict[str, State] = {name: state for part in parts for name, state in part.items()}
    exits = [
        exit_
        for state in states.values()
        for exit_ in (*state.get("Catch", ()), *state.get("Choices", ()))
        if exit_["Next"] == FAILED
    ]
    for exit_ in exits:
        exit_["Next"] = failed
    if exits:
        states[failed] = (
            {
                "Type": "Fail",
                "Error": template(payload(Failure).error),
                "Cause": template(f"$string({payload(Failure)})"),
            }
            if fatal
            else {"Type": "Pass", "Output": record(Failed, failure=_shortened()), "End": True}
        )
    return {"StartAt": start_at, "States": states}


def ending_with(output: Template, inner: State) -> State:
    """The chain with this output where it succeeds: what the branches of a Parallel or the iterations of a Map return
    counts together."""
    states = {
        name: {**state, "Output": output} if state["Type"] == "Succeed" else state
        for name, state in inner["States"].items()
    }
    return {**inner, "States": states}


def _shortened() -> Expression:
    """The failure in the payload, for a list of them."""
    message = Expression(f"$substring({payload(Failure).message}, 0, {SHORT_REASON})")
    return merged(payload(Failure), message=message)


def map_over(
    name: str,
    items: Path | Expression | str,
    processor: State,
    *,
    selector: Template | None = None,
    output: Template = "{% $states.input %}",
    concurrency: int = 0,
    next_state: str | None = None,
) -> dict[str, State]:
    """An inline Map over the JSONata expression `items`; by default the payload goes on unchanged."""
    return {
        name: {
            "Type": "Map",
            "Items": template(items),
            **({"ItemSelector": selector} if selector else {}),
            "MaxConcurrency": concurrency,
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **processor},
            "Output": output,
            **_onward(next_state),
        }
    }


def _caught(step: str) -> State:
    cut = Expression(f"$substring({CAUGHT.Cause}, 0, {LONGEST_REASON})")
    return {
        "ErrorEquals": ["States.ALL"],
        "Next": FAILED,
        "Output": record(Failure, step=step, error=CAUGHT.Error, message=cut),
    }


def _onward(next_state: str | None) -> State:
    return {"Next": next_state} if next_state else {"End": True}


def in_words(resource: str) -> str:
    """DatasetImportJob -> dataset import job."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in resource).strip()
