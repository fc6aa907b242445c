import dataclasses
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storecast_engines.recommending import (
    NO_HISTORY,
    RECIPES,
    History,
    InsufficientData,
    Settings,
    encode,
    evaluate,
    load,
    recommend,
    save,
    train,
)
from storecast_engines.recommending.evaluate import requests, split_users
from tests.unit.engines.recommending.conftest import DAY, START, log

VIEWS, PURCHASES, TOGETHER, ALSO_VIEWED, FOR_YOU = RECIPES.values()


@pytest.fixture(scope="module")
def trained(shop):
    events = encode(shop, pd.DataFrame({"ITEM_ID": ["untouched"]}))
    return events, {name: train(recipe, events) for name, recipe in RECIPES.items()}


def test_recipes_ask_for_what_the_guide_says():
    facts = {
        name.removeprefix("aws-ecomm-"): (r.event_type, r.needs_user, r.needs_item, r.excludes, r.explores)
        for name, r in RECIPES.items()
    }
    assert facts == {
        "popular-items-by-views": ("View", True, False, None, False),
        "popular-items-by-purchases": ("Purchase", True, False, None, False),
        "frequently-bought-together": ("Purchase", False, True, None, False),
        "customers-who-viewed-x-also-viewed": ("View", True, True, "Purchase", False),
        "recommended-for-you": (None, True, False, "Purchase", True),
    }


def test_popularity_counts_events_of_its_type_not_users(trained):
    rows = [("fan", "x", n, "View") for n in range(5)] + [(f"u{n}", "y", n, "View") for n in range(4)]
    rows += [("u0", "z", n, "Purchase") for n in range(9)]
    events = encode(log(rows))
    model = {"item_ids": events.item_ids, **VIEWS.train(events.of_type("View"), None, Settings())}
    assert events.item_ids[recommend(VIEWS, model, k=10).items].tolist() == ["x", "y"]  # z was never viewed


def test_training_checks_the_minimums_of_its_own_event_type(shop):
    views_only = encode(shop[shop.EVENT_TYPE == "View"])
    train(VIEWS, views_only)
    with pytest.raises(InsufficientData, match="event type: Purchase"):
        train(PURCHASES, views_only)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_saved_model_recommends_the_same(trained, recipe):
    events, models = trained
    model = models[recipe.name]
    again = load(save(model))
    history = events.history(events.rows_of(0))
    one, two = (recommend(recipe, m, k=10, history=history, item=3) for m in (model, again))
    assert one.items.tolist() == two.items.tolist()
    assert all(array.dtype != object for array in again.values())


@pytest.mark.parametrize("recipe", [ALSO_VIEWED, FOR_YOU], ids=lambda r: r.name)
def test_purchased_items_are_taken_out_where_the_guide_says_so(trained, recipe):
    _, models = trained
    answer = recommend(
        recipe, models[recipe.name], k=100, history=History(np.array([4]), np.array(["Purchase"])), item=1
    )
    assert 4 not in answer.items
    seen = recommend(recipe, models[recipe.name], k=100, history=History(np.array([4]), np.array(["View"])), item=1)
    assert 4 in seen.items


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_request_gives_distinct_allowed_items(trained, data):
    events, models = trained
    n = len(events.item_ids)
    recipe = data.draw(st.sampled_from(list(RECIPES.values())))
    size = data.draw(st.integers(0, 8))
    history = History(
        np.array(data.draw(st.lists(st.integers(-1, n - 1), min_size=size, max_size=size)), dtype=np.int64),
        np.array(
            data.draw(st.lists(st.sampled_from(["View", "Purchase"]), min_size=size, max_size=size)), dtype=np.str_
        ),
    )
    item = data.draw(st.one_of(st.none(), st.integers(-1, n - 1)))
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    k = data.draw(st.integers(1, 2 * n))
    answer = recommend(recipe, models[recipe.name], k=k, history=history, item=item, allowed=allowed)
    assert len(answer.items) == len(set(answer.items.tolist())) <= k
    assert allowed[answer.items].all()
    if recipe.needs_item:
        assert item not in answer.items.tolist()
    if answer.scores is not None:
        assert (np.diff(answer.scores) <= 0).all()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_no_candidates_give_an_empty_answer(trained, recipe):
    events, models = trained
    nothing = np.zeros(len(events.item_ids), dtype=bool)
    assert recommend(recipe, models[recipe.name], k=5, item=0, allowed=nothing).items.size == 0


