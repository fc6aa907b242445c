"""Notify: tell the topic how a run ended, in words a person can act on (SNS Publish)."""

from __future__ import annotations

import json
import os
from typing import Any

from common import metrics
from common.clients import client
from common.step import step

_ACCURACY = ("AverageWeightedQuantileLoss", "WAPE", "RMSE")


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """For a failure, `failure: {Error, Cause}` with the cause in words; otherwise nothing of note."""
    if "failure" not in event:
        how = f"succeeded{_of_predictor(event['summary'])}"
        for figures, about in measured(event["summary"]):
            metrics.put(figures, dataset=event["summary"]["dataset"], pipeline=event["pipeline"], **about)
        _publish(f"{event['pipeline']} {how}", {**event["summary"], "console": console_link(event["execution"])})
        return {}
    failure = explain(event["failure"])
    _publish(
        f"{event['pipeline']} FAILED in {failure['step']}",
        {
            "pipeline": event["pipeline"],
            **failure,
            "execution": event["execution"],
            "console": console_link(event["execution"]),
        },
    )
    about = f" ({failure['resource']})" if failure["resource"] else ""
    return {"failure": {"Error": failure["error"], "Cause": f"{failure['step']}{about}: {failure['message']}"}}


def _of_predictor(summary: dict[str, Any]) -> str:
    if not _trained(summary):
        return "; nothing was trained"
    return "; its new predictor does not serve" if not (summary.get("promotion") or {}).get("promoted", True) else ""


def _trained(summary: dict[str, Any]) -> bool:
    return summary.get("training", {}).get("trained", True)


def measured(summary: dict[str, Any]) -> list[tuple[dict[str, float | None], dict[str, str]]]:
    """What is worth a chart in a run's summary: figures, and what they are about beside dataset and pipeline."""
    board = [row for row in summary.get("accuracy", ()) if "naive" not in row["algorithm"].lower()]
    made = summary.get("recommenders", [])
    found = [({name: board[0].get(name) for name in _ACCURACY}, {})] if board and _trained(summary) else []
    if score := summary.get("score"):
        found.append(({f"InUse{name}": value for name, value in score["measured"].items()}, {}))
    found += [(each["metrics"], {"use_case": each["useCase"]}) for each in made]
    return [*found, ({"Recommenders": len(made)}, {})] if made else found


def explain(failure: dict[str, str]) -> dict[str, str]:
    """Step, resource, error and message of a caught error.

    A step's own failure comes as `{step, error, message, resource?}` in the cause; a Lambda function's error is one
    layer further in, as `{errorMessage, errorType}`. Anything else is passed on as it is.
    """
    told = _parsed(failure.get("Cause", ""))
    message = told.get("message", failure.get("Cause", ""))
    return {
        "step": told.get("step", "an unnamed step"),
        "resource": told.get("resource", ""),
        "error": told.get("error", failure["Error"]),
        "message": _parsed(message).get("errorMessage", message),
    }


def console_link(execution: str) -> str:
    """The page of the execution in the AWS console."""
    region = execution.split(":")[3]
    return f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{execution}"


def _parsed(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _publish(subject: str, message: dict[str, Any]) -> None:
    client("sns").publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Subject=f"Storecast: {subject}"[:100],
        Message=json.dumps(message, indent=1, ensure_ascii=False),
    )
