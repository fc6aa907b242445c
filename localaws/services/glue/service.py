"""AWS Glue's job runs: the operations that run scripts, as they register with the emulator, which has the jobs."""

from functools import partial
from typing import Any

from localaws import protocol
from localaws.resources import Resource
from localaws.services.glue.api import job_runs
from localaws.services.glue.resource_types import ENDED, SUCCEEDED


def service(definition: job_runs.Definition) -> protocol.Service:
    """The operations on job runs; `definition` looks a job up by its name."""
    operations = {
        "StartJobRun": job_runs.start,
        "GetJobRun": job_runs.get,
        "GetJobRuns": job_runs.list_all,
        "BatchStopJobRun": job_runs.stop,
    }
    return protocol.Service(
        "glue",
        {name: partial(operation, definition) for name, operation in operations.items()},
        invalid_input="InvalidInputException",
    )


def event(run: Resource) -> tuple[str, dict[str, Any]] | None:
    """The event of a run that ended (docs/aws-sources.md#glue-automating-awsglue-with-cloudwatch-events)."""
    if run.status not in ENDED:
        return None
    return "Glue Job State Change", {
        "jobName": run.record["JobName"],
        "severity": "INFO" if run.status == SUCCEEDED else "ERROR",
        "state": run.status,
        "jobRunId": run.name,
        "message": run.record.get("ErrorMessage", "Job run succeeded"),
    }
