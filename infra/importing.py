"""Import: everything that changed, side by side. A file that makes its import fail goes into quarantine; then, or if
files changed while they were imported, the run plans again.
"""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_

from common.payload import (
    ConfirmRequest,
    Failure,
    Import,
    Importing,
    ImportRequest,
    ImportResult,
    ImportStarted,
    QuarantineRequest,
    Refusing,
    Reimport,
    Start,
)
from infra.expressions import Expression, Path, built, element, merged, payload, record, result, template, variable
from infra.permissions import Permission
from infra.steps import EXECUTION, FAILED, NO_REASON, State, chain, lambda_task, map_over, wait_for
from infra.storage import reading, writing
from operations.payload import QuarantineNotification, RefusalNotification

_ATTEMPT = payload(Import).attempt
PLAN = {  # what Plan needs to know of the execution
    "started": Expression("$states.context.Execution.StartTime"),
    "force": Expression(f"{payload(Start).force} = true"),
    "dryRun": Expression(f"{payload(Start).dry_run} = true"),
    "attempt": Expression(f"$exists({_ATTEMPT}) ? {_ATTEMPT} + 1 : 0"),
}


def refusing(pipeline: str, notify: lambda_.CfnFunction, *, next_state: str) -> dict[str, State]:
    """The states after "Plan" that report the files which it put into quarantine."""
    refused, dry = payload(Refusing).refused, f"{Path('$states.context.Execution.Input', Start).dry_run} = true"
    return {
        "Anything refused?": {
            "Type": "Choice",
            "Choices": [{"Condition": template(f"{refused.count} > 0 and $not({dry})"), "Next": "Notify refused"}],
            "Default": next_state,
        },
        **lambda_task(
            "Notify refused",
            notify,
            payload=record(RefusalNotification, pipeline=pipeline, refused=refused, execution=EXECUTION),
            next_state=next_state,
        ),
    }


def importing(
    pipeline: str, service: str, load: lambda_.CfnFunction, notify: lambda_.CfnFunction, *, next_state: str
) -> dict[str, State]:
    """The states "Import" and "Import again?", which leads back to "Plan" or on to `next_state`."""
    imports, outcome = payload(Importing).imports, payload(Importing)
    return {
        **map_over(
            "Import",
            Expression(f"[{imports}[{element(Import).changed}]]"),
            _one_import(pipeline, service, load, notify),
            output=template(_outcome()),
            concurrency=3,
            next_state="Import again?",
        ),
        "Import again?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": template(f"$exists({outcome.lost})"),
                    "Next": FAILED,
                    "Output": template(outcome.lost),
                },
                {"Condition": template(outcome.reimport), "Next": "Plan"},
            ],
            "Default": next_state,
        },
    }


def _one_import(pipeline: str, service: str, load: lambda_.CfnFunction, notify: lambda_.CfnFunction) -> State:
    """Start an import and wait for it; then confirm what it read, or move the file that made it fail."""
    confirm = merged(payload(ConfirmRequest), part="confirm")
    quarantine = merged(payload(QuarantineRequest), part="quarantine")
    refused = payload(Reimport).refused
    return chain(
        "Load",
        "Load",
        lambda_task(
            "Load",
            load,
            payload=merged(payload(ImportRequest), part="import"),
            next_state="Describe dataset import job",
        ),
        wait_for(
            "DatasetImportJob",
            service=service,
            arn=payload(ImportStarted).importJobArn,
            next_state="Load confirmed",
            if_failed="Load into quarantine",
        ),
        lambda_task("Load confirmed", load, payload=confirm),
        lambda_task("Load into quarantine", load, payload=quarantine, next_state="In quarantine?"),
        {
            "In quarantine?": {
                "Type": "Choice",
                "Choices": [{"Condition": template(f"$exists({refused})"), "Next": "Notify quarantine"}],
                "Default": "Nothing moved",
            },
            "Nothing moved": {"Type": "Succeed"},
        },
        lambda_task(
            "Notify quarantine",
            notify,
            payload=record(QuarantineNotification, pipeline=pipeline, quarantined=refused, execution=EXECUTION),
        ),
    )


def _outcome() -> Expression:
    """The payload after all imports.

    No import ends the others: all finish and are reported before the run fails. The run fails for one that it cannot do
    without: nobody knows why it failed, or it was of the last file of its kind.
    """
    each, lost = element(ImportResult), variable("lost", ImportResult)
    no_reason = f"($exists({lost.wait.message}) ? {lost.wait.message} : '{NO_REASON}')"
    no_file = f"'; the last file of its kind, it is in quarantine now: ' & {lost.refused.movedTo}"
    failure = built(
        Failure,
        step="Load",
        resource=lost.importJobArn,
        error=lost.wait.status,
        message=Expression(f"{no_reason} & ($exists({lost.refused}) ? {no_file})"),
    )
    results = result(list[ImportResult])
    serious = f"$not($exists({each.reimport})) or {each.refused.last}"
    reimport = Expression(f"$count({results}[{each.reimport}]) > 0")
    return Expression(f"""(
        {lost} := {results}[{each.wait.status} != 'ACTIVE' and ({serious})][0];
        $exists({lost})
            ? {merged(payload(Importing), reimport=reimport, lost=failure)}
            : {merged(payload(Importing), reimport=reimport)}
    )""")


def quarantining(data_arn: str, prefix: str) -> list[Permission]:
    """What it takes to move a file of the folder `prefix` into quarantine, and to find it there."""
    return [
        *reading(data_arn, prefix),
        reading(data_arn, f"quarantine/{prefix}")[1],
        *writing(data_arn, f"quarantine/{prefix}"),
        Permission(
            ["s3:DeleteObject"], [f"{data_arn}/{prefix}*"], "files under this prefix: their names come at run time"
        ),
    ]
