"""Event trackers and what they bring in: the next answer knows it, and so does the next training."""

import json
import time

import pytest

from localaws.settings import Settings
from tests.contract.clients import client, client_sending, refused
from tests.contract.helpers import ended, eventually, gone, unique
from tests.contract.personalize_setup import (
    ALSO_VIEWED,
    FOR_YOU,
    PURCHASES,
    VIEWS,
    create_group,
    create_recommenders,
    delete_group,
    sample_group,
)

INVALID, USER = "InvalidInputException", "u001"


@pytest.fixture(scope="module")
def events(embedded_aws: Settings):
    return client("personalize-events")


@pytest.fixture(scope="module")
def group(personalize, bucket: str, personalize_role: str):
    with sample_group(personalize, bucket, personalize_role) as made:
        yield made
        for each in personalize.list_event_trackers(datasetGroupArn=made.arn)["eventTrackers"]:
            refused(
                "ResourceInUseException", personalize.delete_dataset_group, "event-tracker/", datasetGroupArn=made.arn
            )
            personalize.delete_event_tracker(eventTrackerArn=each["eventTrackerArn"])
            gone(personalize.describe_event_tracker, eventTrackerArn=each["eventTrackerArn"])


@pytest.fixture(scope="module")
def tracker(personalize, group) -> dict:
    made = personalize.create_event_tracker(name=unique("tracker"), datasetGroupArn=group.arn)
    found = ended(personalize.describe_event_tracker, "eventTracker", eventTrackerArn=made["eventTrackerArn"])
    assert found["status"] == "ACTIVE" and found["trackingId"] == made["trackingId"] and found["accountId"]
    return found


@pytest.fixture(scope="module")
def recommenders(personalize, group) -> dict[str, str]:
    return create_recommenders(personalize, group, VIEWS, PURCHASES, ALSO_VIEWED, FOR_YOU)


@pytest.fixture(scope="module")
def put(events, tracker):
    def put(session: str, *happened: tuple[str, str], user: str | None = None, **more) -> None:
        """(event type, item) pairs, now."""
        listed = [{"eventType": kind, "itemId": item, "sentAt": int(time.time())} | more for kind, item in happened]
        whose = {"userId": user} if user else {}
        events.put_events(trackingId=tracker["trackingId"], sessionId=session, eventList=listed, **whose)

    return put


def _ids(runtime, arn: str, **params) -> list[str]:
    return [each["itemId"] for each in runtime.get_recommendations(recommenderArn=arn, **params)["itemList"]]


def test_a_view_changes_the_next_answer_for_this_user_alone(runtime, recommenders, put) -> None:
    arn = recommenders[FOR_YOU]
    mine, other = unique("person"), "u002"
    before, others_before = _ids(runtime, arn, userId=mine), _ids(runtime, arn, userId=other)
    put(unique("session"), ("View", before[-1]), ("View", before[-2]), user=mine)
    assert _ids(runtime, arn, userId=mine) != before
    assert _ids(runtime, arn, userId=other) == others_before


def test_a_purchase_is_filtered_from_the_next_answer(runtime, recommenders, put) -> None:
    first = _ids(runtime, recommenders[FOR_YOU], userId=USER)[0]
    put(unique("session"), ("Purchase", first), user=USER)
    assert first not in _ids(runtime, recommenders[FOR_YOU], userId=USER, numResults=500)
    related = {"itemId": "unknown", "userId": USER, "numResults": 500}
    assert first not in _ids(runtime, recommenders[ALSO_VIEWED], **related)
    assert first in _ids(runtime, recommenders[VIEWS], userId=USER, numResults=500)


def test_a_session_counts_and_joins_the_user(runtime, recommenders, put) -> None:
    arn, session, person = recommenders[FOR_YOU], unique("session"), unique("person")
    unknown = _ids(runtime, arn, userId=session)
    put(session, ("View", unknown[-1]), ("Purchase", unknown[0]))
    of_session = _ids(runtime, arn, userId=session)
    assert of_session != unknown and unknown[0] not in of_session
    assert _ids(runtime, arn, userId=person) == unknown
    put(session, ("View", unknown[-2]), user=person)
    joined = _ids(runtime, arn, userId=person)
    assert unknown[0] not in joined and joined != unknown
    assert _ids(runtime, arn, userId=session) == unknown


