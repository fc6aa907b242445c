"""The only file that touches the emulator under us (ministack): its private names live here and nowhere else.

It registers our services beside ministack's, asks ministack's IAM about every call, gives jobs the credentials of the
role that a caller passed, enforces the roles of state machines and EventBridge targets (ministack runs those as root),
and serves HTTPS on loopback. `tests/contract/test_gateway.py` says what moved when the pinned version changes.
"""

import asyncio
import contextvars
import copy
import functools
import hashlib
import json
import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import ministack.app as emulator
from botocore.model import OperationModel
from hypercorn.asyncio import serve as serve_asgi
from hypercorn.config import Config
from ministack.core import iam_actions, iam_evaluator, persistence, router
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, iam, stepfunctions, sts
from ministack.services.cloudformation import provisioners

from localaws import wire
from localaws.jobs import Jobs
from localaws.objects import Access
from localaws.resources import Resource, Store
from localaws.settings import Settings

logger = logging.getLogger("storecast.gateway")

SAVE_EVERY_SECONDS = float(os.environ.get("LOCALAWS_SAVE_EVERY_SECONDS", "20"))
TLS_SHUTDOWN_SECONDS = 1


@dataclass(frozen=True)
class Context:
    """What an operation knows of its call besides its parameters."""

    account: str
    region: str
    store: Store
    jobs: Jobs
    assume: Callable[[str, str, str], Access]
    bucket_policy_allows: Callable[[str, str, str, str], bool]

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Mount:
    """A service (or several behind one signing name) as the gateway serves it.

    `service_for(request)` picks the botocore service; `new_arns(operation, params)` names what a create operation
    makes, so that IAM is asked about it too; `sdk_prefix` is how Step Functions prefixes its errors. `event(resource)`
    is the detail-type and the detail of the EventBridge event that its new status sends, None for no event.
    """

    signing_name: str
    target_prefixes: tuple[str, ...]
    service_for: Callable[[wire.Request], wire.Service]
    new_arns: Callable[[str, dict], list[str]]
    sdk_prefix: str = ""
    cloudformation: Mapping[str, Mapping[str, Callable]] | None = None
    event: Callable[[Resource], tuple[str, dict] | None] = lambda resource: None


# The policies of the state machine whose step calls a service in this process; None outside Step Functions.
_step_role: contextvars.ContextVar[str | None] = contextvars.ContextVar("step_role", default=None)


def register(mounts: list[Mount], settings: Settings, store: Store, jobs: Jobs) -> None:
    """Puts our services beside ministack's and our checks around its step functions and event targets."""
    assume = functools.partial(_assume, settings)
    for mount in mounts:
        router.SERVICE_PATTERNS[mount.signing_name] = {
            "target_prefixes": list(mount.target_prefixes),
            "host_patterns": [rf"{mount.signing_name}[\w-]*\."],
        }
        emulator.SERVICE_HANDLERS[mount.signing_name] = _handler(mount, store, jobs, assume)
        if mount.sdk_prefix:
            stepfunctions._AWS_SDK_SERVICE_MAP[mount.signing_name] = {
                "target_prefix": mount.target_prefixes[0].rstrip("."),
                "protocol": "json",
            }
            stepfunctions._AWS_SDK_ERROR_PREFIX[mount.signing_name] = mount.sdk_prefix
        for resource_type, handlers in (mount.cloudformation or {}).items():
            provisioners._RESOURCE_HANDLERS[resource_type] = _cloudformation(handlers, store, jobs, assume)
    store.on_status = functools.partial(_announce, {mount.signing_name: mount.event for mount in mounts})
    stepfunctions._execute_task = _with_role(stepfunctions._execute_task)
    stepfunctions._invoke_resource = _with_check(stepfunctions._invoke_resource)
    stepfunctions._run_sub_machine = _run_sub_machine
    stepfunctions._add_event = _one_at_a_time(stepfunctions._add_event)
    eventbridge._invoke_target = _with_target_role(eventbridge._invoke_target)


def _context(store: Store, jobs: Jobs, assume: Callable[[str, str, str], Access]) -> Context:
    return Context(get_account_id(), get_region(), store, jobs, assume, _bucket_policy_allows)


def _handler(mount: Mount, store: Store, jobs: Jobs, assume: Callable) -> Callable:
    async def handle(method: str, path: str, headers: dict, body: bytes | str, query: dict) -> wire.Response:
        body = body.encode() if isinstance(body, str) else body
        request = wire.Request(method, path, headers, body)
        service = mount.service_for(request)

        def authorize(operation: OperationModel, params: dict) -> Context:
            _authorize_call(mount, operation, params, headers, query)
            return _context(store, jobs, assume)

        return wire.call(service, request, authorize)

    return handle


