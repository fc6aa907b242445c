"""Glue's resource types that are ours: the runs of jobs. Jobs themselves, databases and tables are the emulator's."""

from localaws.operations import Operations
from localaws.resource_types import Members, Refusal, Refusals, ResourceType, ResourceTypes, States, table

RUN = "JobRun"
# TIMEOUT is an end too, which no other service has.
STARTING, RUNNING, SUCCEEDED, FAILED, TIMEOUT = "STARTING", "RUNNING", "SUCCEEDED", "FAILED", "TIMEOUT"
STOPPING, STOPPED = "STOPPING", "STOPPED"
ENDED = (SUCCEEDED, FAILED, TIMEOUT, STOPPED)

TYPES = ResourceTypes(
    service="glue",
    types=table(
        ResourceType(
            name=RUN,
            named_by="Id",
            states=States(
                pending=STARTING,
                in_progress=RUNNING,
                done=SUCCEEDED,
                failed=FAILED,
                stopping=STOPPING,
                stopped=STOPPED,
            ),
            arn_path=lambda params: f"jobRun/{params['JobName']}/{params['Id']}",
            stops_from=(STARTING, RUNNING),
        )
    ),
    members=Members(
        capitals=True,
        status="JobRunState",
        created="StartedOn",
        modified="LastModifiedOn",
        failure="ErrorMessage",
        tag_key="",
        tag_value="",
    ),
    refusals=Refusals(
        missing=Refusal("EntityNotFoundException", "Entity not found: {arn}"),
        taken=Refusal("AlreadyExistsException", "{type} {name} already exists"),
        not_active=Refusal("InvalidInputException", "{arn} is {status}"),
        locked=Refusal("InvalidInputException", "{arn} is {status}"),
        in_use=Refusal("InvalidInputException", "{arn} is in use by {other}"),
        unstoppable=Refusal("InvalidInputException", "{arn} is in the state {status} and cannot be stopped"),
        too_many_tags=Refusal("ResourceNumberLimitExceededException", "{count} tags are more than {most}"),
    ),
    wanted=lambda resource_type, params: lambda one: one["JobName"] == params["JobName"],
    newest_first=True,
)
GLUE = Operations(TYPES)
