"""EventBridge: events of our services' jobs, and the roles under which rules and schedules start state machines."""

import functools
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import ministack.app as ministack
from ministack.services import eventbridge

from localaws.emulator.access import require_of_role
from localaws.emulator.roles import require_trust
from localaws.errors import ServiceError
from localaws.resources import Resource

logger = logging.getLogger("storecast.emulator")


def register() -> None:
    """Our check around its targets."""
    eventbridge._invoke_target = _with_target_role(eventbridge._invoke_target)


def _with_target_role(invoke_target: Callable) -> Callable:
    """A rule, or a schedule, starts a state machine only under a target role that may, and that its service may take
    on."""

    @functools.wraps(invoke_target)
    def invoke(target: dict, event: dict, rule: dict, view: Any = None) -> None:
        if ministack.AUTH and ":states:" in target.get("Arn", ""):
            try:
                principal = f"{rule['Arn'].split(':')[2]}.amazonaws.com"
                require_trust(target.get("RoleArn", ""), principal, rule["Arn"])
                require_of_role(target.get("RoleArn", ""), "states:StartExecution", target["Arn"])
            except (ServiceError, IndexError) as error:
                logger.error("%s did not start %s: %s", rule["Arn"], target["Arn"], error)
                return
        invoke_target(target, event, rule, view)

    return invoke


def announce(events: Mapping[str, Callable[[Resource], tuple[str, dict] | None]], resource: Resource) -> None:
    """The event of a resource's new status, to the default bus; what a target makes of it is no matter of the job's."""
    try:
        if found := events[resource.service](resource):
            detail_type, detail = found
            entry = {"Source": f"aws.{resource.service}", "DetailType": detail_type, "Detail": json.dumps(detail)}
            eventbridge._put_events({"Entries": [entry | {"Resources": [resource.arn]}]}, allow_aws_source=True)
    except Exception:
        logger.exception("the event of %s (%s)", resource.arn, resource.status)