# --- who may do what ------------------------------------------------------------------------------------------------


def _authorize_call(mount: Mount, operation: OperationModel, params: dict, headers: dict, query: dict) -> None:
    action = f"{mount.signing_name}:{operation.name}"
    own, roles = [], []
    for arn in _arns(params):
        service, account = arn.split(":")[2], arn.split(":")[4]
        if service == mount.signing_name and account:
            own.append(arn)
        elif service == "iam" and ":role/" in arn:
            roles.append(arn)
    prefix = f"arn:aws:{mount.signing_name}:{get_region()}:{get_account_id()}:"
    own += [prefix + name for name in mount.new_arns(operation.name, params)]
    for resource in own or ["*"]:
        _require(headers, query, mount.signing_name, action, resource)
    for role in roles:
        passed_to = {"iam:PassedToService": f"{mount.signing_name}.amazonaws.com"}
        _require(headers, query, mount.signing_name, "iam:PassRole", role, passed_to)


def _arns(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("arn:") and value.count(":") >= 5:
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _arns(item)
    elif isinstance(value, list):
        for item in value:
            yield from _arns(item)


def _require(headers: dict, query: dict, service: str, action: str, resource: str, context: dict | None = None) -> None:
    if not emulator.AUTH:
        return
    role = _step_role.get()
    if role:
        # The step's own action was checked when Step Functions invoked it; what it passes on is checked here.
        if action == "iam:PassRole":
            _require_of_role(role, action, resource, context)
        return
    access_key = router.extract_access_key_id(headers, query)
    denied = iam_evaluator.enforce(access_key, action, service, get_region(), resource, context)
    if isinstance(denied, iam_evaluator.AuthError):
        raise wire.ServiceError(denied.code, denied.message, 403)
    if denied:
        raise _denied(action, denied.principal_arn, resource, denied.decision)


def _require_of_role(role_arn: str, action: str, resource: str, context: dict | None = None) -> None:
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/session"
    evaluation = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={key.lower(): value for key, value in (context or {}).items()},
    )
    result = iam_evaluator.evaluate(
        evaluation,
        iam_evaluator._gather_role_policies(name, account),
        *iam_evaluator._permissions_boundary(iam._roles, name, account),
    )
    if result.decision != "Allow":
        raise _denied(action, principal, resource, result.decision)


def _denied(action: str, principal: str, resource: str, decision: str) -> wire.ServiceError:
    message = iam_actions.identity_denial_message(action, principal, resource, decision == "Deny")
    return wire.ServiceError("AccessDeniedException", message)


def _with_role(execute_task: Callable) -> Callable:
    """Step Functions' tasks, told which role their state machine runs under."""

    @functools.wraps(execute_task)
    def execute(state: dict, raw_input: Any, execution: dict, context: dict) -> Any:
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
        token = _step_role.set(machine.get("roleArn"))
        try:
            return execute_task(state, raw_input, execution, context)
        finally:
            _step_role.reset(token)

    return execute


def _with_check(invoke_resource: Callable) -> Callable:
    """Step Functions' integrations, allowed only what the state machine's role allows (ministack asks nobody)."""

    @functools.wraps(invoke_resource)
    def invoke(resource: str, arguments: Any) -> Any:
        role = _step_role.get()
        if role and emulator.AUTH:
            prefix, action, target = _integration_call(resource, arguments)
            try:
                _require_of_role(role, action, target)
            except wire.ServiceError as error:
                raise stepfunctions._ExecutionError(f"{prefix}.{prefix}Exception", error.message) from None
        return invoke_resource(resource, arguments)

    return invoke


def _integration_call(resource: str, arguments: Any) -> tuple[str, str, str]:
    """The SDK's error prefix, the IAM action and the resource of one Step Functions integration."""
    function = stepfunctions._extract_lambda_ref(resource)
    if function or "states:::lambda:invoke" in resource:
        name = function or arguments.get("FunctionName", "")
        name = name if name.startswith("arn:") else _arn("lambda", f"function:{name}")
        return "Lambda", "lambda:InvokeFunction", name.removesuffix(":$LATEST")
    parts = resource.partition(".")[0].split(":")
    service, operation = parts[-2], parts[-1]
    info = stepfunctions._AWS_SDK_SERVICE_MAP.get(service, {})
    key = info.get("service_key", {"states": "states"}.get(service, service))
    namespace = iam_actions.SERVICE_TO_IAM_NAMESPACE.get(key, key)
    action = operation[0].upper() + operation[1:]
    params = arguments if isinstance(arguments, dict) else {}
    prefix = stepfunctions._AWS_SDK_ERROR_PREFIX.get(service, service.capitalize())
    own = [arn for arn in _arns(params) if arn.split(":")[2] == namespace]
    if own:
        return prefix, f"{namespace}:{action}", own[0]
    # JSON services name their resource in the body, query services (SNS) in parameters: ask ministack with both.
    lower = {key[0].lower() + key[1:]: value for key, value in params.items()}
    target = iam_actions.extract_resource_arn(
        key,
        "POST",
        "/",
        {"x-amz-target": f"{info.get('target_prefix', '')}.{action}"},
        json.dumps(lower | params, default=str).encode(),
        {name: [str(value)] for name, value in params.items()},
        get_region(),
        get_account_id(),
    )
    return prefix, f"{namespace}:{action}", target


