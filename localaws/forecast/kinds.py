"""The kinds of Forecast resources, and the operations that all kinds share: Describe, List, Delete, tags, the tree."""

from dataclasses import dataclass
from functools import partial

from localaws.gateway import Context
from localaws.jobs import FORECAST as STATES
from localaws.resources import Resource, page
from localaws.wire import ServiceError

# limits.md: "Maximum parallel running ... tasks", 3 of each kind
MOST_PARALLEL = 3
BUSY = (STATES.pending, STATES.in_progress)


@dataclass(frozen=True)
class Kind:
    """`prefix` starts the ARN's resource part, `plural` names the List operation, `parent` is the ARN it came from."""

    prefix: str
    plural: str
    parent: str = ""


# API_DeleteResourceTree.md gives the parents.
KINDS = {
    "DatasetGroup": Kind("dataset-group", "DatasetGroups"),
    "Dataset": Kind("dataset", "Datasets"),
    "DatasetImportJob": Kind("dataset-import-job", "DatasetImportJobs", "DatasetArn"),
    "Predictor": Kind("predictor", "Predictors", "DatasetGroupArn"),
    "PredictorBacktestExportJob": Kind("predictor-backtest-export-job", "PredictorBacktestExportJobs", "PredictorArn"),
    "Forecast": Kind("forecast", "Forecasts", "PredictorArn"),
    "ForecastExportJob": Kind("forecast-export-job", "ForecastExportJobs", "ForecastArn"),
}


STOPPABLE = tuple(kind for kind, about in KINDS.items() if about.parent)


def resource_part(kind: str, params: dict) -> str:
    """What follows the account in the ARN of the resource that a Create call makes; jobs carry their parent's name."""
    name = params[f"{kind}Name"]
    if kind.endswith("Job"):
        name = f"{params[KINDS[kind].parent].rpartition('/')[2]}/{name}"
    return f"{KINDS[kind].prefix}/{name}"


def create(context: Context, kind: str, params: dict, status: str = STATES.pending, **more) -> Resource:
    """A new resource with the call's own members as its record. Raises when the name is taken or too many run."""
    if status == STATES.pending:
        running = context.store.all(kind, "forecast", lambda each: each.status in BUSY)
        if len(running) >= MOST_PARALLEL:
            raise ServiceError(
                "LimitExceededException", f"Maximum parallel running Create{kind} tasks ({MOST_PARALLEL}) reached"
            )
    arn = context.arn("forecast", resource_part(kind, params))
    record = {key: value for key, value in params.items() if key != "Tags"} | more
    tags = [(tag["Key"], tag["Value"]) for tag in params.get("Tags", [])]
    return context.store.add(arn, kind, params[f"{kind}Name"], status, record, tags)


def view(resource: Resource) -> dict:
    """The members that Describe and List answer with; the wire cuts away what an operation does not have."""
    return resource.record | {
        f"{resource.kind}Arn": resource.arn,
        f"{resource.kind}Name": resource.name,
        "Status": resource.status,
        "CreationTime": resource.created,
        "LastModificationTime": resource.modified,
    }


def get(context: Context, kind: str, arn: str, active: bool = False) -> Resource:
    """Raises ServiceError ResourceNotFoundException, or ResourceInUseException when it should be ACTIVE and is not."""
    resource = context.store.get(arn, kind)
    if active and resource.status != STATES.done:
        raise ServiceError("ResourceInUseException", f"{arn} must be ACTIVE, but its status is {resource.status}")
    return resource


def describe(kind: str, context: Context, params: dict) -> dict:
    return view(get(context, kind, params[f"{kind}Arn"]))


def list_all(kind: str, context: Context, params: dict) -> dict:
    def wanted(resource: Resource) -> bool:
        shown = view(resource)
        return all(
            (shown.get(each["Key"]) == each["Value"]) == (each["Condition"] == "IS")
            for each in params.get("Filters", [])
        )

    listed, token = page(context.store.all(kind, "forecast", wanted), params.get("NextToken"), params.get("MaxResults"))
    return {KINDS[kind].plural: [view(each) for each in listed], "NextToken": token}


def delete(kind: str, context: Context, params: dict) -> None:
    """Only resources that are not at work (API_Delete*.md) and from which nothing was made (delete-resource.md)."""
    resource = get(context, kind, params[f"{kind}Arn"])
    made = _descendants(context, resource)[:-1]
    if made:
        raise ServiceError("ResourceInUseException", f"{resource.arn} is in use by {made[-1].arn}; delete that first")
    _delete(context, [resource])


def delete_tree(context: Context, params: dict) -> None:
    """Deletes a resource and all that was made from it (API_DeleteResourceTree.md)."""
    _delete(context, _descendants(context, context.store.get(params["ResourceArn"])))


def stop(context: Context, params: dict) -> None:
    """Ends a job and those made from it: CREATE_STOPPING, then CREATE_STOPPED (API_StopResource.md)."""
    resource = context.store.get(params["ResourceArn"])
    if resource.kind not in STOPPABLE:
        raise invalid(f"{resource.arn} is no job that can be stopped")
    if resource.status not in BUSY:
        raise invalid(f"{resource.arn} cannot be stopped: it is {resource.status}")
    context.store.update(resource.arn, "CREATE_STOPPING")
    context.jobs.stop(resource.arn)
    context.jobs.later(context.store.update, resource.arn, "CREATE_STOPPED")


def _descendants(context: Context, resource: Resource) -> list[Resource]:
    """Children before their parents."""
    children = [
        child
        for kind, about in KINDS.items()
        if about.parent == f"{resource.kind}Arn"
        for child in context.store.all(
            kind, "forecast", lambda each, parent=about.parent: each.record.get(parent) == resource.arn
        )
    ]
    return [below for child in children for below in _descendants(context, child)] + [resource]


def _delete(context: Context, resources: list[Resource]) -> None:
    for resource in resources:
        if resource.status in (*BUSY, "CREATE_STOPPING", "DELETE_PENDING", "DELETE_IN_PROGRESS"):
            raise ServiceError(
                "ResourceInUseException", f"{resource.arn} cannot be deleted while its status is {resource.status}"
            )
    for resource in resources:
        context.store.update(resource.arn, "DELETE_IN_PROGRESS")
        context.jobs.later(context.store.remove, resource.arn)


def list_tags(context: Context, params: dict) -> dict:
    resource = context.store.get(params["ResourceArn"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in context.store.tags(resource.arn).items()]}


def tag(context: Context, params: dict) -> None:
    resource = context.store.get(params["ResourceArn"])
    context.store.tag(resource.arn, {each["Key"]: each["Value"] for each in params["Tags"]})


def untag(context: Context, params: dict) -> None:
    context.store.untag(context.store.get(params["ResourceArn"]).arn, params["TagKeys"])


def shared_operations() -> dict:
    """Describe, List and Delete of every kind, the tree and the tags."""
    operations = {"DeleteResourceTree": delete_tree, "StopResource": stop}
    for kind, about in KINDS.items():
        operations[f"Describe{kind}"] = partial(describe, kind)
        operations[f"List{about.plural}"] = partial(list_all, kind)
        operations[f"Delete{kind}"] = partial(delete, kind)
    return operations | {"ListTagsForResource": list_tags, "TagResource": tag, "UntagResource": untag}


def invalid(message: str) -> ServiceError:
    return ServiceError("InvalidInputException", message)
