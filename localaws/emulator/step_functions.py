"""Step Functions: its tasks run under the role of their state machine, and what happens inside branches is recorded."""

import copy
import functools
import json
import threading
from collections.abc import Callable
from typing import Any

import ministack.app as ministack
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions

from localaws.emulator.access import arns_in, require_of_role, step_cancelled, step_role
from localaws.emulator.roles import require_trust
from localaws.errors import ServiceError
from localaws.registration import Registration

# An SDK integration's errors are named after the SDK's classes
# (docs/aws-sources.md#step-functions-supported-services-awssdk); these have other codes on the wire.
_CLASSES = {
    code: f"{code}Exception" for code in ("ExecutionAlreadyExists", "ExecutionDoesNotExist", "StateMachineDoesNotExist")
}

_named: dict[str, Callable[[str, dict], list[str]]] = {}  # of our services, what a call names without an ARN


def register(services: list[Registration]) -> None:
    """Our services among the SDK integrations, and our checks around tasks."""
    for service in services:
        _named[service.signing_name] = service.new_arns
        if service.sdk_prefix:
            stepfunctions._AWS_SDK_SERVICE_MAP[service.signing_name] = {
                "target_prefix": service.target_prefixes[0].rstrip("."),
                "protocol": "json",
            }
            stepfunctions._AWS_SDK_ERROR_PREFIX[service.signing_name] = service.sdk_prefix
    stepfunctions._AWS_SDK_ERROR_CODE_OVERRIDES["sfn"] = _CLASSES
    stepfunctions._execute_task = _with_role(stepfunctions._execute_task)
    stepfunctions._invoke_resource = _with_check(stepfunctions._invoke_resource)
    stepfunctions._run_sub_machine = _run_sub_machine
    stepfunctions._fail_execution = _once(stepfunctions._fail_execution)
    stepfunctions._add_event = _while_it_runs(stepfunctions._add_event)


def _with_role(execute_task: Callable) -> Callable:
    """Step Functions' tasks under the role of their state machine."""

    @functools.wraps(execute_task)
    def execute(state: dict, raw_input: Any, execution: dict, context: dict) -> Any:
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
        role = machine.get("roleArn")
        if role and ministack.AUTH:
            try:
                require_trust(role, "states.amazonaws.com", execution["stateMachineArn"])
            except ServiceError as error:
                raise stepfunctions._ExecutionError("States.Permissions", error.message) from None
        token, timed_out = step_role.set(role), threading.Event()
        cancelled = step_cancelled.set(lambda: timed_out.is_set() or execution["status"] != "RUNNING")
        try:
            return execute_task(state, raw_input, execution, context)
        finally:
            timed_out.set()  # a step with a timeout runs in a thread that goes on
            step_cancelled.reset(cancelled)
            step_role.reset(token)

    return execute


def _with_check(invoke_resource: Callable) -> Callable:
    """Step Functions' integrations, allowed only what the state machine's role allows (ministack asks nobody)."""

    @functools.wraps(invoke_resource)
    def invoke(resource: str, arguments: Any) -> Any:
        role = step_role.get()
        if role and ministack.AUTH:
            prefix, action, target = integration_call(resource, arguments)
            try:
                require_of_role(role, action, target)
            except ServiceError as error:
                raise stepfunctions._ExecutionError(f"{prefix}.{prefix}Exception", error.message) from None
        return invoke_resource(resource, arguments)

    return invoke


def integration_call(resource: str, arguments: Any) -> tuple[str, str, str]:
    """The SDK's error prefix, the IAM action and the resource of one Step Functions integration."""
    function = stepfunctions._extract_lambda_ref(resource)
    if function or "states:::lambda:invoke" in resource:
        name = function or arguments.get("FunctionName", "")
        name = name if name.startswith("arn:") else f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}"
        return "Lambda", "lambda:InvokeFunction", name.removesuffix(":$LATEST")
    parts = resource.partition(".")[0].split(":")
    service, operation = parts[-2], parts[-1]
    info = stepfunctions._AWS_SDK_SERVICE_MAP.get(service, {})
    key = info.get("service_key", {"states": "states"}.get(service, service))
    namespace = iam_actions.SERVICE_TO_IAM_NAMESPACE.get(key, key)
    action = operation[0].upper() + operation[1:]
    params = arguments if isinstance(arguments, dict) else {}
    prefix = stepfunctions._AWS_SDK_ERROR_PREFIX.get(service, service.capitalize())
    lower = {key[0].lower() + key[1:]: value for key, value in params.items()}
    own = [arn for arn in arns_in(params) if arn.split(":")[2] == namespace]
    if not own and namespace in _named:
        place = f"arn:aws:{namespace}:{get_region()}:{get_account_id()}:"
        own = [place + name for name in _named[namespace](action, lower | params)]
    if own:
        return prefix, f"{namespace}:{action}", own[0]
    # JSON services name their resource in the body, query services (SNS) in parameters: ask ministack with both.
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
    It also went on in the branches of an execution that was stopped.
    """
    context = context | {"variables": dict(context.get("variables", {}))}
    name: str | None = start_at
    data = copy.deepcopy(input_data)
    while name:
        if name not in states:
            raise stepfunctions._ExecutionError("States.Runtime", f"State '{name}' not found")
        _require_running(execution)
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


def _once(fail_execution: Callable) -> Callable:
    """An execution that was stopped stays ABORTED, whatever its branches come to."""

    @functools.wraps(fail_execution)
    def fail(execution: dict, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail_execution(execution, error, cause)

    return fail


def _while_it_runs(add_event: Callable) -> Callable:
    """Branches write one history from several threads; an event's id is its place in it. A task that is tried again and
    again is not scheduled any more once its execution was stopped."""
    lock = threading.Lock()

    @functools.wraps(add_event)
    def add(execution: dict, event_type: str, *details: Any) -> Any:
        if event_type == "TaskScheduled":
            _require_running(execution)
        with lock:
            return add_event(execution, event_type, *details)

    return add


def _require_running(execution: dict) -> None:
    if execution["status"] != "RUNNING":
        raise stepfunctions._ExecutionError("States.Runtime", "the execution was stopped")