def _run_sub_machine(states: dict, start_at: str, input_data: Any, execution: dict, context: dict) -> Any:
    """A branch or an iteration of a state machine, with each of its states in the history and a context of its own.

    ministack's own leaves both out: a wait inside a Parallel could not be seen, and branches shared their variables.
    """
    context = context | {"variables": dict(context.get("variables", {}))}
    name, data = start_at, copy.deepcopy(input_data)
    while name:
        if name not in states:
            raise stepfunctions._ExecutionError("States.Runtime", f"State '{name}' not found")
        state = states[name]
        kind = state.get("Type")
        context["State"] = {"Name": name, "EnteredTime": stepfunctions.now_iso(), "RetryCount": 0}
        entered = {"stateEnteredEventDetails": {"name": name, "input": json.dumps(data)}}
        stepfunctions._add_event(execution, f"{kind}StateEntered", entered)
        if kind == "Fail":
            raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, data, context))
        left = name
        if kind == "Succeed":
            data = stepfunctions._apply_output_path(
                state, stepfunctions._apply_input_path(state, data, context), context
            )
            name = None
        else:
            run = getattr(stepfunctions, f"_execute_{kind.lower()}")
            more = (execution,) if kind in ("Task", "Parallel", "Map") else ()
            data, name = run(state, data, *more, context)
        exited = {"stateExitedEventDetails": {"name": left, "output": json.dumps(data)}}
        stepfunctions._add_event(execution, f"{kind}StateExited", exited)
    return data


def _one_at_a_time(add_event: Callable) -> Callable:
    """Branches write one history from several threads; an event's id is its place in it."""
    lock = threading.Lock()

    @functools.wraps(add_event)
    def add(*arguments: Any) -> Any:
        with lock:
            return add_event(*arguments)

    return add


def _with_target_role(invoke_target: Callable) -> Callable:
    """EventBridge starts a state machine only under a target role that may."""

    @functools.wraps(invoke_target)
    def invoke(target: dict, event: dict, rule: dict, view: Any = None) -> None:
        if emulator.AUTH and ":states:" in target.get("Arn", ""):
            try:
                _require_of_role(target.get("RoleArn", ""), "states:StartExecution", target["Arn"])
            except (wire.ServiceError, IndexError) as error:
                logger.error("EventBridge rule %s did not start %s: %s", rule.get("Name"), target["Arn"], error)
                return
        invoke_target(target, event, rule, view)

    return invoke


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def _announce(events: Mapping[str, Callable[[Resource], tuple[str, dict] | None]], resource: Resource) -> None:
    """The event of a resource's new status, to the default bus; what a target makes of it is no matter of the job's."""
    try:
        if found := events[resource.service](resource):
            detail_type, detail = found
            entry = {"Source": f"aws.{resource.service}", "DetailType": detail_type, "Detail": json.dumps(detail)}
            eventbridge._put_events({"Entries": [entry | {"Resources": [resource.arn]}]}, allow_aws_source=True)
    except Exception:
        logger.exception("the event of %s (%s)", resource.arn, resource.status)


# --- the roles that callers pass ------------------------------------------------------------------------------------