def test_filters_see_what_was_put(personalize, runtime, events, group, recommenders, put) -> None:
    def made(expression: str) -> str:
        arn = personalize.create_filter(name=unique("filter"), datasetGroupArn=group.arn, filterExpression=expression)[
            "filterArn"
        ]
        ended(personalize.describe_filter, "filter", filterArn=arn)
        return arn

    arn, person = recommenders[VIEWS], unique("person")
    item = _ids(runtime, arn, userId=person)[0]
    put(unique("session"), ("Wish", item), user=person, impression=[item, "other"])
    wished = made('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("wish")')
    assert _ids(runtime, arn, userId=person, filterArn=wished) == [item]
    brand_new = made('INCLUDE ItemID WHERE Items.CATEGORY_L1 IN ("brand new")')
    assert _ids(runtime, arn, userId=person, filterArn=brand_new) == []
    properties = json.dumps({"price": 3.5, "categoryL1": "brand new"})
    events.put_items(datasetArn=group.datasets["Items"], items=[{"itemId": item, "properties": properties}])
    assert _ids(runtime, arn, userId=person, filterArn=brand_new) == [item]
    for_the_old = made('EXCLUDE ItemID WHERE Items.PRICE >= 0 IF CurrentUser.AGE IN ("old")')
    assert _ids(runtime, arn, userId=person, filterArn=for_the_old)
    events.put_users(datasetArn=group.datasets["Users"], users=[{"userId": person, "properties": '{"age": "old"}'}])
    assert _ids(runtime, arn, userId=person, filterArn=for_the_old) == []


def test_the_next_training_takes_it_all(personalize, runtime, events, group, recommenders, put) -> None:
    arn, item = recommenders[PURCHASES], unique("item")
    properties = '{"PRICE": 1, "CATEGORY_L1": "new"}'
    events.put_items(datasetArn=group.datasets["Items"], items=[{"itemId": item, "properties": properties}])
    assert item not in _ids(runtime, arn, userId=USER, numResults=500)
    for number in range(6):
        put(unique("session"), ("Purchase", item), user=f"person{number}")
    assert item not in _ids(runtime, arn, userId=USER, numResults=500)
    personalize.update_recommender(recommenderArn=arn, recommenderConfig={"minRecommendationRequestsPerSecond": 1})
    eventually(
        lambda: personalize.describe_recommender(recommenderArn=arn)["recommender"]["latestRecommenderUpdate"],
        lambda update: update["status"] == "ACTIVE",
    )
    assert item in _ids(runtime, arn, userId=USER, numResults=500)


def test_events_alone_are_enough_to_train(personalize, runtime, events) -> None:
    group = create_group(personalize, ("Interactions",))
    tracker = personalize.create_event_tracker(name=unique("tracker"), datasetGroupArn=group.arn)
    arn = tracker["eventTrackerArn"]
    ended(personalize.describe_event_tracker, "eventTracker", eventTrackerArn=arn)
    for person in range(100):
        listed = [
            {"eventType": "View", "itemId": f"i{number}", "sentAt": 1_700_000_000 + number} for number in range(10)
        ]
        events.put_events(
            trackingId=tracker["trackingId"], sessionId=f"s{person}", userId=f"p{person}", eventList=listed
        )
    made = create_recommenders(personalize, group, VIEWS)
    assert _ids(runtime, made[VIEWS], userId="p1") == [f"i{number}" for number in range(10)]
    personalize.delete_event_tracker(eventTrackerArn=arn)
    gone(personalize.describe_event_tracker, eventTrackerArn=arn)
    delete_group(personalize, group)


def test_what_is_refused(personalize, events, group, tracker) -> None:
    refused("LimitExceededException", personalize.create_event_tracker, "More than 1 resources", name="second",
            datasetGroupArn=group.arn)  # fmt: skip
    refused("ResourceAlreadyExistsException", personalize.create_event_tracker, name=tracker["name"],
            datasetGroupArn=group.arn)  # fmt: skip
    happened = {"eventType": "View", "itemId": "i", "sentAt": 1_700_000_000}
    ask = {"trackingId": tracker["trackingId"], "sessionId": "s", "eventList": [happened]}
    refused(INVALID, events.put_events, "no-such-id", **ask | {"trackingId": "no-such-id"})
    late = [happened | {"sentAt": 1_700_000_000_000}]
    in_milliseconds = client_sending("personalize-events", ask | {"eventList": late})
    refused(INVALID, in_milliseconds.put_events, "1700000000000", "seconds", **ask)
    ahead = int(time.time()) + 10 * 86_400
    future = client_sending("personalize-events", ask | {"eventList": [happened | {"sentAt": ahead}]})
    refused(INVALID, future.put_events, str(ahead), "future", **ask)
    refused(INVALID, events.put_events, "not JSON", **ask | {"eventList": [happened | {"properties": "{"}]})
    items, users = group.datasets["Items"], group.datasets["Users"]

    def item(properties: str) -> dict:
        return {"datasetArn": items, "items": [{"itemId": "i", "properties": properties}]}

    refused(INVALID, events.put_items, "CATEGORY_L1", "not nullable", **item('{"price": 1}'))
    refused(INVALID, events.put_items, "PRICE", "'cheap'", "float", **item('{"price": "cheap", "categoryL1": "x"}'))
    refused(INVALID, events.put_items, "COLOUR", "PRICE", **item('{"price": 1, "categoryL1": "x", "colour": "red"}'))
    refused(INVALID, events.put_users, "ITEMS", datasetArn=items, users=[{"userId": "u"}])
    refused("ResourceNotFoundException", events.put_users, datasetArn=users + "x", users=[{"userId": "u"}])
