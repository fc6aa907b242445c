"""An update of a model: new items can be shown, what was learnt of the others stays; both algorithms."""

import numpy as np
import pandas as pd
import pytest

from storecast_engines.recommending import (
    CUSTOM_RECIPES,
    USER_PERSONALIZATION,
    Settings,
    encode,
    recommend,
    train,
    update,
)
from tests.unit.engines.recommending.conftest import DAY, START, log

RECIPE = CUSTOM_RECIPES[USER_PERSONALIZATION]


@pytest.mark.parametrize("settings", [Settings(), Settings(ease_max_items=0)], ids=["ease", "als"])
def test_new_items_come_in_and_old_weights_stay(shop, settings):
    before = encode(shop)
    model = train(RECIPE, before, None, settings)
    later = START + 40 * DAY
    more = log([("u00", "item-00", later, "View"), ("newcomer", "a-first-id", later, "View")])
    after = encode(pd.concat([shop, more]), pd.DataFrame({"ITEM_ID": ["zz-untouched"]}))
    updated = update(model, after, None)

    history = before.history(before.rows_of(3))
    old, new = (recommend(RECIPE, each, k=100, history=history, settings=settings) for each in (model, updated))
    names = [name for name in updated["item_ids"][new.items].tolist() if name in set(model["item_ids"].tolist())]
    plain = Settings(exploration_weight=0.0, ease_max_items=settings.ease_max_items)
    assert {"a-first-id", "zz-untouched"} <= set(updated["item_ids"][new.items].tolist())
    assert sorted(names) == sorted(model["item_ids"][old.items].tolist())
    places = np.searchsorted(updated["item_ids"], model["item_ids"])
    moved = type(history)(places[history.items], history.event_types)
    old, new = (
        recommend(RECIPE, each, k=10, history=taken, settings=plain)
        for each, taken in ((model, history), (updated, moved))
    )
    assert updated["item_ids"][new.items].tolist() == model["item_ids"][old.items].tolist()


def test_items_that_are_gone_lose_their_weights(shop):
    model = train(RECIPE, encode(shop))
    fewer = encode(shop[shop.ITEM_ID != "milk"])
    updated = update(model, fewer, None)
    answer = recommend(RECIPE, updated, k=100, history=fewer.history(fewer.rows_of(0)))
    assert len(answer.items) == len(model["item_ids"]) - 1


def test_users_with_long_and_short_histories_are_left_out():
    rows = [(f"u{user}", f"i{event}", START + event, "View") for user in range(5) for event in range(user + 1)]
    events = encode(log(rows))
    assert set(events.within_history_lengths(0.0, 1.0).users) == {0, 1, 2, 3, 4}
    assert set(events.within_history_lengths(0.25, 0.75).users) == {1, 2, 3}
