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


def test_sims_go_by_the_users_in_common_alone(shop, events):
    recipe = CUSTOM_RECIPES["aws-sims"]
    assert encode(shop).item_ids.tolist() == events.item_ids.tolist()
    tent = int(codes_of(events.item_ids, ["tent"])[0])
    model = train(recipe, events)
    answer = recommend(recipe, model, item=tent, k=5)
    assert ids(model, answer)[0] == "pegs" and answer.scores is None
    users = {item: set(shop.loc[shop["ITEM_ID"] == item, "USER_ID"]) for item in ("tent", "ink")}
    start, ink = model["start"][tent], int(codes_of(events.item_ids, ["ink"])[0])
    place = start + model["companions"][start : model["start"][tent + 1]].tolist().index(ink)
    cosine = len(users["tent"] & users["ink"]) / np.sqrt(len(users["tent"]) * len(users["ink"]))
    assert model["scores"][place] == pytest.approx(cosine)


def test_the_discount_of_sims_leads_from_popular_to_specific_items():
    rows = [(f"u{n}", item, START + n, "View") for n in range(40) for item in ("asked", "everywhere")]
    rows += [(f"u{n}", "special", START + n, "View") for n in range(9)]
    rows += [(f"v{n}", "everywhere", START + n, "View") for n in range(400)]
    events, recipe = encode(log(rows)), CUSTOM_RECIPES["aws-sims"]
    first = {}
    for discount in (0.0, 1.0):
        model = train(recipe, events, None, Settings(sims_discount_factor=discount), minimums=False)
        first[discount] = ids(model, recommend(recipe, model, item=0, k=1))
    assert first == {0.0: ["everywhere"], 1.0: ["special"]}


def test_a_ranking_and_the_hrnn_recipes_do_not_explore(shop):
    """Their metrics are those of what was learnt: with exploration they would be User-Personalization's."""
    items = pd.DataFrame({"ITEM_ID": [f"new-{n}" for n in range(30)], "CREATION_TIMESTAMP": START + 12 * 86_400})
    events = encode(shop, items)
    for name in (PERSONALIZED_RANKING, "aws-hrnn", "aws-hrnn-metadata"):
        model = train(CUSTOM_RECIPES[name], events, items)
        given = recommend(CUSTOM_RECIPES[name], model, k=60, settings=Settings(exploration_weight=1.0))
        plain = recommend(CUSTOM_RECIPES[name], model, k=60, settings=Settings(exploration_weight=0.0))
        assert given.items.tolist() == plain.items.tolist()
    explored, learnt = (evaluate(CUSTOM_RECIPES[name], events, items) for name in (USER_PERSONALIZATION, "aws-hrnn"))
    assert explored.metrics["coverage"] > learnt.metrics["coverage"]


def test_similar_items_are_evaluated_once_for_each_user(events):
    """Recorded metrics of SIMS are means over a tenth of the users; ours were over the items of their visits."""
    for name in (SIMILAR, "aws-sims"):
        found = evaluate(CUSTOM_RECIPES[name], events)
        assert found.requests == found.test_users == 6


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
    metrics.pop("hits_at_1_percent", None)  # a number of users
    assert 0 < metrics["coverage"] <= 1 and all(0 <= value <= 1 for value in metrics.values())


def test_items_without_interactions_have_no_rank(shop):
    items = pd.DataFrame({"ITEM_ID": ["untouched"], "KIND": ["x"]})
    model = train(CUSTOM_RECIPES[PERSONALIZED_RANKING], encode(shop, items), items)
    assert ids(model, rank(model, NO_HISTORY, codes_of(model["item_ids"], ["untouched", "milk"]))) == ["milk"]
