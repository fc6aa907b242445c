"""The store of resources: what it keeps, from many threads, over a restart, and page by page."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.errors import ServiceError
from localaws.files import StateError, previous
from localaws.resources import CannotStore, Store, page
from localaws.state import check_database


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


def test_each_new_status_is_reported_once(store: Store) -> None:
    told = []
    store.on_status = lambda resource: told.append((resource.arn, resource.status))
    store.add(arn(1), "Dataset", "d1", "ACTIVE", {})
    store.update(arn(1), DataFrequency="D")
    store.update(arn(1), "DELETE_IN_PROGRESS")
    store.update(arn(1), "DELETE_IN_PROGRESS")
    assert told == [(arn(1), "DELETE_IN_PROGRESS")]


def test_on_a_full_disk_nothing_changes_and_what_is_insisted_on_is_written_later(store: Store, tmp_path: Path) -> None:
    """SQLite's bound on its pages stands for the disk: it reports both in the same way."""
    store.add(arn(1), "Predictor", "p", "CREATE_IN_PROGRESS", {})
    pages = store._db.execute("pragma page_count").fetchone()[0]
    store._db.execute(f"pragma max_page_count = {pages}")
    for change in (
        lambda: store.add(arn(2), "Predictor", "q", "CREATE_PENDING", {"Text": "x" * 20_000}),
        lambda: store.update(arn(1), "ACTIVE", Text="x" * 20_000),
        lambda: store.tag(arn(1), {"k": "v" * 20_000}),
    ):
        with pytest.raises(CannotStore, match="The state cannot be written: database or disk is full") as raised:
            change()
        assert (raised.value.code, raised.value.status) == ("ServiceUnavailable", 503)
    assert store.find(arn(2)) is None and store.get(arn(1)).status == "CREATE_IN_PROGRESS"

    told = []
    store.on_status = lambda resource: told.append(resource.status)
    store.insist(arn(1), "CREATE_FAILED", Message="x" * 20_000)
    assert store.get(arn(1)).status == store.everything()[0].status == "CREATE_FAILED" and told == ["CREATE_FAILED"]
    store._db.execute("pragma max_page_count = 1000000")
    deadline = time.monotonic() + 20
    while store._insisted and time.monotonic() < deadline:
        time.sleep(0.05)
    second = Store(tmp_path)
    assert second.get(arn(1)).status == "CREATE_FAILED" and second.get(arn(1)).record["Message"]
    second.close()


def test_a_copy_is_kept_for_a_database_that_gets_damaged(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first.add(arn(1), "Dataset", "d1", "ACTIVE", {})
    first.keep_copy()
    first.close()
    path = tmp_path / "resources.sqlite"
    path.write_bytes(b"damaged" * 1000)
    with pytest.raises(StateError, match=rf"{path} is damaged: .*cp {previous(path)} {path}"):
        check_database(path)
    shutil.copy(previous(path), path)
    check_database(path)
    second = Store(tmp_path)
    assert second.get(arn(1)).name == "d1"
    second.close()
