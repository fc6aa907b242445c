"""Context and metadata of users: what they make likelier is what their events hold more of than others."""

import numpy as np
import pandas as pd
import pytest

from storecast_engines.recommending import (
    CUSTOM_RECIPES,
    HRNN,
    NO_HISTORY,
    PERSONALIZED_RANKING,
    RECIPES,
    USER_PERSONALIZATION,
    codes_of,
    encode,
    log_lift,
    rank,
    rank_with_features,
    recommend,
    recommend_with_features,
    train,
    train_features,
    uses_features,
)

RECIPE = CUSTOM_RECIPES[USER_PERSONALIZATION]


@pytest.fixture(scope="module")
def log(shop) -> pd.DataFrame:
    """The shop's events: of even items mostly by phone, of the others by a computer; one in four tells nothing."""
    even = shop.ITEM_ID.str.extract(r"item-(\d+)")[0].fillna("1").astype(int) % 2 == 0
    device = np.where(even, "phone", "computer")
    return shop.assign(DEVICE=np.where(np.arange(len(shop)) % 4 == 0, "", device), NUMBER=1.5)


@pytest.fixture(scope="module")
def model(log):
    users = pd.DataFrame({"USER_ID": [f"u{n:02d}" for n in range(60)], "AGE": ["old", "young"] * 30, "SIZE": 7})
    events = encode(log)
    return train(RECIPE, events) | train_features(events, log, users)


def _ids(model, ranking) -> list[str]:
    return model["item_ids"][ranking.items].tolist()


def test_text_columns_are_features(model) -> None:
    assert model["feature_names"].tolist() == ["DEVICE=computer", "DEVICE=phone", "USERS.AGE=old", "USERS.AGE=young"]
    assert model["feature_totals"][2:].sum() == model["counts"].sum()


@pytest.mark.parametrize(
    ("features", "parity"), [({"DEVICE": "phone"}, 0), ({"DEVICE": "computer"}, 1), ({"USERS.AGE": "old"}, 0)]
)
def test_a_value_lifts_the_items_of_its_events(model, features: dict, parity: int) -> None:
    added = log_lift(model, features)
    shown, plain = (
        [name for name in _ids(model, ranking) if name.startswith("item-")][:10]
        for ranking in (recommend_with_features(RECIPE, model, added, k=50), recommend(RECIPE, model, k=50))
    )
    assert {int(name[5:]) % 2 for name in shown} == {parity}
    assert {int(name[5:]) % 2 for name in plain} == {0, 1}


def test_probabilities_sum_to_one_before_the_filter(model) -> None:
    added, n_items = log_lift(model, {"DEVICE": "phone"}), len(model["item_ids"])
    whole = recommend_with_features(RECIPE, model, added, k=n_items)
    assert whole.scores.sum() == pytest.approx(1)
    allowed = np.zeros(n_items, dtype=bool)
    allowed[whole.items[3:5]] = True
    some = recommend_with_features(RECIPE, model, added, k=10, allowed=allowed)
    assert some.items.tolist() == whole.items[3:5].tolist()
    assert some.scores.tolist() == pytest.approx(whole.scores[3:5].tolist())


def test_a_ranking_is_adjusted_within_its_list(model) -> None:
    codes = codes_of(model["item_ids"], ["item-00", "item-01", "milk"])
    plain = rank(model, NO_HISTORY, codes)
    by_phone = rank_with_features(plain, log_lift(model, {"DEVICE": "phone"}))
    by_computer = rank_with_features(plain, log_lift(model, {"DEVICE": "computer"}))
    assert [each.scores.sum() for each in (by_phone, by_computer)] == pytest.approx([1, 1])
    places = [_ids(model, each).index("item-00") for each in (by_phone, by_computer)]
    assert places[0] < places[1]


def test_values_that_training_did_not_meet_change_nothing(model) -> None:
    assert log_lift(model, {"DEVICE": "fridge", "USERS.AGE": "7"}) is None
    assert log_lift(model, {}) is None


def test_without_text_columns_there_are_no_features(shop) -> None:
    events = encode(shop)
    assert log_lift(train_features(events, shop, None) | {"counts": events.item_counts()}, {"DEVICE": "phone"}) is None


def test_personal_recipes_alone_answer_by_features() -> None:
    every = RECIPES | CUSTOM_RECIPES
    assert [name for name in every if uses_features(every[name])] == [
        "aws-ecomm-recommended-for-you",
        USER_PERSONALIZATION,
        f"{USER_PERSONALIZATION}-v2",
        PERSONALIZED_RANKING,
        f"{PERSONALIZED_RANKING}-v2",
        *HRNN,
    ]
