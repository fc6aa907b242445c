"""Ensure: what the config names and takes no training is there, and nothing else of ours (CreateDatasetGroup,
CreateSchema, CreateDataset, CreateFilter, CreateSolution, CreateEventTracker, and the Delete of each).

It is called for one part after the other, as each needs the one before to be ACTIVE.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from common.clients import client
from common.names import personalize_name
from common.personalize import Keeping, remove, remove_serving
from common.resources import create, summaries
from common.step import ServiceUnavailable, step


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What the part `part` of the event made, by ARN."""
    return _PARTS[event["part"]](client("personalize"), event)


def _group(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError if it is there under another key: Personalize cannot change that."""
    _wait_for_deletion(remove(personalize, "dataset_group", _but_failed([event["group"]])))
    arn, wanted = create(personalize, "dataset_group", event["group"]), event["group"].get("kmsKeyArn")
    there = personalize.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"].get("kmsKeyArn")
    if there != wanted:
        raise ValueError(
            f"dataset group {arn} exists with the KMS key {there}, but it should be {wanted}; Personalize cannot "
            "change it: destroy the app and deploy it anew, or put customer_managed_key of pipeline.yaml back"
        )
    return {"groupArn": arn}


def _datasets(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    """The datasets and their imports with their ARNs. Raises ValueError if one cannot have the schema of the config."""
    arns, group = {}, event["groupArn"]
    requests = [dataset["request"] for dataset in event["datasets"]]
    _wait_for_deletion(remove(personalize, "dataset", _but_failed(requests), datasetGroupArn=group))
    for dataset in event["datasets"]:
        schema = create(personalize, "schema", dataset["schema"])
        request = {**dataset["request"], "schemaArn": schema, "datasetGroupArn": group}
        arns[dataset["kind"]] = arn = create(personalize, "dataset", request, datasetGroupArn=group)
        there = personalize.describe_dataset(datasetArn=arn)["dataset"]["schemaArn"]
        if there != schema:
            _replace_schema(personalize, arn, there, schema)
    return {
        "datasets": [{**dataset, "datasetArn": arns[dataset["kind"]]} for dataset in event["datasets"]],
        "imports": [
            {**job, "request": {**job["request"], "datasetArn": arns[job["kind"]]}} for job in event["imports"]
        ],
    }


def _replace_schema(personalize: Any, arn: str, there: str, schema: str) -> None:
    """Items and users may gain columns, and lose or change none (updating-dataset-schema.md)."""
    try:
        personalize.update_dataset(datasetArn=arn, schemaArn=schema)
    except personalize.exceptions.InvalidInputException as error:
        raise ValueError(
            f"dataset {arn} exists with schema {there} and cannot have that of pipeline.yaml ({schema}): {error}; "
            "delete the dataset, or give the config another name"
        ) from None


def _filters_and_solutions(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    """The filters and solutions with their ARNs, and the event tracker with its tracking id.

    Raises ValueError with the service's words if it refuses one.
    """
    wanted = [*event["recommenders"], *event["solutions"], *event["filters"], event.get("eventTracker", {})]
    requests = [each[key] for each in wanted for key in ("request", "campaign") if key in each]
    _wait_for_deletion(remove_serving(personalize, event["groupArn"], _but_failed(requests)))
    group = {"datasetGroupArn": event["groupArn"]}

    def made(kind: str, one: dict[str, Any]) -> dict[str, Any]:
        try:
            return {**one, f"{kind}Arn": create(personalize, kind, {**one["request"], **group}, **group)}
        except personalize.exceptions.InvalidInputException as error:
            raise ValueError(f"{kind} {one['name']} of pipeline.yaml: {error}") from None

    return {
        "filters": [made("filter", one) for one in event["filters"]],
        "solutions": [made("solution", one) for one in event["solutions"]],
        **(_tracker(personalize, event, group) if "eventTracker" in event else {}),
    }


def _tracker(personalize: Any, event: dict[str, Any], group: dict[str, str]) -> dict[str, Any]:
    """A dataset group has one event tracker at most (API_CreateEventTracker.md): one that is there is taken."""
    there = [found["eventTrackerArn"] for found in summaries(personalize, "event_tracker", **group)]
    request = {**event["eventTracker"]["request"], **group}
    arn = there[0] if there else create(personalize, "event_tracker", request, **group)
    tracking = personalize.describe_event_tracker(eventTrackerArn=arn)["eventTracker"]["trackingId"]
    return {"eventTracker": {**event["eventTracker"], "eventTrackerArn": arn, "trackingId": tracking}}


def _nothing_else(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    """`left`: what earlier runs made and the config no longer names, as long as its deletion takes."""
    ours, named = personalize_name(event["dataset"], ""), _arns(event)

    def keeping(name: str, arn: str, status: str) -> bool:
        return arn in named or not name.startswith(ours)

    left = remove_serving(personalize, event["groupArn"], keeping)
    return {"left": left, "looks": event.get("looks", 0) + 1}


def _but_failed(wanted: Iterable[dict[str, Any]]) -> Keeping:
    """Keeps all but what bears the name of a wanted request and could not be made by an earlier run."""
    names = {request["name"] for request in wanted}
    return lambda name, arn, status: name not in names or not status.startswith(("CREATE FAILED", "DELETE"))


def _wait_for_deletion(left: list[str]) -> None:
    """Raises ServiceUnavailable, upon which the step is tried again, until names are free."""
    if left:
        raise ServiceUnavailable(f"being deleted, to be made anew: {', '.join(left)}")


def _arns(event: dict[str, Any]) -> set[str]:
    """Every ARN that this run's order has come to."""
    made = [*event["recommenders"], *event["solutions"], *event["filters"], event.get("eventTracker", {})]
    return {value for each in made for key, value in each.items() if key.endswith("Arn")}


_PARTS = {
    "group": _group,
    "datasets": _datasets,
    "filters and solutions": _filters_and_solutions,
    "nothing else": _nothing_else,
}
