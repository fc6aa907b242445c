"""Cleanup: when a stack is deleted, remove what it did not make itself: resources of Forecast and Personalize that the
pipelines created, and what lies in the buckets. A plain CloudFormation custom resource; nothing happens on create.

CloudFormation sends the same Delete when an update removes or replaces this custom resource in a stack that stays, so
the function first asks for the stack's status, and deletes nothing unless the stack itself goes.

A deletion that outlasts one invocation is carried on by another, up to the hour CloudFormation waits.
"""

from __future__ import annotations

import functools
import itertools
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from common.clients import client
from common.step import logger
from operations.sweeps import empty_buckets, stop_executions, sweep_forecast, sweep_learners, sweep_personalize

_PATIENCE = 55 * 60  # seconds after the first attempt; CloudFormation gives up after 60 minutes
_RESERVE = 60_000  # milliseconds of an invocation kept for handing over
_PAUSES = (1, 2, 4, 8, 15)  # seconds between looks; the last one repeats
# In any other status, those of updates and their rollbacks above all, the stack stays (CloudFormation guide,
# view-stack-events.md, "Stack status codes"). A second try of a deletion that failed is DELETE_IN_PROGRESS again.
_WHY_THE_STACK_GOES = {
    "DELETE_IN_PROGRESS": "the stack is being deleted",
    "ROLLBACK_IN_PROGRESS": "the creation of the stack failed and is being rolled back",
}


def handler(event: dict[str, Any], context: Any) -> None:
    logger.append_keys(stack=event["StackId"], why=None)
    try:
        if event["RequestType"] != "Delete":
            _respond(event, context, "SUCCESS", "done")
            return
        status = _status(event["StackId"])
        if status not in _WHY_THE_STACK_GOES:
            logger.info("nothing is deleted: the stack stays", extra={"status": status})
            _respond(event, context, "SUCCESS", f"nothing was deleted: the stack is {status}, so it stays")
        elif _sweep(event, context, _WHY_THE_STACK_GOES[status]):
            _respond(event, context, "SUCCESS", "done")
        else:
            _carry_on(event, context)
    except Exception as error:
        logger.exception("the cleanup failed")
        _respond(event, context, "FAILED", str(error))


def _status(stack: str) -> str:
    """The status of the stack with this id. Raises RuntimeError if CloudFormation does not say.

    Answering FAILED then loses nothing: a deletion can be tried again, and an update completes without this resource.
    """
    try:
        [described] = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise RuntimeError(
            f"nothing was deleted, as the status of the stack can't be read: {error}. Fix the cause; to delete the "
            "stack, delete it again"
        ) from error
    return described["StackStatus"]


def _sweep(event: dict[str, Any], context: Any, why: str) -> bool:
    """Whether everything is gone; False if the invocation's time is up first."""
    properties = event["ResourceProperties"]
    logger.append_keys(why=why)
    logger.info("deleting what the stack did not make itself", extra={"of": properties})
    if machine := properties.get("StateMachine"):
        stop_executions(client("stepfunctions"), machine, why)
    sweeps: list[Callable[[], list[str]]] = []
    if name := properties.get("ForecastNames"):
        sweeps.append(functools.partial(sweep_forecast, client("forecast"), name))
    if name := properties.get("PersonalizeNames"):
        sweeps.append(functools.partial(sweep_personalize, client("personalize"), name))
    if names := properties.get("LearnerNames"):
        forecast, personalize, glue = (client(service) for service in ("forecast", "personalize", "glue"))
        sweeps.append(functools.partial(sweep_learners, forecast, personalize, glue, names))
    empty_buckets(client("s3"), [*properties.get("Buckets", []), *properties.get("Folders", [])])
    since = event.get("Since", time.time())
    pauses = itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))
    while left := [arn for sweep in sweeps for arn in sweep()]:
        logger.info("still there", extra={"left": left})
        if time.time() - since > _PATIENCE:
            raise TimeoutError(f"not deleted after {_PATIENCE // 60} minutes: {', '.join(left)}")
        if context.get_remaining_time_in_millis() < _RESERVE:
            return False
        time.sleep(next(pauses))
    return True


def _carry_on(event: dict[str, Any], context: Any) -> None:
    client("lambda").invoke(
        FunctionName=context.function_name, InvocationType="Event", Payload=json.dumps({"Since": time.time(), **event})
    )


def _respond(event: dict[str, Any], context: Any, status: str, reason: str) -> None:
    """Answer CloudFormation where it said (CloudFormation guide, crpg-ref-responses)."""
    body = {
        "Status": status,
        "Reason": f"{reason} (log stream {context.log_stream_name})",
        "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # CloudFormation gives the address  # nosec B310
        answer.read()
