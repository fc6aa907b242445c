"""The store of resources: what it keeps, from many threads, over a restart, and page by page."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.errors import ServiceError
from localaws.resources import Store, page


@pytest.fixture
def store(tmp_path: Path):
    made = Store(tmp_path)
    yield made
    made.close()


def arn(number: int, service: str = "forecast") -> str:
    return f"arn:aws:{service}:us-east-1:000000000000:dataset/d{number}"


def test_a_resource_is_kept_with_its_tags_over_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path)
    made = first.add(arn(1), "Dataset", "d1", "ACTIVE", {"Domain": "RETAIL"}, [("project", "storecast")])
    first.update(made.arn, private={"files": ["a"]}, DataFrequency="D")
    first.close()
    second = Store(tmp_path)
    found = second.get(arn(1), "Dataset")
    assert (found.name, found.status, found.service) == ("d1", "ACTIVE", "forecast")
    assert found.record == {"Domain": "RETAIL", "DataFrequency": "D"} and found.private == {"files": ["a"]}
    assert found.created == made.created < found.modified
    assert second.tags(arn(1)) == {"project": "storecast"}
    second.close()


def test_an_arn_is_taken_once_from_many_threads(store: Store) -> None:
    def add(_: int) -> str:
        try:
            return store.add(arn(1), "Dataset", "d1", "ACTIVE", {}, [("key", "value")]).arn
        except ServiceError as error:
            return error.code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(add, range(50)))
    assert answers.count(arn(1)) == 1 and answers.count("ResourceAlreadyExistsException") == 49


def test_updates_from_many_threads_lose_nothing(store: Store) -> None:
    store.add(arn(1), "Dataset", "d1", "ACTIVE", {})
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store.update(arn(1), **{f"member{number}": number}), range(100)))
    assert store.get(arn(1)).record == {f"member{number}": number for number in range(100)}


def test_all_are_of_a_kind_and_service_in_order_of_creation(store: Store) -> None:
    for number in (3, 1, 2):
        store.add(arn(number), "Dataset", f"d{number}", "ACTIVE", {"odd": number % 2 == 1})
    store.add(arn(4, "personalize"), "Dataset", "d4", "ACTIVE", {})
    store.add(arn(5) + "x", "Forecast", "f", "ACTIVE", {})
    assert [each.name for each in store.all("Dataset", "forecast")] == ["d3", "d1", "d2"]
    assert [each.name for each in store.all("Dataset", "forecast", lambda each: each.record["odd"])] == ["d3", "d1"]
    assert len(store.everything()) == 5


def test_what_is_removed_leaves_nothing(store: Store) -> None:
    store.add(arn(1), "Dataset", "d1", "ACTIVE", {}, [("key", "value")])
    store.folder(arn(1)).mkdir(parents=True)
    (store.folder(arn(1)) / "file").touch()
    store.remove(arn(1))
    store.remove(arn(1))
    assert store.find(arn(1)) is None and not store.folder(arn(1)).exists()
    store.add(arn(1), "Dataset", "d1", "ACTIVE", {})
    assert store.tags(arn(1)) == {}


def test_what_is_not_there(store: Store) -> None:
    store.add(arn(1), "Dataset", "d1", "ACTIVE", {})
    for call in (
        lambda: store.get(arn(2)),
        lambda: store.get(arn(1), "Forecast"),
        lambda: store.update(arn(2), "ACTIVE"),
    ):
        with pytest.raises(ServiceError) as raised:
            call()
        assert raised.value.code == "ResourceNotFoundException"
    store.update(arn(1), "CREATE_FAILED")
    assert store.get(arn(1)).status == "CREATE_FAILED"


def test_folders_lie_below_the_store_whatever_the_name(store: Store) -> None:
    folder = store.folder("arn:aws:forecast:us-east-1:000000000000:dataset/../../etc")
    assert folder.parent == store.artifacts


def test_tags_are_changed_one_by_one(store: Store) -> None:
    store.add(arn(1), "Dataset", "d1", "ACTIVE", {}, [("a", "1"), ("b", "2")])
    store.tag(arn(1), {"b": "3", "c": "4"})
    store.untag(arn(1), ["a", "none"])
    assert store.tags(arn(1)) == {"b": "3", "c": "4"}


@pytest.mark.parametrize("size", [1, 3, 10, 11, None])
def test_pages_hold_everything_once(size: int | None) -> None:
    items, token, seen = list(range(10)), None, []
    while True:
        some, token = page(items, token, size)
        assert len(some) <= (size or 100)
        seen += some
        if token is None:
            break
    assert seen == items


@pytest.mark.parametrize("token", ["x", "not base64!", "eA==", "LTE=", "é"])
def test_a_token_that_no_page_gave(token: str) -> None:
    with pytest.raises(ServiceError) as raised:
        page([1, 2, 3], token, 1)
    assert raised.value.code == "InvalidNextTokenException" and repr(token) in raised.value.message


def test_each_new_status_is_told_once(store: Store) -> None:
    told = []
    store.on_status = lambda resource: told.append((resource.arn, resource.status))
    store.add(arn(1), "Dataset", "d1", "ACTIVE", {})
    store.update(arn(1), DataFrequency="D")
    store.update(arn(1), "DELETE_IN_PROGRESS")
    store.update(arn(1), "DELETE_IN_PROGRESS")
    assert told == [(arn(1), "DELETE_IN_PROGRESS")]
