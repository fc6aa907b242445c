"""The recipes of custom solutions: similar items, popular by users, trending, ranking of a given list."""

import numpy as np
import pandas as pd
import pytest

from storecast_engines.recommending import (
    CUSTOM_RECIPES,
    NO_HISTORY,
    PERSONALIZED_RANKING,
    TRENDING_NOW,
    USER_PERSONALIZATION,
    Settings,
    codes_of,
    encode,
    evaluate,
    rank,
    recommend,
    train,
)
from tests.unit.engines.recommending.conftest import START, log

SIMILAR, POPULAR = "aws-similar-items", "aws-popularity-count"


def ids(model, ranking) -> list[str]:
    return model["item_ids"][ranking.items].tolist()


@pytest.fixture(scope="module")
def events(shop):
    return encode(shop)


def test_popularity_counts_users_not_events():
    rows = [("fan", "single", START + second, "View") for second in range(9)]
    rows += [(user, "shared", START, "View") for user in ("a", "b")]
    model = train(CUSTOM_RECIPES[POPULAR], encode(log(rows)), minimums=False)
    assert ids(model, recommend(CUSTOM_RECIPES[POPULAR], model, k=2)) == ["shared", "single"]


def test_trending_is_growth_within_the_newest_windows():
    hour = 3600

    def happened(item: str, *per_hour: int) -> list[tuple]:
        return [
            (f"{item}-{past}-{n}", item, START - past * hour + n, "View")
            for past, count in enumerate(reversed(per_hour))
            for n in range(count)
        ]

    rows = happened("rising", 1, 2, 3, 4) + happened("steady", 9, 9, 9, 9) + happened("falling", 20, 15, 10, 5)
    rows += [(f"old-{n}", "old", START - 90 * hour + n, "View") for n in range(50)] + [
        ("end", "steady", START + 59, "x")
    ]
    recipe = CUSTOM_RECIPES[TRENDING_NOW]
    model = train(recipe, encode(log(rows)), None, Settings(trend_discovery_seconds=hour), minimums=False)
    assert ids(model, recommend(recipe, model, k=4)) == ["rising", "steady", "old", "falling"]


def test_similar_items_go_by_the_users_in_common(events):
    recipe = CUSTOM_RECIPES[SIMILAR]
    model = train(recipe, events)
    answer = recommend(recipe, model, item=int(codes_of(model["item_ids"], ["item-04"])[0]), k=10)
    assert answer.scores is None
    even = [name for name in ids(model, answer) if name.startswith("item-") and int(name[5:]) % 2 == 0]
    assert len(even) >= 9
    assert "item-04" not in ids(model, answer)
    assert ids(model, recommend(recipe, model, item=-1, k=3)) == ids(model, recommend(recipe, model, k=3))


def test_a_cold_item_is_similar_by_its_categories(shop):
    names = sorted(shop["ITEM_ID"].unique())
    kinds = ["tool|outdoor" if name in ("tent", "pegs") else "other" for name in names]
    items = pd.DataFrame({"ITEM_ID": [*names, "lamp"], "KIND": [*kinds, "outdoor"], "PRICE": 1.0})
    recipe, events = CUSTOM_RECIPES[SIMILAR], encode(shop, items)
    model = train(recipe, events, items)
    lamp = int(codes_of(model["item_ids"], ["lamp"])[0])
    assert set(ids(model, recommend(recipe, model, item=lamp, k=2))) == {"tent", "pegs"}
    tent = int(codes_of(model["item_ids"], ["tent"])[0])
    assert "lamp" in ids(model, recommend(recipe, model, item=tent, k=len(names)))


def test_a_list_is_ranked_for_the_user_with_scores_that_sum_to_1(events):
    model = train(CUSTOM_RECIPES[PERSONALIZED_RANKING], events)
    wanted = ["item-01", "item-02", "item-03", "item-04", "nowhere"]
    codes = codes_of(model["item_ids"], wanted)
    even_user = events.history(events.rows_of(0))
    ranking = rank(model, even_user, codes)
    assert set(ids(model, ranking)) == set(wanted) - {"nowhere"}
    assert set(ids(model, ranking)[:2]) == {"item-02", "item-04"}
    assert ranking.scores.sum() == pytest.approx(1.0)
    assert (np.diff(ranking.scores) <= 0).all()
    allowed = model["item_ids"] != "item-02"
    assert ids(model, rank(model, even_user, codes, allowed))[0] == "item-04"
    assert len(rank(model, NO_HISTORY, codes_of(model["item_ids"], ["nowhere"])).items) == 0


def test_user_personalization_keeps_purchased_items(events):
    recipe = CUSTOM_RECIPES[USER_PERSONALIZATION]
    model = train(recipe, events)
    history = events.history(events.rows_of(0))
    answer = recommend(recipe, model, history=history, k=len(model["item_ids"]))
    assert set(history.newest("Purchase").tolist()) <= set(answer.items.tolist())


@pytest.mark.parametrize("name", sorted(CUSTOM_RECIPES))
def test_each_recipe_is_evaluated(events, name):
    metrics = evaluate(CUSTOM_RECIPES[name], events).metrics
    assert 0 < metrics["coverage"] <= 1 and all(0 <= value <= 1 for value in metrics.values())


def test_items_without_interactions_have_no_rank(shop):
    items = pd.DataFrame({"ITEM_ID": ["untouched"], "KIND": ["x"]})
    model = train(CUSTOM_RECIPES[PERSONALIZED_RANKING], encode(shop, items), items)
    assert ids(model, rank(model, NO_HISTORY, codes_of(model["item_ids"], ["untouched", "milk"]))) == ["milk"]
