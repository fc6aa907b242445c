"""Recommender on frames: the same answers as the functions below it, errors that name what is wrong."""

import numpy as np
import pandas as pd
import pytest

from storecast_engines.recommending import (
    CUSTOM_RECIPES,
    PERSONALIZED_RANKING,
    RECIPES,
    USER_PERSONALIZATION,
    InsufficientData,
    Recommender,
    Settings,
    encode,
    evaluate,
    recommend,
    train,
)

FOR_YOU = "aws-ecomm-recommended-for-you"


def test_it_recommends_what_the_functions_recommend(shop) -> None:
    events = encode(shop)
    for name, recipe in (RECIPES | CUSTOM_RECIPES).items():
        if recipe.segments:
            continue  # of users: test_segments.py
        model = train(recipe, events)
        expected = recommend(recipe, model, k=10, history=events.history(events.rows_of(3)), item=5)
        user, item = str(events.user_ids[3]), str(events.item_ids[5])
        found = Recommender(name).fit(shop).recommend(user, item, 10)
        assert found["item_id"].tolist() == model["item_ids"][expected.items].tolist()
        assert list(found.columns) == ["item_id"] + ["score"] * (expected.scores is not None)


def test_columns_in_lower_case_and_datetimes(shop) -> None:
    lower = shop.rename(columns=str.lower)
    for timestamps in (
        pd.to_datetime(lower["timestamp"], unit="s"),
        pd.to_datetime(lower["timestamp"], unit="s", utc=True),
    ):
        found = Recommender(FOR_YOU).fit(lower.assign(timestamp=timestamps)).recommend("u03")
        pd.testing.assert_frame_equal(found, Recommender(FOR_YOU).fit(shop).recommend("u03"))


def test_context_and_metadata_of_users_count(shop) -> None:
    even = shop.ITEM_ID.str.extract(r"item-(\d+)")[0].fillna("1").astype(int) % 2 == 0
    log = shop.assign(DEVICE=np.where(even, "phone", "computer"))
    users = pd.DataFrame(
        {"USER_ID": [f"u{n:02d}" for n in range(60)] + ["new"], "AGE": ["old", "young"] * 30 + ["old"]}
    )
    recommender = Recommender(USER_PERSONALIZATION).fit(log, users=users)
    for shown in (recommender.recommend(context={"DEVICE": "phone"}), recommender.recommend("new")):
        names = [name for name in shown["item_id"] if name.startswith("item-")][:10]
        assert {int(name[5:]) % 2 for name in names} == {0}


def test_candidates_and_a_ranked_list(shop) -> None:
    recommender = Recommender(PERSONALIZED_RANKING).fit(shop)
    ranked = recommender.rank(["item-01", "item-02", "nowhere"], "u00")
    assert set(ranked["item_id"]) == {"item-01", "item-02"} and ranked["score"].sum() == pytest.approx(1)
    assert set(recommender.recommend("u00", candidates=["milk", "tent"])["item_id"]) == {"milk", "tent"}
    with pytest.raises(ValueError, match="does not rank a list: use aws-personalized-ranking"):
        Recommender("aws-trending-now").fit(shop).rank(["milk"])


def test_evaluation_is_beside_popularity(shop) -> None:
    found = Recommender(USER_PERSONALIZATION).fit(shop).evaluate()
    expected = evaluate(CUSTOM_RECIPES[USER_PERSONALIZATION], encode(shop))
    assert found["recipe"].to_dict() == expected.metrics and found["popularity"].to_dict() == expected.popularity
    assert found.attrs == {"requests": expected.requests, "test_users": expected.test_users}
    assert expected.requests > 0 and found.loc["precision_at_5", "recipe"] > 0


def test_an_evaluation_without_requests_is_an_error(shop) -> None:
    """Every later item of the test users was purchased before, and those are left out."""
    with pytest.raises(ValueError, match="nothing to evaluate: none of 6 test users"):
        Recommender(FOR_YOU).fit(shop).evaluate()


def test_a_saved_recommender_is_the_same(shop, tmp_path) -> None:
    items = pd.DataFrame({"ITEM_ID": sorted(shop["ITEM_ID"].unique()), "CREATION_TIMESTAMP": 1_700_000_000})
    users = pd.DataFrame({"USER_ID": ["u00", "new"], "AGE": ["old", "old"]})
    fitted = Recommender(USER_PERSONALIZATION, Settings(exploration_weight=0.1)).fit(shop, items, users)
    fitted.save(tmp_path / "recommender")
    loaded = Recommender.load(tmp_path / "recommender")
    assert (loaded.recipe, loaded.settings) == (fitted.recipe, fitted.settings)
    for user in ("u03", "new", None):
        pd.testing.assert_frame_equal(loaded.recommend(user), fitted.recommend(user))
    pd.testing.assert_frame_equal(loaded.evaluate(), fitted.evaluate())
    assert {file.suffix for file in (tmp_path / "recommender").iterdir()} == {".json", ".npz", ".parquet"}


def test_what_is_wrong_is_named(shop) -> None:
    with pytest.raises(ValueError, match="unknown recipe 'popular', allowed are aws-ecomm-popular-items-by-views"):
        Recommender("popular")
    with pytest.raises(ValueError, match="not fitted: call fit first"):
        Recommender().recommend("u00")
    with pytest.raises(ValueError, match="aws-similar-items recommends items related to another: pass item="):
        Recommender("aws-similar-items").fit(shop).recommend("u00")
    with pytest.raises(InsufficientData, match="fewer than 1000 interactions"):
        Recommender().fit(shop[:999])
    with pytest.raises(ValueError, match=r"missing the following columns:\[TIMESTAMP\]"):
        Recommender().fit(shop.drop(columns="TIMESTAMP"))
