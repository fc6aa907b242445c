"""The kinds of Personalize resources, and the operations that all kinds share: Describe, List, tags."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from localaws.errors import ServiceError
from localaws.jobs import BATCH_INFERENCE, States
from localaws.jobs import PERSONALIZE as STATES
from localaws.registration import Context
from localaws.resources import Resource, page

MOST_TAGS = 50  # tagging-resources.md
BUSY = (STATES.pending, STATES.in_progress, BATCH_INFERENCE.pending, BATCH_INFERENCE.in_progress)


@dataclass(frozen=True)
class Kind:
    """`member` is the kind's name in calls and answers, `prefix` starts the ARN's resource part, `plural` names lists.

    `most_busy` of them may be pending or in progress at once, `most` may exist (quotas page of the guide; None: not
    limited here). `filter` is the member by which a List call narrows its answer. `states`: how its statuses are spelt.
    """

    member: str
    prefix: str
    plural: str
    most_busy: int | None = None
    most: int | None = None
    filter: str = ""
    states: States = STATES


KINDS = {
    "Schema": Kind("schema", "schema", "schemas", most=500),
    "DatasetGroup": Kind("datasetGroup", "dataset-group", "datasetGroups", most=5),
    "Dataset": Kind("dataset", "dataset", "datasets", filter="datasetGroupArn"),
    "DatasetImportJob": Kind("datasetImportJob", "dataset-import-job", "datasetImportJobs", 5, filter="datasetArn"),
    "DatasetExportJob": Kind("datasetExportJob", "dataset-export-job", "datasetExportJobs", 5, filter="datasetArn"),
    "Recommender": Kind("recommender", "recommender", "recommenders", most=15, filter="datasetGroupArn"),
    "Solution": Kind("solution", "solution", "solutions", filter="datasetGroupArn"),
    "SolutionVersion": Kind("solutionVersion", "solution", "solutionVersions", 20, filter="solutionArn"),
    "Campaign": Kind("campaign", "campaign", "campaigns", filter="solutionArn"),
    "BatchInferenceJob": Kind(
        "batchInferenceJob",
        "batch-inference-job",
        "batchInferenceJobs",
        5,
        filter="solutionVersionArn",
        states=BATCH_INFERENCE,
    ),
    "EventTracker": Kind("eventTracker", "event-tracker", "eventTrackers", filter="datasetGroupArn"),
    "Filter": Kind("filter", "filter", "Filters", filter="datasetGroupArn"),
}


def name_of(kind: str, params: dict) -> str:
    if kind == "SolutionVersion":
        return params["version"]
    return params["jobName" if kind.endswith("Job") else "name"]


def resource_part(kind: str, params: dict) -> str:
    """What follows the account in the ARN of the resource that a Create call makes."""
    if kind == "Dataset":
        group = params["datasetGroupArn"].rpartition("/")[2]
        return f"dataset/{group}/{params['datasetType'].upper()}"
    if kind == "EventTracker":  # 8 hexadecimal digits, as on AWS; here they follow from the name
        return f"event-tracker/{hashlib.sha256(params['name'].encode()).hexdigest()[:8]}"
    if kind == "SolutionVersion":
        return f"solution/{params['solutionArn'].rpartition('/')[2]}/{params['version']}"
    return f"{KINDS[kind].prefix}/{name_of(kind, params)}"


def create(context: Context, kind: str, params: dict, status: str | None = None, **more) -> Resource:
    """A new resource with the call's own members as its record. Raises when the name is taken or a quota is reached."""
    about, existing = KINDS[kind], context.store.all(kind, "personalize")
    busy = [each for each in existing if each.status in BUSY]
    arn = context.arn("personalize", resource_part(kind, params))
    if arn not in [each.arn for each in existing]:
        if about.most_busy and len(busy) >= about.most_busy:
            raise limit(f"More than {about.most_busy} resources with PENDING or IN_PROGRESS status.")
        if about.most and len(existing) >= about.most:
            raise limit(f"You have reached the maximum of {about.most} resources of type {kind}.")
    record = {key: value for key, value in params.items() if key != "tags"} | more
    tags = [(tag["tagKey"], tag["tagValue"]) for tag in params.get("tags", [])]
    _check_tags(arn, {key for key, _ in tags})
    try:
        return context.store.add(arn, kind, name_of(kind, params), status or about.states.pending, record, tags)
    except ServiceError:
        raise ServiceError(
            "ResourceAlreadyExistsException", f"Another resource with Arn {arn} already exists."
        ) from None


def view(resource: Resource) -> dict:
    """The members that Describe and List answer with; the protocol drops those that an operation lacks."""
    return resource.record | {
        f"{KINDS[resource.kind].member}Arn": resource.arn,
        "status": resource.status,
        "creationDateTime": resource.created,
        "lastUpdatedDateTime": resource.modified,
    }


