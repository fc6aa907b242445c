"""Event trackers, and what comes in record by record: PutEvents, PutItems, PutUsers."""

import json
import time
import uuid
from typing import Any

from localaws.errors import ServiceError, invalid
from localaws.registration import Context
from localaws.services.personalize import schema
from localaws.services.personalize.api import metric_attributions
from localaws.services.personalize.datasets import fields_of, group_datasets, stream_of
from localaws.services.personalize.resource_types import EVENT_INTERACTIONS, PERSONALIZE, STATES
from storecast_engines.files.schemas import AHEAD, LATEST

WHOLE, FRACTION = ("int", "long"), ("float", "double")


def create_event_tracker(context: Context, params: dict) -> dict:
    """One per dataset group (docs/aws-sources.md#personalize-API_CreateEventTracker). With it comes a dataset
    EVENT_INTERACTIONS, as that page said in 2020, which outlives the tracker
    (docs/aws-sources.md#personalize-API_DeleteEventTracker)."""
    group = PERSONALIZE.get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
    tracking = str(uuid.uuid4())
    tracker = PERSONALIZE.create(context, "EventTracker", params, trackingId=tracking, accountId=context.account)
    PERSONALIZE.activate(context, tracker)
    if not PERSONALIZE.having(context, "Dataset", datasetGroupArn=group.arn, datasetType=EVENT_INTERACTIONS):
        of_events = {"name": params["name"], "datasetGroupArn": group.arn, "datasetType": EVENT_INTERACTIONS}
        PERSONALIZE.activate(context, PERSONALIZE.create(context, "Dataset", of_events))
    return {"eventTrackerArn": tracker.arn, "trackingId": tracking}


def put_events(context: Context, params: dict) -> None:
    """Counts at once in the next answer for this user or session, and in every later training."""
    tracking = params["trackingId"]
    trackers = PERSONALIZE.having(context, "EventTracker", trackingId=tracking)
    if not trackers or trackers[0].status != STATES.done:
        raise invalid(f"There is no ACTIVE event tracker of trackingId {tracking}.")
    group = trackers[0].record["datasetGroupArn"]
    interactions = group_datasets(context, group).get("INTERACTIONS")
    if interactions is None:
        raise invalid(f"Dataset group {group} has no Interactions dataset to which events could be added.")
    fields = fields_of(context, interactions)
    records = [_event(event, params, fields) for event in params["eventList"]]
    stream_of(context, interactions).append(records)
    metric_attributions.note_events(context, group, records)


def _event(event: dict, params: dict, fields: list[schema.Field]) -> dict:
    if not 0 <= event["sentAt"] <= LATEST:
        raise invalid(f"sentAt is {event['sentAt']}; it must be Unix epoch time in seconds.")
    if event["sentAt"] > time.time() + AHEAD:
        raise invalid(f"sentAt is {event['sentAt']}, which lies in the future.")
    own = _properties(event.get("properties"), f"event {event['eventType']}")
    known = {field.name.replace("_", "").upper(): field for field in fields}
    matched = {known[key]: value for key, value in own.items() if key in known}
    return {field.name: _value(field, value) for field, value in matched.items()} | {
        "USER_ID": params.get("userId"),
        "SESSION_ID": params["sessionId"],
        "EVENT_ID": event.get("eventId"),
        "ITEM_ID": event.get("itemId"),
        "EVENT_TYPE": event["eventType"],
        "TIMESTAMP": int(event["sentAt"]),
        "EVENT_VALUE": event.get("eventValue"),
        "IMPRESSION": "|".join(event["impression"]) if "impression" in event else None,
        "RECOMMENDATION_ID": event.get("recommendationId"),
        "EVENT_ATTRIBUTION_SOURCE": event.get("metricAttribution", {}).get("eventAttributionSource"),
    }


def put_items(context: Context, params: dict) -> None:
    """A record takes the place of the one with the same id (docs/aws-sources.md#personalize-API_UBS_PutItems)."""
    _put(context, params["datasetArn"], "ITEMS", "ITEM_ID", [(each["itemId"], each) for each in params["items"]])


def put_users(context: Context, params: dict) -> None:
    """A record takes the place of the one with the same id (docs/aws-sources.md#personalize-API_UBS_PutUsers)."""
    _put(context, params["datasetArn"], "USERS", "USER_ID", [(each["userId"], each) for each in params["users"]])


def _put(context: Context, arn: str, dataset_type: str, key: str, sent: list[tuple[str, dict]]) -> None:
    dataset = context.store.find(arn)
    if dataset is None or dataset.type != "Dataset":
        raise ServiceError("ResourceNotFoundException", f"Resource Arn {arn} does not exist.", 404)
    if dataset.status != STATES.done:
        raise ServiceError("ResourceInUseException", f"Dataset {arn} is {dataset.status}; it must be ACTIVE.", 409)
    if dataset.record["datasetType"] != dataset_type:
        raise invalid(f"Dataset {arn} is one of {dataset.record['datasetType']}, not of {dataset_type}.")
    fields = [field for field in fields_of(context, dataset) if field.name != key]
    records = [{key: name} | _record(_properties(each.get("properties"), name), fields, name) for name, each in sent]
    stream_of(context, dataset).append(records)


def _record(own: dict, fields: list[schema.Field], name: str) -> dict:
    known = {field.name.replace("_", "").upper(): field for field in fields}
    if unknown := set(own) - set(known):
        raise invalid(f"properties of {name}: the schema knows {', '.join(known)}, not {', '.join(sorted(unknown))}.")
    return {field.name: _value(field, own.get(key)) for key, field in known.items()}


def _properties(text: str | None, whose: str) -> dict:
    """By field name in upper case without underscores: properties come in camel case
    (docs/aws-sources.md#personalize-API_UBS_Event)."""
    try:
        document = json.loads(text or "{}")
    except ValueError as error:
        raise invalid(f"properties of {whose} are not JSON: {error}") from None
    if not isinstance(document, dict):
        raise invalid(f"properties of {whose} must be a JSON object, not {text!r}.")
    return {key.replace("_", "").upper(): value for key, value in document.items()}


def _value(field: schema.Field, value: Any) -> Any:
    if value is None:
        if field.nullable:
            return None
        raise invalid(f"{field.name} needs a value: the field is not nullable.")
    try:
        if field.kind in WHOLE:
            return int(value)
        return float(value) if field.kind in FRACTION else str(value)
    except (TypeError, ValueError):
        raise invalid(f"{field.name} is {value!r}; it must be of type {field.kind}.") from None
