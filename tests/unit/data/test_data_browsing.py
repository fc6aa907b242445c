"""The browsing model on three small baskets."""

import numpy as np
import pandas as pd

from data.grocery.browsing import BrowsingModel, browse

CATEGORY = pd.Series({"milk": "dairy", "cheese": "dairy", "bread": "bakery", "soap": "household"})
LINES = pd.DataFrame(
    [
        (1, "a", "milk", 1_000_000),
        (1, "a", "bread", 1_000_000),
        (2, "b", "cheese", 2_000_000),
        (3, "a", "soap", 3_000_000),
    ],
    columns=["basket_id", "USER_ID", "ITEM_ID", "TIMESTAMP"],
)


def events(seed: int = 0, **parameters: float) -> pd.DataFrame:
    return browse(LINES, CATEGORY, BrowsingModel(**parameters), np.random.default_rng(seed))


def test_without_detours_every_line_is_viewed_and_carted_once():
    once = events(detours_per_item=0.0).groupby("EVENT_TYPE")[["USER_ID", "ITEM_ID"]]
    for kind in ("View", "AddToCart"):
        assert sorted(map(tuple, once.get_group(kind).to_numpy())) == sorted(zip(LINES.USER_ID, LINES.ITEM_ID))


def test_a_session_ends_within_the_stated_gap_before_its_basket():
    late = events(detours_per_item=0.0, early_basket_share=0.0).merge(LINES, on=["USER_ID", "ITEM_ID"])
    assert (late.TIMESTAMP_y - late.TIMESTAMP_x).between(300, 10_800 + 1_000).all()
    early = events(detours_per_item=0.0, early_basket_share=1.0, early_item_share=1.0)
    early = early.merge(LINES, on=["USER_ID", "ITEM_ID"])
    assert (early.TIMESTAMP_y - early.TIMESTAMP_x).between(86_400, 3 * 86_400 + 1_000).all()


def test_similar_detours_stay_in_the_category_and_are_not_what_was_bought():
    seen = events(detours_per_item=200.0, similar_share=1.0, abandoned_share=0.0)
    assert set(seen.ITEM_ID[seen.USER_ID == "b"]) == {"milk", "cheese"}
    assert set(seen.ITEM_ID[seen.EVENT_TYPE == "AddToCart"]) == set(LINES.ITEM_ID)
    assert len(seen[(seen.USER_ID == "b") & (seen.ITEM_ID == "cheese")]) == 2  # its one View and one AddToCart


def test_detours_over_the_complete_shop_are_drawn_by_popularity():
    popular = pd.concat([LINES] + [LINES.assign(basket_id=n, USER_ID=f"u{n}").iloc[:1] for n in range(10, 17)])
    seen = browse(popular.reset_index(drop=True), CATEGORY, BrowsingModel(detours_per_item=3_000.0, similar_share=0.0),
                  np.random.default_rng(0))  # fmt: skip
    views = seen[(seen.EVENT_TYPE == "View") & (seen.USER_ID == "b")].ITEM_ID.value_counts()
    assert 7 < views["milk"] / views["bread"] < 9  # milk is in 8 baskets, bread in 1


def test_seed_decides():
    pd.testing.assert_frame_equal(events(seed=3), events(seed=3))
    assert not events(seed=3).equals(events(seed=4))
