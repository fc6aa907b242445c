"""The kinds of Forecast resources, and the operations that all kinds share: Describe, List, Delete, tags, the tree."""

import re
import secrets
import time
from dataclasses import dataclass
from functools import partial

from localaws.errors import ServiceError
from localaws.jobs import FORECAST as STATES
from localaws.registration import Context
from localaws.resources import Resource, page

# limits.md: "Maximum parallel running ... tasks", 3 of each kind
MOST_PARALLEL = 3
MOST_TAGS = 50
BUSY = (STATES.pending, STATES.in_progress)
UNDER_WAY = (
    *BUSY,
    "CREATE_STOPPING",
    "ACTIVE_STOPPING",
    "UPDATE_IN_PROGRESS",
    "DELETE_PENDING",
    "DELETE_IN_PROGRESS",
)


@dataclass(frozen=True)
class Kind:
    """One kind of resource.

    `prefix` starts the ARN's resource part, `plural` names the List operation. `parent` is the member with the ARN (or
    the list of ARNs) that it was made from, `nested` says that its own ARN carries the parent's name. `filters` are the
    keys that its List operation takes, `most` is the quota of an account where there is one.
    """

    prefix: str
    plural: str
    parent: str = ""
    nested: bool = False
    filters: tuple[str, ...] = ()
    most: int | None = None


# API_DeleteResourceTree.md gives the parents, the API_List*.md pages the filters, limits.md the quotas.
KINDS = {
    "DatasetGroup": Kind("dataset-group", "DatasetGroups", most=500),
    "Dataset": Kind("dataset", "Datasets", most=1500),
    "DatasetImportJob": Kind(
        "dataset-import-job", "DatasetImportJobs", "DatasetArn", True, ("DatasetArn", "Status"), 1000
    ),
    "Predictor": Kind("predictor", "Predictors", "DatasetGroupArn", False, ("DatasetGroupArn", "Status"), 500),
    "PredictorBacktestExportJob": Kind(
        "predictor-backtest-export-job",
        "PredictorBacktestExportJobs",
        "PredictorArn",
        True,
        ("PredictorArn", "Status"),
        1000,
    ),
    "Forecast": Kind("forecast", "Forecasts", "PredictorArn", False, ("DatasetGroupArn", "PredictorArn", "Status"), 10),
    "ForecastExportJob": Kind(
        "forecast-export-job", "ForecastExportJobs", "ForecastArn", True, ("ForecastArn", "Status"), 1000
    ),
    "Monitor": Kind("monitor", "Monitors", "ResourceArn", filters=("Status",)),
    "Explainability": Kind("explainability", "Explainabilities", "ResourceArn", filters=("ResourceArn", "Status")),
    "ExplainabilityExport": Kind(
        "explainability-export", "ExplainabilityExports", "ExplainabilityArn", filters=("ResourceArn", "Status")
    ),
    "WhatIfAnalysis": Kind(
        "what-if-analysis", "WhatIfAnalyses", "ForecastArn", filters=("WhatIfAnalysisArn", "Status")
    ),
    "WhatIfForecast": Kind(
        "what-if-forecast", "WhatIfForecasts", "WhatIfAnalysisArn", True, ("WhatIfForecastArn", "Status")
    ),
    "WhatIfForecastExport": Kind(
        "what-if-forecast-export",
        "WhatIfForecastExports",
        "WhatIfForecastArns",
        filters=("WhatIfForecastExportArn", "Status"),
    ),
}


STOPPABLE = tuple(kind for kind, about in KINDS.items() if about.parent)


def resource_part(kind: str, params: dict, ulid: str = "") -> str:
    """What follows the account in the ARN of the resource that a Create call makes."""
    about, name = KINDS[kind], params[f"{kind}Name"]
    if about.nested:
        name = f"{params[about.parent].rpartition('/')[2]}/{name}"
    return f"{about.prefix}/{name}{ulid and '_'}{ulid}"


def new_ulid() -> str:
    """What ends the ARNs of AutoPredictors and monitors: the time in milliseconds and chance, in Crockford's base 32.

    Nobody can derive such an ARN from a name, and a name can be given twice.
    """
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number >> shift & 31] for shift in range(125, -1, -5))


def create(context: Context, kind: str, params: dict, status: str = STATES.pending, **more) -> Resource:
    """A new resource with the call's own members as its record.

    Raises ServiceError LimitExceededException when too many exist or run, ResourceAlreadyExistsException, and
    InvalidInputException for a key that Forecast may not use.
    """
    existing, most = context.store.all(kind, "forecast"), KINDS[kind].most
    if most and len(existing) >= most:
        raise _limit(f"Maximum number of {KINDS[kind].plural} ({most}) reached: delete some first")
    if status == STATES.pending and sum(each.status in BUSY for each in existing) >= MOST_PARALLEL:
        raise _limit(f"Maximum parallel running Create{kind} tasks ({MOST_PARALLEL}) reached")
    ulid = new_ulid() if kind == "Monitor" or more.get("IsAutoPredictor") else ""
    arn = context.arn("forecast", resource_part(kind, params, ulid))
    if "EncryptionConfig" in params:
        _check_key(context, params["EncryptionConfig"], arn)
    record = {key: value for key, value in params.items() if key != "Tags"} | more
    tags = _checked({tag["Key"]: tag["Value"] for tag in params.get("Tags", [])})
    try:
        return context.store.add(arn, kind, params[f"{kind}Name"], status, record, tags.items())
    except ServiceError:
        words = re.sub("(?<!^)(?=[A-Z])", " ", kind.removesuffix("Job")).lower()  # ForecastExportJob: forecast export
        raise ServiceError("ResourceAlreadyExistsException", f"A {words} already exists with the arn: {arn}") from None


