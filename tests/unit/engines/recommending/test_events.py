import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storecast_engines.recommending import InsufficientData, codes_of, encode, extended
from storecast_engines.recommending.events import History, check_minimums

COLUMNS = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"]


def frame(rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def test_events_are_sorted_by_user_and_time_under_sorted_vocabularies():
    events = encode(frame([("b", "y", 5, "View"), ("a", "x", 9, "View"), ("a", "z", 3, "Purchase")]))
    assert events.user_ids.tolist() == ["a", "b"]
    assert events.item_ids[events.items].tolist() == ["z", "x", "y"]
    assert events.timestamps.tolist() == [3, 9, 5]
    assert events.user_start.tolist() == [0, 2, 3]
    assert events.counts() == {"Purchase": 1, "View": 2}


def test_a_record_repeated_in_all_columns_counts_once_but_a_different_property_makes_another_event():
    twice = frame([("a", "x", 1, "View"), ("a", "x", 1, "View"), ("a", "x", 1, "Purchase"), ("a", "x", 2, "View")])
    assert len(encode(twice)) == 3
    assert len(encode(twice.assign(DEVICE=["phone", "desk", "phone", "phone"]))) == 4


def test_items_that_nobody_touched_are_in_the_catalogue():
    events = encode(frame([("a", "x", 1, "View")]), pd.DataFrame({"ITEM_ID": ["new", "x"]}))
    assert events.item_ids.tolist() == ["new", "x"]
    assert events.item_counts().tolist() == [0, 1]


def test_numeric_ids_become_strings():
    assert encode(frame([(7, 12, 1, "View")])).item_ids.tolist() == ["12"]


def test_missing_columns_and_nulls_are_named():
    with pytest.raises(ValueError, match=r"missing the following columns:\[TIMESTAMP, EVENT_TYPE\]"):
        encode(pd.DataFrame({"USER_ID": ["a"], "ITEM_ID": ["x"]}))
    with pytest.raises(ValueError, match="ITEM_ID is null in row 2"):
        encode(frame([("a", "x", 1, "View"), ("a", None, 1, "View")]))


def test_unknown_ids_have_code_minus_one():
    assert codes_of(np.array(["b", "d"]), ["a", "b", "c", "d", "e"]).tolist() == [-1, 0, -1, 1, -1]
    assert codes_of(np.empty(0, dtype="<U1"), ["a"]).tolist() == [-1]


def test_the_purchase_filter_sees_the_newest_100_purchases_only():
    items = np.append(np.arange(101), -1)
    history = History(items, np.array(["Purchase"] * 102))
    assert history.newest("Purchase").tolist() == list(range(2, 101))  # 100 newest are 2..100 and an unknown item
    assert History(items, np.array(["View"] * 102)).newest("Purchase").size == 0


def test_minimums_use_the_services_words():
    many = frame([(f"u{i % 25}", f"i{i % 50}", i, "View") for i in range(1000)])
    check_minimums(encode(many), "View")
    check_minimums(encode(many), None)
    with pytest.raises(InsufficientData, match="fewer than 1000 interactions after filtering by event type: Purchase"):
        check_minimums(encode(many), "Purchase")
    with pytest.raises(InsufficientData, match=r"fewer than 1000 interactions \(found 999\)"):
        check_minimums(encode(many[1:]), "View")
    with pytest.raises(InsufficientData, match=r"click \(found: without an event type 1000; the interactions need"):
        check_minimums(encode(many.assign(EVENT_TYPE="")), "click")
    few_users = many.assign(USER_ID=[f"u{i % 24}" for i in range(999)] + ["once"])
    with pytest.raises(InsufficientData, match="fewer than 25 users with at least 2 interactions each"):
        check_minimums(encode(few_users), "View")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 9), st.sampled_from(["View", "Purchase"])
        )
    )
)
def test_encoding_loses_no_distinct_event(rows):
    events = encode(frame(rows))
    back = zip(
        events.user_ids[events.users].tolist() if rows else [],
        events.item_ids[events.items].tolist() if rows else [],
        events.timestamps.tolist(),
        events.event_types[events.types].tolist() if rows else [],
        strict=True,
    )
    assert sorted(back) == sorted(set(rows))
    for user in range(len(events.user_ids)):
        assert (np.diff(events.timestamps[events.rows_of(user)]) >= 0).all()


def test_later_events_join_a_history_once_and_in_their_order() -> None:
    events = encode(frame([("u", "a", 10, "View"), ("u", "b", 30, "Purchase"), ("v", "c", 1, "View")]))
    rows = events.rows_of(0)
    history = extended(events, rows, [("c", "View", 20), ("b", "Purchase", 30), ("new", "View", 40)])
    names = [events.item_ids[code] if code >= 0 else None for code in history.items]
    assert names == ["a", "c", "b", None]
    assert history.event_types.tolist() == ["View", "View", "Purchase", "View"]
    stranger = extended(events, slice(0, 0), [("a", "Click", 5)])
    assert (stranger.items.tolist(), stranger.event_types.tolist()) == ([0], ["Click"])
