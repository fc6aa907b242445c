"""Where the fault switch meets the traffic: HTTP requests, and what Step Functions calls inside this process."""

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, router
from ministack.services import stepfunctions

from localaws.emulator.refusing import refuse
from localaws.emulator.scope import headers_and_query, read_body, replay
from localaws.emulator.step_functions import integration_call
from localaws.faults import Switch

logger = logging.getLogger("storecast.emulator")


def register(switch: Switch) -> None:
    """The switch around Step Functions' integrations."""
    stepfunctions._invoke_resource = _around_integrations(stepfunctions._invoke_resource, switch)


def around(app: Callable, switch: Switch) -> Callable:
    """The ASGI application `app` behind the switch."""

    async def faulty(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http" or not switch.on:
            await app(scope, receive, send)
            return
        body = await read_body(receive)
        service, operation, headers = _call(scope, body)
        met = switch.hits(operation, scope["path"] + body.decode("utf-8", "replace"))
        for fault in met:
            await asyncio.sleep(fault.delay)
        failing = next((fault for fault in met if fault.error), None)
        if failing is None or failing.after:
            await app(scope, replay(body, receive), send if failing is None else _nowhere)
        if failing:
            logger.warning("fault switch: %s ended in %s", operation, failing.error)
            code, message = failing.error, failing.message
            await refuse(send, service, operation, headers, code=code, message=message, status=failing.status)

    return faulty


def _call(scope: dict, body: bytes) -> tuple[str, str, dict[str, str]]:
    headers, query = headers_and_query(scope)
    service = router.detect_service(scope["method"], scope["path"], headers, query)
    action = iam_actions.extract_iam_action(service, scope["method"], scope["path"], headers, body, query)
    # A service of ours is unknown to ministack's table, and so is its action: the target header names both.
    return service, action or f"{service}:{headers.get('x-amz-target', '').rpartition('.')[2]}", headers


async def _nowhere(message: dict) -> None:
    """The answer that gets lost on its way."""


def _around_integrations(invoke_resource: Callable, switch: Switch) -> Callable:
    @functools.wraps(invoke_resource)
    def invoke(resource: str, arguments: Any) -> Any:
        if not switch.on:
            return invoke_resource(resource, arguments)
        prefix, operation, target = integration_call(resource, arguments)
        met = switch.hits(operation, f"{target} {arguments}")
        for fault in met:
            time.sleep(fault.delay)
        failing = next((fault for fault in met if fault.error), None)
        if failing is None:
            return invoke_resource(resource, arguments)
        if failing.after:
            invoke_resource(resource, arguments)
        logger.warning("fault switch: %s ended in %s", operation, failing.error)
        error = failing.error if "." in failing.error else f"{prefix}.{failing.error}"
        raise stepfunctions._ExecutionError(error, failing.message)

    return invoke
