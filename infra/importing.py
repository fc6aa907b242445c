"""Import: everything that changed, side by side. A file that makes its import fail goes into quarantine; then, and if
files changed while they were imported, the run looks again at what is there.
"""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_

from infra.rights import Right
from infra.steps import FAILED, NO_REASON, State, chain, lambda_task, map_over, part, wait_for
from infra.storage import reading, writing

_ATTEMPT = "{% $exists($states.input.attempt) ? $states.input.attempt + 1 : 0 %}"
# No import fails the others' chains: each comes to its end, and is told of, first. The run fails for one that it cannot
# do without: nobody knows what was wrong with it, or it was of the last file of its kind.
_OUTCOME = f"""{{% (
    $lost := $states.result[wait.status != 'ACTIVE' and ($not($exists(again)) or refused.last)][0];
    $merge([$states.input, {{'again': $count($states.result[again]) > 0}}, $exists($lost) ? {{'lost': {{
        'step': 'Load',
        'resource': $lost.importJobArn,
        'error': $lost.wait.status,
        'message': ($exists($lost.wait.message) ? $lost.wait.message : '{NO_REASON}')
            & ($exists($lost.refused)
                ? '; the last file of its kind, it is in quarantine now: ' & $lost.refused.movedTo)
    }}}} : {{}}])
) %}}"""
PLAN = {  # what Plan needs to know of the execution
    "started": "{% $states.context.Execution.StartTime %}",
    "force": "{% $states.input.force = true %}",
    "attempt": _ATTEMPT,
}


def importing(
    pipeline: str, service: str, load: lambda_.CfnFunction, notify: lambda_.CfnFunction, *, next_state: str
) -> dict[str, State]:
    """The states "Import" and "Import again?", which leads back to "Plan" or on to `next_state`."""
    processor = chain(
        "Load",
        "Load",
        lambda_task("Load", load, payload=part("import"), next_state="Describe dataset import job"),
        wait_for(
            "DatasetImportJob",
            service=service,
            arn="$states.input.importJobArn",
            next_state="Load confirmed",
            if_failed="Load into quarantine",
        ),
        lambda_task("Load confirmed", load, payload=part("confirm")),
        lambda_task("Load into quarantine", load, payload=part("quarantine"), next_state="In quarantine?"),
        {
            "In quarantine?": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $exists($states.input.refused) %}", "Next": "Notify quarantine"}],
                "Default": "Nothing moved",
            },
            "Nothing moved": {"Type": "Succeed"},
        },
        lambda_task(
            "Notify quarantine",
            notify,
            payload={"pipeline": pipeline, "quarantined": "{% $states.input.refused %}"},
        ),
    )
    return {
        **map_over(
            "Import",
            "[$states.input.imports[changed]]",
            processor,
            output=_OUTCOME,
            concurrency=3,
            next_state="Import again?",
        ),
        "Import again?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $exists($states.input.lost) %}",
                    "Next": FAILED,
                    "Output": "{% $states.input.lost %}",
                },
                {"Condition": "{% $states.input.again %}", "Next": "Plan"},
            ],
            "Default": next_state,
        },
    }


def quarantining(data_arn: str, prefix: str) -> list[Right]:
    """What it takes to move a file of the folder `prefix` into quarantine, and to find it there."""
    return [
        *reading(data_arn, prefix),
        reading(data_arn, f"quarantine/{prefix}")[1],
        *writing(data_arn, f"quarantine/{prefix}"),
        Right(["s3:DeleteObject"], [f"{data_arn}/{prefix}*"], "files under this prefix: their names come at run time"),
    ]