def _check_key(context: Context, encryption: dict, arn: str) -> None:
    """Raises ServiceError InvalidInputException unless the role may use the key (API_EncryptionConfig.md)."""
    role, key = encryption["RoleArn"], encryption["KMSKeyArn"]
    if role.split(":")[4] != context.account:
        raise invalid(f"EncryptionConfig: the role {role} is of another account")
    try:
        context.require_key(role, "forecast.amazonaws.com", key, arn)
    except ServiceError as error:
        raise invalid(f"EncryptionConfig: {key} cannot be used: {error.message}") from None


def view(resource: Resource) -> dict:
    """The members that Describe and List answer with; the protocol drops those that an operation lacks."""
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
    """The newest first, as recorded of ListDatasetGroups and ListPredictors."""
    newest_first = [view(each) for each in reversed(context.store.all(kind, "forecast"))]
    listed, token = filtered(newest_first, KINDS[kind].filters, params)
    return {KINDS[kind].plural: listed, "NextToken": token}


def filtered(shown: list[dict], allowed: tuple[str, ...], params: dict) -> tuple[list[dict], str | None]:
    """One page of what the call's Filters keep, and the token of the next page (API_Filter.md).

    Raises ServiceError InvalidInputException naming a key that is not `allowed`.
    """
    filters = params.get("Filters", [])
    for each in filters:
        if each["Key"] not in allowed:
            raise invalid(f"Filters: Key {each['Key']!r} is not one of {', '.join(allowed)}")

    def wanted(one: dict) -> bool:
        return all((one.get(each["Key"]) == each["Value"]) == (each["Condition"] == "IS") for each in filters)

    return page([one for one in shown if wanted(one)], params.get("NextToken"), params.get("MaxResults"))


def delete(kind: str, context: Context, params: dict) -> None:
    """Only resources that are not at work (API_Delete*.md) and from which nothing was made (delete-resource.md)."""
    resource = get(context, kind, params[f"{kind}Arn"])
    if users := [each.arn for each in _users(context, resource)]:
        raise ServiceError(
            "ResourceInUseException",
            f"Operation not allowed when the resource {resource.arn} is being referenced by these resources : "
            f"[ {', '.join(users)} ]",
        )
    _delete(context, [resource])


def delete_tree(context: Context, params: dict) -> None:
    """Deletes a resource and all that was made from it (API_DeleteResourceTree.md)."""
    _delete(context, _descendants(context, context.store.get(params["ResourceArn"])))


def stop(context: Context, params: dict) -> None:
    """Ends a job: CREATE_STOPPING, then CREATE_STOPPED (API_StopResource.md); pauses a monitor: ACTIVE_STOPPED."""
    resource = context.store.get(params["ResourceArn"])
    if resource.kind not in STOPPABLE:
        raise invalid(f"{resource.arn} is no job that can be stopped")
    phase, needed = ("ACTIVE", (STATES.done,)) if resource.kind == "Monitor" else ("CREATE", BUSY)
    if resource.status not in needed:
        raise invalid(f"{resource.arn} cannot be stopped: it is {resource.status}")
    context.store.update(resource.arn, f"{phase}_STOPPING")
    context.jobs.stop(resource.arn)
    context.jobs.later(context.store.update, resource.arn, f"{phase}_STOPPED")


def _users(context: Context, resource: Resource) -> list[Resource]:
    """What was made from a resource directly; of an import also the predictors that were trained on it."""
    if resource.kind == "DatasetImportJob":
        return context.store.all(
            "Predictor", "forecast", lambda each: _made_from(each, "DatasetImportJobArns", resource.arn)
        )
    return _children(context, resource)


def _children(context: Context, resource: Resource) -> list[Resource]:
    return [
        child
        for kind, about in KINDS.items()
        if about.parent
        for child in context.store.all(
            kind, "forecast", lambda each, parent=about.parent: _made_from(each, parent, resource.arn)
        )
    ]


def _descendants(context: Context, resource: Resource) -> list[Resource]:
    """What was made from a resource, children before their parents, and the resource itself last."""
    below = {each.arn: each for child in _children(context, resource) for each in _descendants(context, child)}
    return [*below.values(), resource]


def _made_from(resource: Resource, parent: str, arn: str) -> bool:
    """The parent member holds one ARN, or a list of them."""
    source = resource.record.get(parent)
    return arn in source if isinstance(source, list) else source == arn


def _delete(context: Context, resources: list[Resource]) -> None:
    for resource in resources:
        if resource.status in UNDER_WAY:
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
    tags = {each["Key"]: each["Value"] for each in params["Tags"]}
    _checked(context.store.tags(resource.arn) | tags)
    context.store.tag(resource.arn, tags)


def _checked(tags: dict[str, str]) -> dict[str, str]:
    """Raises ServiceError LimitExceededException for too many (limits.md)."""
    if len(tags) > MOST_TAGS:
        raise _limit(f"A resource has at most {MOST_TAGS} tags, not {len(tags)}")
    return tags


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


def made_from(context: Context, kind: str, resource: Resource) -> Resource | None:
    """The newest resource of a kind that was made from this one."""
    found = context.store.all(kind, "forecast", lambda each: _made_from(each, KINDS[kind].parent, resource.arn))
    return found[-1] if found else None


def invalid(message: str) -> ServiceError:
    return ServiceError("InvalidInputException", message)


def _limit(message: str) -> ServiceError:
    return ServiceError("LimitExceededException", message)
