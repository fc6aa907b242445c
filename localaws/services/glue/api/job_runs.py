"""Job runs: STARTING -> RUNNING -> SUCCEEDED, FAILED or TIMEOUT; STOPPING -> STOPPED
(docs/aws-sources.md#glue-job-run-statuses).

Sources: docs/aws-sources.md#glue-aws-glue-api-jobs-runs, docs/aws-sources.md#glue-add-job,
docs/aws-sources.md#glue-aws-glue-programming-etl-glue-arguments. Each operation takes a function that looks a job up by
name, then the context and parameters of its call.
"""

import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from localaws.errors import ServiceError
from localaws.jobs import Jobs
from localaws.registration import Context
from localaws.resources import Resource, Store
from localaws.services.glue.jobs.job_runs import Logs, RunScript, run_script
from localaws.services.glue.resource_types import (
    ENDED,
    FAILED,
    GLUE,
    RUN,
    RUNNING,
    STARTING,
    STOPPING,
    SUCCEEDED,
    TIMEOUT,
)

Definition = Callable[[str], dict[str, Any] | None]

# The Spark and the Python of these are what the scripts run on here.
VERSIONS = ("5.0", "5.1")
# Of Glue's own arguments those that a caller must not set (aws-glue-programming-etl-glue-arguments).
_RESERVED = ("--debug", "--mode", "--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID")
_FEWEST_WORKERS = 2
_MOST_MINUTES = 10_080
DEFAULT_MINUTES = 480  # of Glue 5.0 and later


def start(definition: Definition, context: Context, params: dict) -> dict:
    name = params["JobName"]
    job = _job(definition, name)
    record = _record(job, params)
    running = [each for each in _of(context, name) if each.status not in ENDED]
    most = (job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1)
    if len(running) >= most:
        raise ServiceError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}: {most} may run")
    role, job_arn = role_arn(context, job["Role"]), context.arn("glue", f"job/{name}")
    require_role(context, role, job_arn)
    run = GLUE.create(context, RUN, record)
    arguments = {**job.get("DefaultArguments", {}), **params.get("Arguments", {})}
    arguments |= job.get("NonOverridableArguments", {})
    script = RunScript(
        script=job["Command"]["ScriptLocation"],
        arguments=arguments | {"--JOB_NAME": name, "--JOB_RUN_ID": run.name},
        folder=context.store.folder(run.arn),
        hidden=context.store.artifacts.parent,
        logs=_logs(run.name, arguments, role, record.get("SecurityConfiguration")),
    )
    context.jobs.submit(
        run.arn,
        run_script,
        script,
        access=lambda: context.assume(role, "glue.amazonaws.com", job_arn),
        mark=partial(_mark, context.store, context.jobs, run.arn, record["Timeout"] * 60),
    )
    return {"JobRunId": run.name}


def get(definition: Definition, context: Context, params: dict) -> dict:
    _job(definition, params["JobName"])
    return {"JobRun": shown(_run(context, params["JobName"], params["RunId"]))}


def list_all(definition: Definition, context: Context, params: dict) -> dict:
    """The newest first."""
    _job(definition, params["JobName"])
    found = [shown(each) for each in reversed(_of(context, params["JobName"]))]
    listed, token = GLUE.page(found, lambda one: True, params)
    return {"JobRuns": listed, "NextToken": token}


def stop(definition: Definition, context: Context, params: dict) -> dict:
    name = params["JobName"]
    _job(definition, name)
    stopped, errors = [], []
    for run_id in params["JobRunIds"]:
        try:
            GLUE.stop(context, _run(context, name, run_id))
            stopped.append({"JobName": name, "JobRunId": run_id})
        except ServiceError as error:
            detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
            errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
    return {"SuccessfulSubmissions": stopped, "Errors": errors}


def shown(run: Resource) -> dict[str, Any]:
    """A run as GetJobRun has it; one that a restart cut off has no time of its end but that of its last change."""
    view = GLUE.view(run)
    if run.status in ENDED:
        view.setdefault("CompletedOn", run.modified)
        view["ExecutionTime"] = int(view["CompletedOn"] - run.created)
    return view


def role_arn(context: Context, role: str) -> str:
    """A job's Role is a name or an ARN."""
    return role if role.startswith("arn:") else f"arn:aws:iam::{context.account}:role/{role}"


def require_role(context: Context, role: str, job_arn: str) -> None:
    """Raises ServiceError InvalidInputException unless Glue may take the role on for the job."""
    try:
        context.assume(role, "glue.amazonaws.com", job_arn)
    except ServiceError as error:
        raise _invalid(
            f"Role {role} should be given assume role permissions for Glue Service: {error.message}"
        ) from None


