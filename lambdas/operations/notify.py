"""Notify: report to the topic how a run ended and what to do next (SNS Publish).

The message is for people. Programs find the same as JSON in the message attribute `json`, and what a run made in its
summary.json.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from common import metrics
from common.clients import client
from common.failures import in_words, next_step, parsed
from common.payload import CaughtError, Failure, Outcome
from common.step import LambdaContext, step
from operations import messages
from operations.figures import figures, trained
from operations.history import history
from operations.payload import FailureNotification, Notification, QuarantineNotification, RefusalNotification, Summary

_MOST_BYTES = 200_000  # of the attribute: SNS takes 256 KiB in all
_UPLOAD = "upload the corrected file to where it was, which starts the next run"


@step
def handler(event: Notification, context: LambdaContext) -> Outcome:
    """For a failure, `failure: {Error, Cause}` with a cause that people can read; otherwise nothing."""
    if "quarantined" in event:
        return _quarantined(event)
    if "refused" in event:
        return _refused(event)
    run = history(event["execution"])
    where = {"execution": event["execution"], "console": console_link(event["execution"]), "since": run["started"]}
    if "failure" in event:
        return _failed(event, where)
    pipeline, summary = event["pipeline"], event["summary"]
    for values, about in figures(summary, run):
        metrics.put(values, dataset=summary["dataset"], pipeline=pipeline, **about)
    _publish(
        f"{pipeline} succeeded{messages.fewer(summary)}{_of_predictor(summary)}",
        messages.text(pipeline, summary, {"Run": where["console"], "JSON": _json(summary)}),
        {**summary, **where, "counted": run},
    )
    return {}


def _json(summary: Summary) -> str:
    """The URI of the run's summary, which lies beside its report."""
    return f"{summary['report'].removesuffix('report.html')}summary.json"


def _failed(event: FailureNotification, where: Mapping[str, str]) -> Outcome:
    failure = explain(event["failure"])
    following = next_step(f"{failure['error']} {failure['message']}")
    machine = event["execution"].split(":")[-2]
    what = f"a run of {machine} failed in {failure['step']}; what serves goes on serving"
    lines = {
        "Cause": failure["message"],
        "Error": failure["error"],
        **({"Resource": failure["resource"]} if failure["resource"] else {}),
        "Next": following,
        "Run": where["console"],
        "Since": where["since"],
    }
    _publish(
        f"{event['pipeline']} FAILED in {failure['step']}",
        messages.laid_out(f"{what[0].upper()}{what[1:]}.", lines.items()),
        {"what": what, "pipeline": event["pipeline"], **failure, **where, "next": following},
    )
    resource = f" ({failure['resource']})" if failure["resource"] else ""
    return {"failure": {"Error": failure["error"], "Cause": f"{failure['step']}{resource}: {failure['message']}"}}


def _of_predictor(summary: Summary) -> str:
    if "recommenders" in summary:
        return ""
    failed = "".join(f"; {each['algorithm']} failed" for each in summary.get("failed", ()))
    if not trained(summary):
        return "; nothing was trained"
    promotion = summary.get("promotion")
    kept_back = promotion is not None and not promotion["promoted"]
    return f"; its new predictor does not serve{failed}" if kept_back else failed


def _refused(event: RefusalNotification) -> Outcome:
    """One message for all files that a plan refused."""
    count, files, execution = event["refused"]["count"], event["refused"]["files"], event["execution"]
    called = files[0]["file"].rpartition("/")[2] if count == 1 else f"{count:,} files"
    moved, them = ("was", "it") if count == 1 else ("were", "them")
    what = (
        f"{called} cannot be imported and {moved} moved into quarantine with the reason; the run goes on without {them}"
    )
    lines = [line for each in files for line in (("Cause", each["message"]), ("Now at", each["movedTo"]))]
    if count > len(files):
        lines.append(("And", f"{count - len(files):,} more in quarantine, each with its reason"))
    lines += [("Next", _UPLOAD), ("Run", console_link(execution))]
    _publish(
        f"{event['pipeline']} put {called} into quarantine",
        messages.laid_out(f"{what[0].upper()}{what[1:]}.", lines),
        {
            "what": what,
            "pipeline": event["pipeline"],
            "count": count,
            "files": files,
            "execution": execution,
            "console": console_link(execution),
            "next": _UPLOAD,
        },
    )
    return {}


def _quarantined(event: QuarantineNotification) -> Outcome:
    refused, execution = event["quarantined"], event["execution"]
    file = refused["file"].rpartition("/")[2]
    what = f"the import of {file} failed; the file was moved, and the reason lies beside it"
    following = _UPLOAD
    lines = {
        "Cause": refused["message"],
        "File": refused["file"],
        "Now at": refused["movedTo"],
        "Next": following,
        "Run": console_link(execution),
    }
    _publish(
        f"{event['pipeline']} put {file} into quarantine",
        messages.laid_out(f"{what[0].upper()}{what[1:]}.", lines.items()),
        {
            "what": what,
            "pipeline": event["pipeline"],
            "kind": refused["kind"],
            "file": refused["file"],
            "movedTo": refused["movedTo"],
            "message": refused["message"],
            "import": refused.get("importJobArn"),
            "execution": execution,
            "console": console_link(execution),
            "next": following,
        },
    )
    return {}


def explain(failure: CaughtError) -> Failure:
    """Step, resource (or ""), error and message of a caught error.

    A step's own failure comes as `{step, error, message, resource?}` in the cause. Anything else is passed on as it is.
    """
    cause = failure.get("Cause", "")  # some errors of Step Functions have none
    found = parsed(cause)
    return {
        "step": found.get("step", "an unnamed step"),
        "resource": found.get("resource", ""),
        "error": found.get("error", failure["Error"]),
        "message": in_words(found.get("message", cause)),
    }


def console_link(execution: str) -> str:
    """The page of the execution in the AWS console."""
    region = execution.split(":")[3]
    return f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{execution}"


def _publish(subject: str, message: str, facts: Mapping[str, Any]) -> None:
    text = json.dumps(facts, ensure_ascii=False)
    attribute = {"json": {"DataType": "String", "StringValue": text}}
    client("sns").publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Subject=_as_sns_takes("Storecast: " + subject),
        Message=message,
        MessageAttributes=attribute if len(text.encode()) <= _MOST_BYTES else {},
    )


def _as_sns_takes(subject: str) -> str:
    """At most 100 printable ASCII characters (docs/aws-sources.md#sns-API_Publish); the message has the name as it
    is."""
    return "".join(each if " " <= each <= "~" else "?" for each in subject)[:100]