def get(context: Context, kind: str, arn: str, active: bool = False) -> Resource:
    """Raises ServiceError ResourceNotFoundException, or ResourceInUseException when it should be ACTIVE and is not."""
    resource = context.store.find(arn)
    if resource is None or resource.kind != kind:
        raise ServiceError("ResourceNotFoundException", f"Resource Arn {arn} does not exist.")
    if active and resource.status != STATES.done:
        raise in_use(f"Resource {arn} must be ACTIVE, but its status is {resource.status}.")
    return resource


def describe(kind: str, context: Context, params: dict) -> dict:
    member = KINDS[kind].member
    return {member: view(get(context, kind, params[f"{member}Arn"]))}


def list_all(kind: str, context: Context, params: dict) -> dict:
    about = KINDS[kind]
    wanted = params.get(about.filter) if about.filter else None
    found = context.store.all(
        kind, "personalize", lambda each: wanted is None or each.record.get(about.filter) == wanted
    )
    listed, token = page(found, params.get("nextToken"), params.get("maxResults"))
    return {about.plural: [view(each) for each in listed], "nextToken": token}


def activate(context: Context, resource: Resource) -> None:
    """For resources without work of their own: ACTIVE a moment after they were created."""
    context.jobs.later(context.store.update, resource.arn, STATES.in_progress)
    context.jobs.later(context.store.update, resource.arn, STATES.done)


def mark_update(
    context: Context, arn: str, member: str, changed: dict, status: str, message: str | None = None
) -> None:
    """Notes the state of an update under `member`; what it changes holds once it is ACTIVE."""
    resource = context.store.find(arn)
    if resource is None:
        return
    now = time.time()
    started = now if status == STATES.pending else resource.record[member]["creationDateTime"]
    times = {"creationDateTime": started, "lastUpdatedDateTime": now}
    done = changed if status == STATES.done else {}
    context.store.update(arn, **{member: changed | times | {"status": status, "failureReason": message}}, **done)


def update_soon(context: Context, arn: str, member: str, changed: dict) -> None:
    """For updates without work of their own: ACTIVE a moment after they were asked for."""
    mark_update(context, arn, member, changed, STATES.pending)
    for status in (STATES.in_progress, STATES.done):
        context.jobs.later(mark_update, context, arn, member, changed, status)


def remove(context: Context, resource: Resource) -> None:
    if resource.status in BUSY:
        raise in_use(f"Resource {resource.arn} cannot be deleted while its status is {resource.status}.")
    context.store.update(resource.arn, "DELETE PENDING")
    context.jobs.later(context.store.remove, resource.arn)


def children(context: Context, kind: str, member: str, arn: str) -> list[Resource]:
    """The resources of a kind that name `arn` in their record."""
    return context.store.all(kind, "personalize", lambda each: each.record.get(member) == arn)


def list_tags(context: Context, params: dict) -> dict:
    arn = _existing(context, params["resourceArn"])
    return {"tags": [{"tagKey": key, "tagValue": value} for key, value in context.store.tags(arn).items()]}


def tag(context: Context, params: dict) -> None:
    arn = _existing(context, params["resourceArn"])
    tags = {each["tagKey"]: each["tagValue"] for each in params["tags"]}
    _check_tags(arn, {*context.store.tags(arn), *tags})
    context.store.tag(arn, tags)


def untag(context: Context, params: dict) -> None:
    context.store.untag(_existing(context, params["resourceArn"]), params["tagKeys"])


def _check_tags(arn: str, keys: set[str]) -> None:
    if len(keys) > MOST_TAGS:
        raise ServiceError("TooManyTagsException", f"{arn} would have {len(keys)} tags; it may have {MOST_TAGS}.")


def _existing(context: Context, arn: str) -> str:
    if context.store.find(arn) is None:
        raise ServiceError("ResourceNotFoundException", f"Resource Arn {arn} does not exist.")
    return arn


def shared_operations() -> dict[str, Callable]:
    operations = {}
    for kind, about in KINDS.items():
        operations[f"Describe{kind}"] = partial(describe, kind)
        operations[f"List{about.plural[0].upper()}{about.plural[1:]}"] = partial(list_all, kind)
    return operations | {"ListTagsForResource": list_tags, "TagResource": tag, "UntagResource": untag}


def invalid(message: str) -> ServiceError:
    return ServiceError("InvalidInputException", message)


def in_use(message: str) -> ServiceError:
    return ServiceError("ResourceInUseException", message)


def limit(message: str) -> ServiceError:
    return ServiceError("LimitExceededException", message)
