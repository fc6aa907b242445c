"""AWS Glue: its job runs are ours, as ministack lets a Spark job succeed without running it; `glue:startJobRun` and its
`.sync` in Step Functions; what a job may be; CloudFormation's security configurations."""

import functools
import json
import time
from collections.abc import Callable
from typing import Any

import ministack.app as ministack
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import glue, stepfunctions
from ministack.services.cloudformation import provisioners

from localaws import protocol
from localaws.emulator.access import require, require_of_role, step_cancelled, step_role
from localaws.errors import ServiceError
from localaws.registration import Context
from localaws.services.glue.api import job_runs
from localaws.services.glue.resource_types import ENDED, RUN, SUCCEEDED
from localaws.services.glue.service import service

_POLL_SECONDS = 0.2
# What a state machine's role needs for .sync (docs/aws-sources.md#step-functions-connect-glue).
_SYNC_ACTIONS = ("GetJobRun", "GetJobRuns", "BatchStopJobRun")


def register(context: Callable[[], Context]) -> None:
    runs = service(glue._jobs.get)
    glue._start_job_run = functools.partial(_serve, runs, context, "StartJobRun")
    glue._get_job_run = functools.partial(_serve, runs, context, "GetJobRun")
    glue._get_job_runs = functools.partial(_serve, runs, context, "GetJobRuns")
    glue._batch_stop_job_run = functools.partial(_serve, runs, context, "BatchStopJobRun")
    glue._create_job = _checked(runs, context, "CreateJob", glue._create_job)
    glue._update_job = _checked(runs, context, "UpdateJob", glue._update_job)
    glue._delete_job = _with_its_runs(context, glue._delete_job)
    ministack.SERVICE_HANDLERS["glue"] = functools.partial(_handle, ministack.SERVICE_HANDLERS["glue"])
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::glue:startJobRun"] = _run_job
    handlers = {"create": _create_security, "delete": _delete_security}
    provisioners._RESOURCE_HANDLERS["AWS::Glue::SecurityConfiguration"] = handlers
    provisioners._GLUE_JOB_DEFAULTS["ExecutionProperty"] = {"MaxConcurrentRuns": 1}  # of what ministack passes on


def _serve(runs: protocol.Service, context: Callable[[], Context], operation: str, data: dict) -> protocol.Response:
    """ministack has asked IAM about the call."""
    headers = {"x-amz-target": f"AWSGlue.{operation}"}
    request = protocol.Request("POST", "/", headers, json.dumps(data).encode())
    return protocol.call(runs, request, lambda operation, params: context())


async def _handle(
    handle: Callable, method: str, path: str, headers: dict, body: bytes, query: dict
) -> protocol.Response:
    """Whoever creates or changes a job passes its role (Service Authorization Reference, AWS Glue)."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation in ("CreateJob", "UpdateJob"):
        try:
            data = json.loads(body or b"{}")
            role = (data.get("JobUpdate") or data).get("Role")
            if role:
                role = role if role.startswith("arn:") else f"arn:aws:iam::{get_account_id()}:role/{role}"
                passed_to = {"iam:PassedToService": "glue.amazonaws.com"}
                require(headers, query, "glue", "iam:PassRole", role, passed_to)
        except ServiceError as error:
            return error_response_json(error.code, error.message, error.status)
        except (ValueError, AttributeError):
            return error_response_json("SerializationException", f"The body of {operation} is not a JSON object", 400)
    return await handle(method, path, headers, body, query)


def _checked(
    runs: protocol.Service, context: Callable[[], Context], operation: str, function: Callable[[dict], Any]
) -> Callable[[dict], Any]:
    """A job by AWS's model, with a capacity that Glue has and a role that it may take on."""
    shape = runs.model.operation_model(operation).input_shape

    @functools.wraps(function)
    def checked(data: dict) -> Any:
        try:
            given = {name: value for name, value in data.items() if value is not None}
            if problems := protocol.check(shape, given):
                raise ServiceError(runs.invalid_input, "; ".join(problems))
            job = data.get("JobUpdate") or data
            job_runs.check_capacity(job)
            if job.get("Role"):
                now, name = context(), data.get("JobName") or data.get("Name")
                job_runs.require_role(now, job_runs.role_arn(now, job["Role"]), now.arn("glue", f"job/{name}"))
        except ServiceError as error:
            return error_response_json(error.code, error.message, error.status)
        if operation == "CreateJob" and data.get("GlueVersion") in job_runs.VERSIONS and not data.get("Timeout"):
            data = data | {"Timeout": job_runs.DEFAULT_MINUTES}  # ministack's is that of older versions
        answer = function(data)
        if answer[0] == 200:  # ministack keeps no ExecutionProperty, and GetJob always has one
            name = data.get("JobName") or data["Name"]
            glue._jobs[name]["ExecutionProperty"] = job.get("ExecutionProperty") or {"MaxConcurrentRuns": 1}
        return answer

    return checked


def _with_its_runs(context: Callable[[], Context], delete: Callable[[dict], Any]) -> Callable[[dict], Any]:
    @functools.wraps(delete)
    def deleted(data: dict) -> Any:
        store = context().store
        for run in store.all(RUN, "glue", lambda each: each.record["JobName"] == data.get("JobName")):
            context().jobs.stop(run.arn)
            store.remove(run.arn)
        return delete(data)

    return deleted


# --- Step Functions ---------------------------------------------------------------------------------------------------


def _run_job(resource: str, arguments: dict) -> dict:
    """glue:startJobRun, and with .sync its end: the run as GetJobRun has it, or States.TaskFailed with it as cause."""
    name, waits = arguments.get("JobName", ""), resource.endswith(".sync")
    role, job_arn = step_role.get(), f"arn:aws:glue:{get_region()}:{get_account_id()}:job/{name}"
    if waits and role and ministack.AUTH:
        for action in _SYNC_ACTIONS:
            try:
                require_of_role(role, f"glue:{action}", job_arn)
            except ServiceError as error:
                raise stepfunctions._ExecutionError("Glue.AccessDeniedException", error.message) from None
    started = _answer(glue._start_job_run(arguments))
    named = {"JobName": name, "JobRunId": started["JobRunId"]}
    if not waits:
        return named
    while True:
        run = _answer(glue._get_job_run({"JobName": name, "RunId": started["JobRunId"]}))["JobRun"]
        if run["JobRunState"] in ENDED:
            break
        if step_cancelled.get()():
            _answer(glue._batch_stop_job_run({"JobName": name, "JobRunIds": [started["JobRunId"]]}))
            raise stepfunctions._ExecutionError("States.TaskFailed", "The task was cancelled")
        time.sleep(_POLL_SECONDS)
    for moment in ("StartedOn", "LastModifiedOn", "CompletedOn"):
        run[moment] = int(run[moment] * 1000)
    if run["JobRunState"] != SUCCEEDED:
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(run))
    return run


def _answer(response: protocol.Response) -> dict:
    """Raises an error of the execution, named as those of Step Functions' integration with Glue."""
    status, _, body = response
    answer = json.loads(body or b"{}")
    if status != 200:
        raise stepfunctions._ExecutionError(f"Glue.{answer['__type']}", answer["message"])
    return answer


# --- CloudFormation ---------------------------------------------------------------------------------------------------


def _create_security(logical_id: str, properties: dict, stack: str) -> tuple[str, dict]:
    status, _, body = glue._create_security_configuration(properties)
    if status != 200:
        raise ValueError(json.loads(body).get("message", body))
    return properties["Name"], {}


def _delete_security(name: str, properties: dict) -> None:
    glue._delete_security_configuration({"Name": name})