def check_capacity(job: dict) -> None:
    """Raises ServiceError InvalidInputException for what a Spark job may not have (API reference of CreateJob)."""
    workers, kind = job.get("NumberOfWorkers"), job.get("WorkerType")
    if job.get("MaxCapacity") and (workers or kind):
        raise _invalid("MaxCapacity cannot be set together with WorkerType or NumberOfWorkers")
    if (workers is None) != (kind is None):
        raise _invalid("WorkerType and NumberOfWorkers must be set together")
    if workers is not None and workers < _FEWEST_WORKERS:
        raise _invalid(f"NumberOfWorkers is {workers}; a Spark job has at least {_FEWEST_WORKERS}")
    minutes = job.get("Timeout")
    if minutes is not None and not 1 <= minutes <= _MOST_MINUTES:
        raise _invalid(f"Timeout is {minutes} minutes; it must be 1 to {_MOST_MINUTES}")


def _job(definition: Definition, name: str) -> dict[str, Any]:
    job = definition(name)
    if job is None:
        raise ServiceError("EntityNotFoundException", f"Job with name: {name} not found")
    return job


def _of(context: Context, name: str) -> list[Resource]:
    """The runs of a job, oldest first."""
    return GLUE.having(context, RUN, JobName=name)


def _run(context: Context, name: str, run_id: str) -> Resource:
    return GLUE.get(context, RUN, context.arn("glue", f"jobRun/{name}/{run_id}"))


def _record(job: dict, params: dict) -> dict[str, Any]:
    """What GetJobRun shows of a run from its start: the job's settings with the call's over them."""
    command = job["Command"]
    if command.get("Name") != "glueetl" or job.get("GlueVersion") not in VERSIONS:
        raise ServiceError(
            "UnsupportedOperation",
            f"Job {job['Name']} is {command.get('Name')} of Glue {job.get('GlueVersion')}; Storecast's embedded AWS "
            f"runs glueetl of Glue {' and '.join(VERSIONS)}",
        )
    if job.get("MaxRetries"):
        raise ServiceError("UnsupportedOperation", "MaxRetries above 0 are not implemented in Storecast's embedded AWS")
    named = ("WorkerType", "NumberOfWorkers", "MaxCapacity", "Timeout", "SecurityConfiguration")
    found = {each: value for each in named if (value := params.get(each, job.get(each))) not in (None, "")}
    if "WorkerType" in params or "NumberOfWorkers" in params:
        found.pop("MaxCapacity", None)
    check_capacity(found)
    for key in params.get("Arguments", {}):
        if key in _RESERVED:
            raise _invalid(f"Argument {key} is reserved for Glue")
        if key in job.get("NonOverridableArguments", {}):
            raise _invalid(f"Argument {key} is set by the job and cannot be overridden")
    return {
        "Id": f"jr_{secrets.token_hex(32)}",
        "Attempt": 0,
        "JobName": job["Name"],
        "GlueVersion": job["GlueVersion"],
        "Arguments": params.get("Arguments", {}),
        "LogGroupName": "/aws-glue/jobs",
        "Timeout": DEFAULT_MINUTES,
        **found,
    }


def _logs(run_id: str, arguments: dict[str, str], role: str, security: str | None) -> Logs:
    """Where the output goes (docs/aws-sources.md#glue-monitor-continuous-logging, and of older versions
    docs/aws-sources.md#glue-monitor-continuous-logging-enable; of the API JobRun, LogGroupName)."""
    jobs = f"/aws-glue/jobs-{role.rpartition('/')[2]}-{security}" if security else "/aws-glue/jobs"
    jobs = arguments.get("--custom-logGroup-prefix", jobs)
    continuous = None
    if arguments.get("--enable-continuous-cloudwatch-log") == "true":
        default = f"/aws-glue/jobs/logs-v2-{security}" if security else "/aws-glue/jobs/logs-v2"
        continuous = arguments.get("--continuous-log-logGroup", default)
    return Logs(run_id, f"{jobs}/output", f"{jobs}/error", continuous)


def _mark(store: Store, jobs: Jobs, arn: str, seconds: float, status: str, message: str | None = None) -> None:
    """Notes a state, once: what is stopped or timed out does not fail as well. A run that begins gets its timeout."""
    run = store.find(arn)
    if run is None or run.status in (*ENDED, STOPPING):
        return
    noted: dict[str, Any] = {"ErrorMessage": message} if message else {}
    if status in (SUCCEEDED, FAILED):
        noted["CompletedOn"] = time.time()
    store.update(arn, status, **noted)
    if status == RUNNING:
        timer = threading.Timer(seconds, _time_out, (store, jobs, arn, seconds))
        timer.daemon = True
        timer.start()


def _time_out(store: Store, jobs: Jobs, arn: str, seconds: float) -> None:
    run = store.find(arn)
    if run is not None and run.status in (STARTING, RUNNING):
        message = f"Job timed out after {seconds / 60:g} minutes"
        store.update(arn, TIMEOUT, ErrorMessage=message, CompletedOn=time.time())
        jobs.stop(arn)


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidInputException", message)
