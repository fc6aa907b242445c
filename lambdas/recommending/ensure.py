"""Ensure: what the config names and takes no training exists, and nothing else of ours (CreateDatasetGroup,
CreateSchema, CreateDataset, CreateFilter, CreateSolution, CreateEventTracker, and the Delete of each).

It is called for one part after the other, as each needs the one before to be ACTIVE.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from common.clients import client
from common.names import personalize_name
from common.payload import AwsJson, Import
from common.personalize import Keeping, remove, remove_serving
from common.resources import arn_member, create, summaries
from common.step import LambdaContext, ServiceUnavailable, step
from recommending.payload import (
    DatasetsAnswer,
    DatasetsRequest,
    EnsureAnswer,
    EnsuredDataset,
    EnsuredEventTracker,
    EnsuredFilter,
    EnsuredSolution,
    EnsureRequest,
    EventTracker,
    Filter,
    GroupAnswer,
    GroupRequest,
    LeftoversAnswer,
    LeftoversRequest,
    ServingAnswer,
    ServingRequest,
    Solution,
)

# Of a dataset group (docs/aws-sources.md#personalize-limits). It may have five recommenders, and no domain has more use
# cases.
_QUOTAS = {"filter": 30, "solution": 10, "campaign": 5}


@step
def handler(event: EnsureRequest, context: LambdaContext) -> EnsureAnswer:
    """What the part of the event made, by ARN."""
    personalize = client("personalize")
    if event["part"] == "group":
        return _group(personalize, event)
    if event["part"] == "datasets":
        return _datasets(personalize, event)
    if event["part"] == "filtersAndSolutions":
        return _filters_and_solutions(personalize, event)
    return _leftovers(personalize, event)


def _group(personalize: Any, event: GroupRequest) -> GroupAnswer:
    """Raises ValueError if it exists under another key: Personalize cannot change that."""
    _wait_for_deletion(remove(personalize, "dataset_group", _all_but_failed([event["group"]])))
    wanted = event["group"]
    try:
        arn = create(personalize, "dataset_group", wanted)
    except personalize.exceptions.LimitExceededException as error:
        there = ", ".join(sorted(each["name"] for each in summaries(personalize, "dataset_group")))
        raise ValueError(
            f"{error}: dataset groups are shared by all datasets of the account in this region, and there are {there}; "
            "delete one that nobody uses, or have the quota raised (Service Quotas, Amazon Personalize), then start "
            "with {}"
        ) from None
    there = personalize.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]
    if there.get("kmsKeyArn") != wanted.get("kmsKeyArn"):
        raise ValueError(
            f"dataset group {arn} exists with the KMS key {there.get('kmsKeyArn')}, but it should be "
            f"{wanted.get('kmsKeyArn')}; Personalize cannot change it: destroy the app and deploy it again"
        )
    if there.get("domain") not in (None, wanted.get("domain")):
        datasets = summaries(personalize, "dataset", datasetGroupArn=arn)
        if any(_held_data(personalize, each["datasetArn"]) for each in datasets):
            raise ValueError(
                f"dataset group {arn} exists with domain {there['domain']}, but pipeline.yaml says "
                f"{wanted.get('domain', 'CUSTOM')}; Personalize cannot change it: destroy the app and deploy it again, "
                "or put the domain back"
            )
        left = remove(personalize, "dataset", datasetGroupArn=arn)
        _wait_for_deletion(left or remove(personalize, "dataset_group", _all_but(arn)))
    return {"groupArn": arn}


def _datasets(personalize: Any, event: DatasetsRequest) -> DatasetsAnswer:
    """Raises ValueError if a dataset cannot have the schema of the config."""
    group = event["groupArn"]
    requests = [dataset["request"] for dataset in event["datasets"]]
    _wait_for_deletion(remove(personalize, "dataset", _all_but_failed(requests), datasetGroupArn=group))
    datasets: list[EnsuredDataset] = []
    for dataset in event["datasets"]:
        schema = create(personalize, "schema", dataset["schema"])
        request = {**dataset["request"], "schemaArn": schema, "datasetGroupArn": group}
        arn = create(personalize, "dataset", request, datasetGroupArn=group)
        there = _schema_of(personalize.describe_dataset(datasetArn=arn)["dataset"])
        if there != schema:
            _replace_schema(personalize, arn, there, schema, group)
        datasets.append({**dataset, "datasetArn": arn})
    arns = {dataset["kind"]: dataset["datasetArn"] for dataset in datasets}
    imports: list[Import] = [
        {**job, "request": {**job["request"], "datasetArn": arns[job["kind"]]}} for job in event["imports"]
    ]
    return {"datasets": datasets, "imports": imports}


def _schema_of(dataset: dict[str, Any]) -> str:
    """The schema that the dataset has, or will have once an update of an earlier attempt is done."""
    update = dataset.get("latestDatasetUpdate", {})
    under_way = update.get("status", "").startswith("UPDATE")
    return update["schemaArn"] if under_way else dataset["schemaArn"]


def _replace_schema(personalize: Any, arn: str, there: str, schema: str, group: str) -> None:
    """Items and users may gain columns, and lose or change none
    (docs/aws-sources.md#personalize-updating-dataset-schema). A dataset that never held data, such as after a refused
    first file, is made again."""
    try:
        personalize.update_dataset(datasetArn=arn, schemaArn=schema)
    except personalize.exceptions.InvalidInputException as error:
        if not _held_data(personalize, arn) and not summaries(personalize, "event_tracker", datasetGroupArn=group):
            _wait_for_deletion(
                remove(personalize, "dataset", lambda name, of, status: of != arn, datasetGroupArn=group)
            )
        raise ValueError(
            f"dataset {arn} exists with schema {there} and cannot have that of pipeline.yaml ({schema}): {error}; "
            "delete the dataset, or give the config another name"
        ) from None


def _held_data(personalize: Any, dataset: str) -> bool:
    """Whether an import into the dataset succeeded, or may still do so."""
    jobs = summaries(personalize, "dataset_import_job", datasetArn=dataset)
    return any(not job["status"].startswith(("CREATE FAILED", "DELETE")) for job in jobs)


def _filters_and_solutions(personalize: Any, event: ServingRequest) -> ServingAnswer:
    """Also the event tracker. Raises ValueError with the service's words if it refuses one."""
    group = event["groupArn"]
    _wait_for_deletion(remove_serving(personalize, group, _all_but_failed(_serving_requests(event))))
    _wait_for_deletion(_make_room(personalize, event))
    filters: list[EnsuredFilter] = [
        {**one, "filterArn": _named_in_config(personalize, "filter", one, group)} for one in event["filters"]
    ]
    solutions: list[EnsuredSolution] = [
        {**one, "solutionArn": _named_in_config(personalize, "solution", one, group)} for one in event["solutions"]
    ]
    if "eventTracker" not in event:
        return {"filters": filters, "solutions": solutions}
    tracker = _event_tracker(personalize, event["eventTracker"], group)
    return {"filters": filters, "solutions": solutions, "eventTracker": tracker}


def _make_room(personalize: Any, event: ServingRequest) -> list[str]:
    """Where a quota of the dataset group would be exceeded, what the config no longer names goes at once, the oldest
    first, as far as it takes. All else of it serves until everything new does."""
    group = event["groupArn"]
    wanted = {
        "filter": {one["request"]["name"] for one in event["filters"]},
        "campaign": {one["campaign"]["name"] for one in event["solutions"] if "campaign" in one},
        "solution": {one["request"]["name"] for one in event["solutions"]},
    }
    there = {kind: summaries(personalize, kind, datasetGroupArn=group) for kind in _QUOTAS if kind != "campaign"}
    solutions = [{"solutionArn": one["solutionArn"]} for one in there["solution"]]
    there["campaign"] = [one for of in solutions for one in summaries(personalize, "campaign", **of)]
    doomed = {
        one[arn_member(personalize, kind)]
        for kind in _QUOTAS
        for one in _surplus(event, kind, there[kind], wanted[kind])
    }
    if not doomed:
        return []

    def keeping(name: str, arn: str, status: str) -> bool:
        return arn not in doomed

    left = remove(personalize, "filter", keeping, datasetGroupArn=group)
    for of in solutions:  # with a solution its campaigns go
        left += remove(personalize, "campaign", keeping if of["solutionArn"] not in doomed else _nothing, **of)
    return left + remove(personalize, "solution", keeping, datasetGroupArn=group)


def _surplus(event: ServingRequest, kind: str, there: list[AwsJson], wanted: set[str]) -> list[AwsJson]:
    """Those of our resources of a kind that have to go first, so that all that are wanted can be made."""
    ours = personalize_name(event["dataset"], "")
    new = wanted - {one["name"] for one in there}
    leftovers = [one for one in there if one["name"].startswith(ours) and one["name"] not in wanted]
    leftovers.sort(key=lambda one: one["creationDateTime"])
    return leftovers[: max(0, len(there) + len(new) - _QUOTAS[kind])]


def _nothing(name: str, arn: str, status: str) -> bool:
    return False


def _serving_requests(event: ServingRequest) -> list[AwsJson]:
    """Of all that answers requests or takes events."""
    return [
        *(one["request"] for one in event["recommenders"]),
        *(one["request"] for one in event["solutions"]),
        *(one["campaign"] for one in event["solutions"] if "campaign" in one),
        *(one["request"] for one in event["filters"]),
        *([event["eventTracker"]["request"]] if "eventTracker" in event else []),
    ]


def _named_in_config(personalize: Any, kind: str, planned: Filter | Solution, group: str) -> str:
    try:
        return create(personalize, kind, {**planned["request"], "datasetGroupArn": group}, datasetGroupArn=group)
    except personalize.exceptions.InvalidInputException as error:
        raise ValueError(f"{kind} {planned['name']} of pipeline.yaml: {error}") from None


def _event_tracker(personalize: Any, planned: EventTracker, group: str) -> EnsuredEventTracker:
    """A dataset group has one event tracker at most (docs/aws-sources.md#personalize-API_CreateEventTracker): the one
    that exists is used."""
    there = [found["eventTrackerArn"] for found in summaries(personalize, "event_tracker", datasetGroupArn=group)]
    request = {**planned["request"], "datasetGroupArn": group}
    arn = there[0] if there else create(personalize, "event_tracker", request, datasetGroupArn=group)
    tracking = personalize.describe_event_tracker(eventTrackerArn=arn)["eventTracker"]["trackingId"]
    return {**planned, "eventTrackerArn": arn, "trackingId": tracking}


def _leftovers(personalize: Any, event: LeftoversRequest) -> LeftoversAnswer:
    """What earlier runs made and the config no longer names, as long as its deletion takes."""
    ours, named = personalize_name(event["dataset"], ""), _arns(event)

    def keeping(name: str, arn: str, status: str) -> bool:
        return arn in named or not name.startswith(ours)

    left = remove_serving(personalize, event["groupArn"], keeping)
    return {"left": left, "polls": event.get("polls", 0) + 1}


def _arns(event: LeftoversRequest) -> set[str]:
    """Of all that this run made or found."""
    return {
        *(made["recommenderArn"] for made in event["recommenders"]),
        *(made["solutionArn"] for made in event["solutions"]),
        *(made["campaignArn"] for made in event["solutions"] if "campaignArn" in made),
        *(made["filterArn"] for made in event["filters"]),
        *([event["eventTracker"]["eventTrackerArn"]] if "eventTracker" in event else []),
    }


def _all_but_failed(wanted: Iterable[AwsJson]) -> Keeping:
    """Keeps all but what bears the name of a wanted request and an earlier run failed to make."""
    names = {request["name"] for request in wanted}
    return lambda name, arn, status: name not in names or not status.startswith(("CREATE FAILED", "DELETE"))


def _all_but(arn: str) -> Keeping:
    return lambda name, of, status: of != arn


def _wait_for_deletion(left: list[str]) -> None:
    """Raises ServiceUnavailable, upon which the step is tried again, until names are free."""
    if left:
        raise ServiceUnavailable(f"being deleted, to make room or to be made again: {', '.join(left)}")