def _assume(settings: Settings, role_arn: str, principal: str, source_arn: str) -> Access:
    """Credentials of `role_arn` for the service `principal` (such as forecast.amazonaws.com) working on `source_arn`.

    Raises ServiceError AccessDeniedException when there is no such role or its trust policy does not let the service.
    """
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    role = iam._roles.get_scoped(account, None, name)
    evaluation = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        service_context={"aws:sourceaccount": source_arn.split(":")[4], "aws:sourcearn": source_arn},
    )
    if role is None or not _trusts(role["AssumeRolePolicyDocument"], evaluation, principal):
        raise wire.ServiceError(
            "AccessDeniedException", f"{principal} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        )
    key = "ASIA" + hashlib.sha256(f"{role_arn}:{source_arn}".encode()).hexdigest()[:16].upper()
    secret, token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    session = f"arn:aws:sts::{account}:assumed-role/{name}/{principal.partition('.')[0]}"
    sts.register_session(
        key,
        {"Arn": session, "UserId": f"{name}:{principal}", "SecretAccessKey": secret, "SessionToken": token},
    )
    return Access(role_arn, settings.endpoint, str(settings.certificate_authority), get_region(), key, secret, token)


def _trusts(document: dict | str, evaluation: iam_evaluator.EvalContext, principal: str) -> bool:
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    # A trust policy names no resource: it is about the role it hangs on.
    statements = [{"Resource": "*", **statement} for statement in _as_list(statements)]
    result = iam_evaluator.evaluate_resource_policy({"Statement": statements}, evaluation, principal)
    return result.decision == "Allow"


def _as_list(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _bucket_policy_allows(principal: str, action: str, resource: str, source_arn: str) -> bool:
    """Whether the bucket policy itself lets a service `principal` do `action` on an S3 `resource` ARN."""
    bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
    found = iam_evaluator._resource_policy("s3", f"arn:aws:s3:::{bucket}")
    evaluation = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="Service",
        principal_account=source_arn.split(":")[4],
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:sourceaccount": source_arn.split(":")[4], "aws:sourcearn": source_arn},
    )
    policy = found[0] if found else None
    return iam_evaluator.evaluate_resource_policy(policy, evaluation, principal).decision == "Allow"


# --- CloudFormation -------------------------------------------------------------------------------------------------


def _cloudformation(handlers: Mapping[str, Callable], store: Store, jobs: Jobs, assume: Callable) -> dict:
    """CloudFormation's create, update and delete of one resource type, given the context of a call."""

    def create(logical_id: str, properties: dict, stack: str) -> tuple[str, dict]:
        name = provisioners._physical_name(stack, logical_id, max_len=63)
        return handlers["create"](_context(store, jobs, assume), name, properties)

    def update(physical_id: str, old: dict, new: dict, stack: str) -> tuple[str, dict]:
        return handlers["update"](_context(store, jobs, assume), physical_id, old, new)

    def delete(physical_id: str, properties: dict) -> None:
        handlers["delete"](_context(store, jobs, assume), physical_id)

    return {"create": create, "update": update, "delete": delete}


# --- serving --------------------------------------------------------------------------------------------------------


def serve(settings: Settings, on_stop: Callable[[], None]) -> None:
    """Serves HTTPS on 127.0.0.1 until SIGTERM or SIGINT; ministack saves its state on the way out and now and then.

    Ends the process after `on_stop`: a stack that waits for a custom resource holds a thread for up to an hour.
    """
    config = Config()
    config.bind = [f"127.0.0.1:{settings.port}"]
    config.certfile, config.keyfile = str(settings.certificate), str(settings.private_key)
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    # A client that holds an idle connection does not answer TLS's goodbye; asyncio would wait 30 s for it, and
    # hypercorn has no setting for that.
    asyncio.constants.SSL_SHUTDOWN_TIMEOUT = TLS_SHUTDOWN_SECONDS
    asyncio.run(_serve(config, on_stop))


async def _serve(config: Config, on_stop: Callable[[], None]) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    saving = asyncio.create_task(_save_now_and_then())
    await serve_asgi(_guarded, config, shutdown_trigger=stop.wait)
    saving.cancel()
    on_stop()
    os._exit(0)


async def _guarded(scope: dict, receive: Callable, send: Callable) -> None:
    """Requests under ministack's well-known root keys ("test", account numbers) are refused: they need no secret."""
    if scope["type"] == "http":
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        key = router.extract_access_key_id(headers, query)
        if key and iam_evaluator.is_root_access_key(key) and key != os.environ["AWS_ACCESS_KEY_ID"]:
            body = json.dumps(
                {
                    "__type": "UnrecognizedClientException",
                    "message": "The security token included in the request is invalid.",
                }
            ).encode()
            kind = [(b"content-type", b"application/x-amz-json-1.1")]
            await send({"type": "http.response.start", "status": 403, "headers": kind})
            await send({"type": "http.response.body", "body": body})
            return
    await emulator.app(scope, receive, send)


async def _save_now_and_then() -> None:
    """ministack writes its state at shutdown only; a crash should not cost a deployment."""
    while True:
        await asyncio.sleep(SAVE_EVERY_SECONDS)
        await asyncio.to_thread(persistence.save_all, emulator._build_persistence_save_dict())
