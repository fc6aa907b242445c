"""Notify: tell the topic how a run ended, in words a person can act on (SNS Publish)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from common import metrics
from common.clients import client
from common.failures import in_words, parsed
from common.step import step
from operations.figures import figures, trained
from operations.lookback import look_back

_NEXT = {  # by what the error or its message begins with; the operations guide says more
    "LimitExceededException": "see what else uses the quota, or ask AWS for a higher one, then start with {}",
    "AccessDeniedException": "a right was taken away: deploy again, which puts the roles back, then start with {}",
    "Storecast.BudgetSpent": "see the job in the service's console; when it has ended, start with {}",
}
_MEND = "mend the cause, then start the state machine with {}, or upload the mended file, which starts it"


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """For a failure, `failure: {Error, Cause}` with the cause in words; otherwise nothing of note."""
    pipeline, execution = event["pipeline"], event["execution"]
    if "quarantined" in event:
        return _refused(event)
    run = look_back(execution)
    where = {"execution": execution, "console": console_link(execution), "since": run["started"]}
    if "failure" not in event:
        summary = event["summary"]
        for values, about in figures(summary, run):
            metrics.put(values, dataset=summary["dataset"], pipeline=pipeline, **about)
        _publish(f"{pipeline} succeeded{_of_predictor(summary)}", {**summary, **where, "counted": run})
        return {}
    failure = explain(event["failure"])
    _publish(
        f"{pipeline} FAILED in {failure['step']}",
        {
            "what": f"a run of {execution.split(':')[-2]} failed in {failure['step']}; what serves goes on serving",
            "pipeline": pipeline,
            **failure,
            **where,
            "next": _next(failure),
        },
    )
    resource = f" ({failure['resource']})" if failure["resource"] else ""
    return {"failure": {"Error": failure["error"], "Cause": f"{failure['step']}{resource}: {failure['message']}"}}


def _of_predictor(summary: Mapping[str, Any]) -> str:
    failed = "".join(f"; {each['algorithm']} failed" for each in summary.get("failed", ()))
    if not trained(summary):
        return "; nothing was trained"
    kept_back = not (summary.get("promotion") or {}).get("promoted", True)
    return f"; its new predictor does not serve{failed}" if kept_back else failed


def _next(failure: Mapping[str, str]) -> str:
    told = f"{failure['error']} {failure['message']}"
    return next((advice for what, advice in _NEXT.items() if what in told), _MEND)


def _refused(event: dict[str, Any]) -> dict[str, Any]:
    refused, execution = event["quarantined"], event["execution"]
    file = refused["file"].rpartition("/")[2]
    _publish(
        f"{event['pipeline']} put {file} into quarantine",
        {
            "what": f"the import of {file} failed; the file was moved, and the reason lies beside it",
            "pipeline": event["pipeline"],
            **{key: refused[key] for key in ("kind", "file", "movedTo", "message", "import")},
            "execution": execution,
            "console": console_link(execution),
            "next": "mend the file and upload it to where it was, which starts the next run",
        },
    )
    return {}


def explain(failure: dict[str, str]) -> dict[str, str]:
    """Step, resource, error and message of a caught error.

    A step's own failure comes as `{step, error, message, resource?}` in the cause. Anything else is passed on as it is.
    """
    told = parsed(failure.get("Cause", ""))
    return {
        "step": told.get("step", "an unnamed step"),
        "resource": told.get("resource", ""),
        "error": told.get("error", failure["Error"]),
        "message": in_words(told.get("message", failure.get("Cause", ""))),
    }


def console_link(execution: str) -> str:
    """The page of the execution in the AWS console."""
    region = execution.split(":")[3]
    return f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{execution}"


def _publish(subject: str, message: dict[str, Any]) -> None:
    client("sns").publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Subject=f"Storecast: {subject}"[:100],
        Message=json.dumps(message, indent=1, ensure_ascii=False),
    )