def test_the_split_holds_a_tenth_of_the_users_and_folds_are_disjoint(shop):
    events = encode(shop)
    tested = []
    for fold in range(10):
        training, test = split_users(events, fold)
        assert len(training) + len(test) == len(events)
        assert not set(training.users.tolist()) & set(test.users.tolist())
        tested += np.unique(test.users).tolist()
    assert sorted(tested) == list(range(60))


def one_user(kinds_and_items: list[tuple[str, str]], gap: int = DAY):
    return encode(log([("u", item, START + n * gap, kind) for n, (kind, item) in enumerate(kinds_and_items)]))


def test_the_oldest_nine_tenths_are_input_and_the_newest_tenth_is_the_truth():
    events = one_user([("View", f"i{n:02d}") for n in range(20)])
    (request,) = requests(FOR_YOU, events, Settings())
    assert request.history.items.tolist() == list(range(18))
    assert request.truth.tolist() == [18, 19]


def test_the_truth_is_of_the_recipes_type_and_not_yet_purchased():
    rows = [("Purchase", "bought")] + [("View", "x")] * 26 + [("Purchase", "new"), ("View", "seen"), ("View", "bought")]
    events = one_user(rows)

    def truths(recipe):
        return [events.item_ids[request.truth].tolist() for request in requests(recipe, events, Settings())]

    assert truths(FOR_YOU) == [["new", "seen"]]
    assert truths(VIEWS) == [["bought", "seen"]]
    assert truths(PURCHASES) == [["new"]]


def test_related_recipes_are_asked_for_each_item_of_a_basket_begun_in_the_newest_tenth():
    rows = [("u", "old", START + n * DAY, "Purchase") for n in range(36)]
    begun = START + 35 * DAY + 10  # same basket as the last input event: not asked
    rows += [("u", item, begun, "Purchase") for item in ("late", "later")]
    rows += [("u", item, START + 90 * DAY, "Purchase") for item in ("a", "b", "c")]
    events = encode(log(rows))
    asked = [(r.item, r.truth.tolist()) for r in requests(TOGETHER, events, Settings())]
    assert [(events.item_ids[i], events.item_ids[t].tolist()) for i, t in asked] == [
        ("a", ["b", "c"]),
        ("b", ["a", "c"]),
        ("c", ["a", "b"]),
    ]


def test_evaluation_beats_popularity_where_habits_are_planted(shop):
    events = encode(shop)
    for recipe in (TOGETHER, FOR_YOU):
        result = evaluate(recipe, events, folds=3)
        assert result.test_users == 18
        name = "mean_reciprocal_rank_at_25"
        assert result.metrics[name] > 1.15 * result.popularity[name]
    alike = evaluate(PURCHASES, events)
    assert alike.metrics == alike.popularity
    assert evaluate(FOR_YOU, events) == evaluate(FOR_YOU, events)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_tiny_and_one_sided_logs_do_not_crash_the_evaluation(recipe):
    for rows in ([("u", "x", START, "View")], [(f"u{n}", "x", START, "AddToCart") for n in range(12)]):
        result = evaluate(recipe, encode(log(rows)))
        assert 0 <= result.metrics["precision_at_5"] <= 0.2  # the only item there is
        assert result.requests == 0 or recipe is FOR_YOU


def test_answering_loads_neither_pandas_nor_scipy(trained, tmp_path):
    _, models = trained
    (tmp_path / "model.npz").write_bytes(save(models[FOR_YOU.name]))
    program = (
        "import sys, pathlib; from storecast_engines.recommending import RECIPES, load, recommend;"
        f"model = load(pathlib.Path({str(tmp_path / 'model.npz')!r}).read_bytes());"
        f"recommend(RECIPES[{FOR_YOU.name!r}], model, k=3);"
        "print(sorted({'pandas', 'scipy', 'implicit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_settings_out_of_range_are_named():
    with pytest.raises(ValueError, match="exploration_weight is 1.5: it must be between 0.0 and 1.0"):
        Settings(exploration_weight=1.5)
    assert dataclasses.replace(Settings(), exploration_item_age_cut_off=1).exploration_item_age_cut_off == 1
    assert NO_HISTORY.items.size == 0
