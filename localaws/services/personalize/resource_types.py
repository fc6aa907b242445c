"""Amazon Personalize's resource types. Quotas: the guide's quotas page; tags:
docs/aws-sources.md#personalize-tagging-resources."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from localaws.operations import Operations
from localaws.resource_types import Members, Refusal, Refusals, ResourceType, ResourceTypes, States, table
from localaws.services.personalize.private import DatasetPrivate, DeletionPrivate, TrainedPrivate

STATES = States(
    pending="CREATE PENDING",
    in_progress="CREATE IN_PROGRESS",
    done="ACTIVE",
    failed="CREATE FAILED",
    stopping="CREATE STOPPING",
    stopped="CREATE STOPPED",
    deleting="DELETE PENDING",
)
RECOMMENDER_STATES = States(
    pending="CREATE PENDING",
    in_progress="CREATE IN_PROGRESS",
    done="ACTIVE",
    failed="CREATE FAILED",
    deleting="DELETE PENDING",
    settles={
        "STOP PENDING": "INACTIVE",
        "STOP IN_PROGRESS": "INACTIVE",
        "START PENDING": "ACTIVE",
        "START IN_PROGRESS": "ACTIVE",
    },
)
DATASET_STATES = replace(STATES, settles={"UPDATE PENDING": "ACTIVE", "UPDATE IN_PROGRESS": "ACTIVE"})
# As recorded; docs/aws-sources.md#personalize-API_BatchInferenceJob has PENDING and IN PROGRESS.
BATCH_STATES = States(pending="CREATE PENDING", in_progress="CREATE IN_PROGRESS", done="ACTIVE", failed="CREATE FAILED")

DELETION_STATES = States(pending="PENDING", in_progress="IN_PROGRESS", done="COMPLETED", failed="FAILED")
# Its role is tried when it is made or changed.
ATTRIBUTION_STATES = replace(STATES, stopping="", stopped="")

GROUP = "datasetGroupArn"
# The type of the dataset that comes with an event tracker. Nothing is known of its schema, and AWS's own clean-up
# notebooks, which delete the schema of every dataset that is listed, end well: so it is described, but not listed.
EVENT_INTERACTIONS = "EVENT_INTERACTIONS"


def _of_group(name: str, states: States = STATES, parents: tuple[str, ...] = (GROUP,), **more: Any) -> ResourceType:
    """A type whose resources belong to a dataset group, or to another parent."""
    return ResourceType(name=name, states=states, named_by="name", parents=parents, filters=parents[:1], **more)


def _job(name: str, parent: str, most_busy: int = 5, **more: Any) -> ResourceType:
    """A type whose resources a job makes of their parent, with which they go."""
    defaults: dict[str, Any] = {"states": STATES, "named_by": "jobName", "parents": (parent,), "deleted_with": True}
    return ResourceType(name=name, filters=(parent,), most_busy=most_busy, **defaults | more)


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _tracker_path(params: Mapping) -> str:
    """8 hexadecimal digits, as on AWS; here they follow from the name."""
    return f"event-tracker/{hashlib.sha256(params['name'].encode()).hexdigest()[:8]}"


TYPES = ResourceTypes(
    service="personalize",
    types=table(
        ResourceType(name="Schema", named_by="name", states=States(done="ACTIVE"), most=500),
        # Notebooks ask for the group's status after they deleted it, and take its being gone for an error.
        _of_group("DatasetGroup", parents=(), most=5, deletion_seconds=3.0),
        _of_group(
            "Dataset",
            DATASET_STATES,
            parents=(GROUP, "schemaArn"),
            arn_path=lambda params: f"dataset/{_last(params[GROUP])}/{params['datasetType'].upper()}",
            private=DatasetPrivate,
        ),
        _job("DatasetImportJob", "datasetArn"),
        _job("DatasetExportJob", "datasetArn"),
        _of_group(
            "Recommender",
            RECOMMENDER_STATES,
            most=15,
            most_per_parent=5,
            update="latestRecommenderUpdate",
            private=TrainedPrivate,
        ),
        _of_group("Solution", most_per_parent=10, update="latestSolutionUpdate"),
        _job(
            "SolutionVersion",
            "solutionArn",
            most_busy=20,
            private=TrainedPrivate,
            named_by="version",
            created_by=(),  # its name is made up later: IAM is asked about its solution
            arn_path=lambda params: f"solution/{_last(params['solutionArn'])}/{params['version']}",
        ),
        _of_group("Campaign", parents=("solutionArn",), update="latestCampaignUpdate"),
        # No operation deletes one; its solution's deletion leaves it.
        _job("BatchInferenceJob", "solutionVersionArn", states=BATCH_STATES, parents=()),
        _job("BatchSegmentJob", "solutionVersionArn", states=BATCH_STATES, parents=()),
        _job("DataDeletionJob", GROUP, states=DELETION_STATES, private=DeletionPrivate),
        _of_group("MetricAttribution", ATTRIBUTION_STATES, most_per_parent=1),
        _of_group("EventTracker", arn_path=_tracker_path, most_per_parent=1),
        _of_group("Filter", listed_as="Filters", most_per_parent=30, deleted_with=True),
    ),
    members=Members(
        capitals=False,
        status="status",
        created="creationDateTime",
        modified="lastUpdatedDateTime",
        failure="failureReason",
        tag_key="tagKey",
        tag_value="tagValue",
    ),
    refusals=Refusals(
        missing=Refusal("ResourceNotFoundException", "The given {words} does not exist: {arn}"),
        taken=Refusal("ResourceAlreadyExistsException", "Another resource with Arn {arn} already exists."),
        not_active=Refusal("ResourceInUseException", "Resource {arn} must be ACTIVE, but its status is {status}."),
        locked=Refusal("ResourceInUseException", "Resource {arn} cannot be deleted while its status is {status}."),
        in_use=Refusal("ResourceInUseException", "Resource {arn} is in use by {other}."),
        unstoppable=Refusal("ResourceInUseException", "{type} {arn} is {status}; only its creation can be stopped."),
        too_many=Refusal("LimitExceededException", "You have reached the maximum of {most} resources of type {type}."),
        too_many_busy=Refusal(
            "LimitExceededException", "More than {most} resources with PENDING or IN_PROGRESS status."
        ),
        too_many_per_parent=Refusal(
            "LimitExceededException", "More than {most} resources in ACTIVE state. Please delete some and try again."
        ),
        too_many_tags=Refusal("TooManyTagsException", "{arn} would have {count} tags; it may have {most}."),
    ),
    wanted=lambda resource_type, params: _wanted(resource_type, params),
    enveloped=True,
)
PERSONALIZE = Operations(TYPES)


def _wanted(resource_type: ResourceType, params: Mapping) -> Callable[[Mapping], bool]:
    """By the one ARN that a List call may name."""
    asked = {name: params[name] for name in resource_type.filters if params.get(name) is not None}
    return lambda one: (
        one.get("datasetType") != EVENT_INTERACTIONS and all(one.get(name) == value for name, value in asked.items())
    )
