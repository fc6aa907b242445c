"""Records put one by one: kept over a restart, each event once, a session's events joined to its user."""

from pathlib import Path

import pytest

from localaws.services.personalize.streams import Stream, read, read_attributed, stream


def event(session: str, user: str | None, item: str | None, time: int = 1, **more) -> dict:
    return {"SESSION_ID": session, "USER_ID": user, "ITEM_ID": item, "TIMESTAMP": time, "EVENT_TYPE": "View"} | more


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dataset" / "put.jsonl"


def _items(put: Stream, name: str) -> list[str]:
    return [record["ITEM_ID"] for record in put.by_user.of(name)]


def test_an_anonymous_session_joins_its_user(file: Path) -> None:
    put = Stream(file)
    put.append([event("s1", None, "a", 1), event("s2", None, "z", 1)])
    assert _items(put, "s1") == ["a"] and _items(put, "ann") == []
    put.append([event("s1", "ann", None, 2)])
    put.append([event("s1", None, "b", 3)])
    assert _items(put, "s1") == [] and _items(put, "ann") == ["a", None, "b"]
    assert _items(put, "s2") == ["z"]


def test_a_restart_keeps_all(file: Path) -> None:
    Stream(file).append([event("s1", None, "a", 1), event("s1", "ann", "b", 2), event("s2", None, "c", 3)])
    again = Stream(file)
    assert (_items(again, "ann"), _items(again, "s2")) == (["a", "b"], ["c"])
    again.append([event("s2", "bob", "d", 4)])
    assert _items(Stream(file), "bob") == ["c", "d"]


def test_an_event_counts_once(file: Path) -> None:
    put = Stream(file)
    put.append([event("s", "ann", "a"), event("s", "ann", "a"), event("s", "ann", "a", 2)])
    put.append([event("s", "ann", "b", EVENT_ID="e1")])
    again = Stream(file)
    again.append([event("s", "ann", "c", EVENT_ID="e1"), event("s", "ann", "a")])
    assert _items(again, "ann") == ["a", "a", "b"]
    assert len(read(file)) == 3


def test_a_torn_line_is_dropped(file: Path) -> None:
    Stream(file).append([event("s", "ann", "a")])
    with file.open("a") as torn:
        torn.write('{"SESSION_ID": "s", "USER')
    assert len(read(file)) == 1
    Stream(file).append([event("s", "ann", "b", 2)])
    assert _items(Stream(file), "ann") == ["a", "b"]


def test_training_reads_events_with_item_and_user_or_session(file: Path) -> None:
    Stream(file).append([event("s1", None, "a"), event("s1", "ann", None), event("s2", None, "b", EVENT_ID="e")])
    rows = [(row["USER_ID"], row["ITEM_ID"]) for row in read_attributed(file)]
    assert rows == [("ann", "a"), ("s2", "b")]
    assert not {"SESSION_ID", "EVENT_ID"} & set(read_attributed(file)[0])


def test_a_recreated_dataset_starts_empty(file: Path) -> None:
    stream(file, 1.0).append([event("s", "ann", "a")])
    assert stream(file, 1.0) is stream(file, 1.0)
    file.unlink()
    assert stream(file, 2.0).records == []
