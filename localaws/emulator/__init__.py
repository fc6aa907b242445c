"""The only place that touches the emulator under us (ministack): its private names live here and nowhere else.

It registers our services beside ministack's, asks ministack's IAM about every call, gives jobs the credentials of the
role that a caller passed, enforces the roles of state machines and EventBridge targets (ministack runs those as root),
and serves HTTPS on loopback. `tests/contract/test_emulator.py` says what moved when the pinned version changes.
"""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import replace

import ministack.app as ministack
from botocore.model import OperationModel
from ministack.core import router
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners, stacks

from localaws import protocol
from localaws.emulator import (
    access_logs,
    announcements,
    athena,
    authorization,
    budgets,
    events,
    executions,
    exports,
    faults,
    functions,
    further,
    glue,
    inputs,
    limits,
    managed_policies,
    objects,
    record,
    saving,
    spool,
    step_functions,
    templates,
    updates,
)
from localaws.emulator.access import authorize_call, require
from localaws.emulator.buckets import holds, require_location
from localaws.emulator.roles import assume, require_key, resource_policy_allows
from localaws.emulator.serving import serve
from localaws.faults import Switch
from localaws.jobs import Jobs
from localaws.registration import Context, Registration
from localaws.resources import Store
from localaws.services.glue.service import event as glue_event
from localaws.settings import Settings

__all__ = ["register", "serve"]


def register(
    services: list[Registration], settings: Settings, store: Store, jobs: Jobs, switch: Switch
) -> Callable[[], None]:
    """Puts our services beside ministack's and our checks around its step functions and event targets, and brings
    ministack's state back. Answers what is to be done once requests are served. Raises StateError.
    """

    def context() -> Context:
        assume_role = functools.partial(assume, settings)
        account, region = get_account_id(), get_region()
        return Context(
            account=account,
            region=region,
            store=store,
            jobs=jobs,
            assume=assume_role,
            resource_policy_allows=resource_policy_allows,
            require_key=require_key,
            require_location=require_location,
            holds=holds,
        )

    for service in services:
        router.SERVICE_PATTERNS[service.signing_name] = {
            "target_prefixes": list(service.target_prefixes),
            "host_patterns": [rf"{service.signing_name}[\w-]*\."],
        }
        ministack.SERVICE_HANDLERS[service.signing_name] = _handler(service, context)
        for resource_type, handlers in service.cloudformation.items():
            provisioners._RESOURCE_HANDLERS[resource_type] = _cloudformation(handlers, context)
    own_types = {resource_type for service in services for resource_type in service.cloudformation}
    stacks._runs_on_worker_thread = _also_for(own_types, stacks._runs_on_worker_thread)
    announced = {service.signing_name: service.event for service in services} | {"glue": glue_event}
    store.on_status = functools.partial(events.announce, announced)
    step_functions.register(services)
    limits.register()
    faults.register(switch)
    events.register()
    exports.register()
    athena.register(settings)
    budgets.register()
    functions.register(settings)
    glue.register(context)
    authorization.register()
    managed_policies.register()
    further.register()
    inputs.register()
    templates.register()
    access_logs.register()
    updates.register()
    announcements.register(settings.state / "announcements")
    objects.register()
    spool.register(settings)
    executions.register()
    saving.register()
    saving.load()
    fail_what_was_cut_off = executions.load()
    if os.environ.get("LOCALAWS_RECORD_RIGHTS"):
        record.record(settings.used_rights)
    for service in services:
        service.resume(context())

    def conclude() -> None:
        fail_what_was_cut_off()
        announcements.deliver(settings.state / "announcements")

    return conclude


def _handler(service: Registration, context: Callable[[], Context]) -> Callable:
    async def handle(method: str, path: str, headers: dict, body: bytes | str, query: dict) -> protocol.Response:
        body = body.encode() if isinstance(body, str) else body
        request = protocol.Request(method, path, headers, body)

        def authorize(operation: OperationModel, params: dict) -> Context:
            authorize_call(service, operation, params, headers, query)

            def too(action: str, resource: str, keys: dict[str, str]) -> None:
                require(headers, query, action.partition(":")[0], action, resource, keys)

            return replace(context(), require=too)

        return protocol.call(service.service_for(request), request, authorize)

    return handle


def _cloudformation(handlers: Mapping[str, Callable], context: Callable[[], Context]) -> dict:
    """CloudFormation's create, update and delete of one resource type, given the context of a call."""

    def create(logical_id: str, properties: dict, stack: str) -> tuple[str, dict]:
        name = provisioners._physical_name(stack, logical_id, max_len=63)
        return handlers["create"](context(), name, properties)

    def update(physical_id: str, old: dict, new: dict, stack: str) -> tuple[str, dict]:
        return handlers["update"](context(), physical_id, old, new)

    def delete(physical_id: str, properties: dict) -> None:
        handlers["delete"](context(), physical_id)

    return {"create": create, "update": update, "delete": delete}


def _also_for(types: set[str], runs_on_worker_thread: Callable[[str], bool]) -> Callable[[str], bool]:
    """A stack waits for our resources (a notebook instance comes up) on a thread of its own, as for custom ones."""
    return lambda resource_type: resource_type in types or runs_on_worker_thread(resource_type)
