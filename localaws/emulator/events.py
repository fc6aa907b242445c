"""EventBridge: events of our services' jobs, and what rules and schedules may do to their targets."""

import functools
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import ministack.app as ministack
from ministack.core.arn import parse_arn
from ministack.services import cloudwatch, eventbridge, sqs

from localaws.emulator.access import require_of_role
from localaws.emulator.roles import require_trust, resource_policy_allows
from localaws.errors import ServiceError
from localaws.resources import Resource

logger = logging.getLogger("storecast.emulator")

# What EventBridge does to a target, in its own name but for state machines.
_ACTIONS = {"sns": "sns:Publish", "sqs": "sqs:SendMessage"}


def register() -> None:
    """Our check around its targets."""
    eventbridge._invoke_target = _checked(eventbridge._invoke_target)


def _checked(invoke_target: Callable) -> Callable:
    """A rule, or a schedule, reaches a target only if it may; else the event goes to the target's dead letters, and
    counts as a failed invocation."""

    @functools.wraps(invoke_target)
    def invoke(target: dict, event: dict, rule: dict, view: Any = None) -> None:
        try:
            _require_may(target, rule)
        except (ServiceError, IndexError) as error:
            logger.error("%s did not reach %s: %s", rule["Arn"], target["Arn"], error)
            if ":rule/" in rule["Arn"]:
                whole = (view or eventbridge._pattern_event_view(event)).event_with_detail()
                _to_the_dead_letters(target, whole, rule["Arn"], str(error))
            return
        invoke_target(target, event, rule, view)

    return invoke


def _require_may(target: dict, rule: dict) -> None:
    """Raises ServiceError unless the target's role may start the state machine and the service of the rule take it on,
    or the policies of a topic or a queue and of its key let EventBridge in."""
    if not ministack.AUTH:
        return
    arn = target.get("Arn", "")
    service, principal = arn.split(":")[2], f"{rule['Arn'].split(':')[2]}.amazonaws.com"
    if service == "states":
        require_trust(target.get("RoleArn", ""), principal, rule["Arn"])
        require_of_role(target.get("RoleArn", ""), "states:StartExecution", arn)
    action = _ACTIONS.get(service) if principal == "events.amazonaws.com" else None
    if action and not resource_policy_allows(principal, action, arn, rule["Arn"]):
        message = f"{principal} is not authorized to perform: {action} on resource: {arn}"
        raise ServiceError("AccessDeniedException", message)


def _to_the_dead_letters(target: dict, event: dict, rule: str, message: str) -> None:
    """At once: AWS makes no retries where a permission is missing (docs/aws-sources.md#eventbridge-eb-rule-dlq)."""
    cloudwatch.record_metric("AWS/Events", "FailedInvocations", 1, "Count", {"RuleName": rule.rpartition("/")[2]})
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if queue and resource_policy_allows("events.amazonaws.com", "sqs:SendMessage", queue, rule):
        eventbridge._dispatch_to_sqs(parse_arn(queue), json.dumps(event))
        said = {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": message, "RULE_ARN": rule, "TARGET_ARN": target["Arn"]}
        texts = {name: {"DataType": "String", "StringValue": value} for name, value in said.items()}
        sqs._queue_by_arn(queue)["messages"][-1]["message_attributes"] = texts


def announce(events: Mapping[str, Callable[[Resource], tuple[str, dict] | None]], resource: Resource) -> None:
    """The event of a resource's new status, to the default bus; what a target makes of it is no matter of the job's."""
    try:
        if found := events[resource.service](resource):
            detail_type, detail = found
            entry = {"Source": f"aws.{resource.service}", "DetailType": detail_type, "Detail": json.dumps(detail)}
            eventbridge._put_events({"Entries": [entry | {"Resources": [resource.arn]}]}, allow_aws_source=True)
    except Exception:
        logger.exception("the event of %s (%s)", resource.arn, resource.status)
