"""User segments: who is likeliest to interact with an item, or with items that have an attribute."""

import numpy as np
import pandas as pd
import pytest

from storecast_engines.recommending import (
    CUSTOM_RECIPES,
    ITEM_AFFINITY,
    ITEM_ATTRIBUTE_AFFINITY,
    Recommender,
    Settings,
    affinities,
    attributes,
    codes_of,
    encode,
    evaluate,
    having,
    histories,
    segment,
    train,
)
from storecast_engines.recommending.user_personalization import weighted_history
from tests.unit.engines.recommending.conftest import START, log


@pytest.fixture(scope="module")
def events(shop):
    return encode(shop)


@pytest.fixture(scope="module")
def items(shop) -> pd.DataFrame:
    names = sorted(shop["ITEM_ID"].unique())
    even = [name.startswith("item-") and int(name[5:]) % 2 == 0 for name in names]
    return pd.DataFrame({"ITEM_ID": names, "KIND": ["even|all" if e else "other|all" for e in even], "SIZE": 1})


@pytest.mark.parametrize("settings", [Settings(), Settings(ease_max_items=0)], ids=["EASE", "ALS"])
def test_the_users_who_like_even_items_are_the_segment_of_an_even_item(events, settings) -> None:
    model = train(CUSTOM_RECIPES[ITEM_AFFINITY], events, None, settings)
    wanted = np.arange(len(events.item_ids)) == codes_of(events.item_ids, ["item-04"])[0]
    found = segment(events, affinities(model, histories(events, settings), wanted), 30)
    assert sum(int(name[1:]) % 2 == 0 for name in events.user_ids[found]) >= 28


def test_the_segment_of_an_attribute_is_of_all_items_that_have_it(events, items) -> None:
    model = train(CUSTOM_RECIPES[ITEM_ATTRIBUTE_AFFINITY], events, items)
    of = attributes(events.item_ids, items)
    assert set(of) == {("KIND", "even"), ("KIND", "other"), ("KIND", "all"), ("SIZE", "1")}
    assert len(of["KIND", "all"]) == len(of["KIND", "even"]) + len(of["KIND", "other"]) == len(events.item_ids)
    matrix = histories(events, Settings())
    found = segment(events, affinities(model, matrix, having(len(events.item_ids), of["KIND", "even"])), 30)
    assert all(int(name[1:]) % 2 == 0 for name in events.user_ids[found])


def test_an_item_that_the_model_does_not_know_gets_the_most_active_users() -> None:
    rows = [(f"u{n}", item, START + n, "View") for n in range(5) for item in ("a", "b")]
    rows += [("busy", "a", START + n, "View") for n in range(9)]
    events = encode(log(rows), pd.DataFrame({"ITEM_ID": ["unseen"]}))
    model = train(CUSTOM_RECIPES[ITEM_AFFINITY], events, minimums=False)
    wanted = events.item_ids == "unseen"
    found = segment(events, affinities(model, histories(events, Settings()), wanted), 2)
    assert events.user_ids[found].tolist() == ["busy", "u0"]


def test_all_histories_at_once_are_those_of_each_user(events) -> None:
    settings = Settings(history_reach=5)
    matrix = histories(events, settings)
    for user in (0, 7, 59):
        items, weights = weighted_history(events.history(events.rows_of(user)).items, settings.recency_decay, 5)
        expected = np.zeros(len(events.item_ids))
        expected[items] = weights
        np.testing.assert_allclose(matrix[user].toarray()[0], expected)


def test_the_estimator_finds_users(shop, items) -> None:
    found = Recommender(ITEM_ATTRIBUTE_AFFINITY).fit(shop, items.rename(columns=str.lower))
    users = found.segment(attributes={"kind": "even"}, k=30)
    assert all(int(name[1:]) % 2 == 0 for name in users["user_id"])
    assert "recall_at_1_percent" in found.evaluate().index
    assert len(Recommender(ITEM_AFFINITY).fit(shop).segment("item-04", k=7)) == 7
    for wrong in ({}, {"item": "nowhere"}, {"attributes": {"kind": "odd"}}):
        with pytest.raises(ValueError, match="pass item= or attributes="):
            found.segment(**wrong)
    with pytest.raises(ValueError, match="call segment"):
        found.recommend(user="u00")
    with pytest.raises(ValueError, match=ITEM_AFFINITY):
        Recommender("aws-sims").fit(shop).segment("tent")


def test_the_metrics_are_the_services(events, items) -> None:
    """Recorded: coverage, hits_at_1_percent (above 1) and recall_at_1_percent."""
    for recipe in (ITEM_AFFINITY, ITEM_ATTRIBUTE_AFFINITY):
        found = evaluate(CUSTOM_RECIPES[recipe], events, items)
        assert set(found.metrics) == {"coverage", "hits_at_1_percent", "recall_at_1_percent"}
        assert found.requests and 0 < found.metrics["recall_at_1_percent"] <= 1
        assert 0 < found.metrics["hits_at_1_percent"] <= 1, "1% of 60 users is one"
