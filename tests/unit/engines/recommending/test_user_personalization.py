import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from storecast_engines.recommending import (
    CUSTOM_RECIPES,
    NO_HISTORY,
    USER_PERSONALIZATION,
    History,
    Settings,
    als,
    codes_of,
    ease,
    encode,
    evaluate,
    recommend,
    train,
    user_personalization,
)
from tests.unit.engines.recommending.conftest import DAY, START, log


def viewed(*codes):
    return History(np.array(codes), np.array(["View"] * len(codes)))


def test_ease_equals_its_closed_form():
    rng = np.random.default_rng(0)
    dense = (rng.random((30, 6)) < 0.4).astype(np.float32)
    inverse = np.linalg.inv(dense.T @ dense + ease.L2 * np.eye(6))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    model = ease.train(sparse.csr_matrix(dense))
    assert model["ease"] == pytest.approx(expected, rel=1e-3, abs=1e-7)
    assert ease.scores(model, np.array([1, 4]), np.array([1.0, 0.5])) == pytest.approx(
        expected[1] + 0.5 * expected[4], rel=1e-3, abs=1e-7
    )


def test_als_fold_in_solves_the_users_equation():
    factors = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], dtype=np.float32)
    model = {"factors": factors, "gram": factors.T @ factors}
    confidence = 1 + als.ALPHA * 0.5
    left = factors.T @ np.diag([1, 1, confidence]) @ factors + als.L2 * np.eye(2)
    user = np.linalg.solve(left, factors.T @ np.diag([1, 1, confidence]) @ np.array([0, 0, 1.0]))
    assert als.scores(model, np.array([2]), np.array([0.5])) == pytest.approx(factors @ user, rel=1e-5)


def test_weighted_history_is_distinct_newest_first_and_damped():
    items, weights = user_personalization.weighted_history(np.array([5, 3, -1, 5, 5, 2, 9]), 0.5, 3)
    assert items.tolist() == [9, 2, 5]  # 3 is beyond the reach of three items
    assert weights.tolist() == pytest.approx([1.0, 0.5, 2.0 * 0.25])  # log2(1 + 3 events) = 2


def test_age_is_from_creation_else_the_oldest_event_else_new():
    events = encode(
        log(
            [
                ("a", "old", START, "View"),
                ("a", "born", START + 9 * DAY, "View"),
                ("a", "old", START + 10 * DAY, "View"),
            ]
        ),
        pd.DataFrame({"ITEM_ID": ["unseen"]}),
    )
    items = pd.DataFrame({"ITEM_ID": ["born", "old", "gone"], "CREATION_TIMESTAMP": [START + 4 * DAY, None, START]})
    assert dict(zip(events.item_ids.tolist(), user_personalization.age_days(events, items), strict=True)) == {
        "born": 6.0,
        "old": 10.0,
        "unseen": 0.0,
    }


@pytest.mark.parametrize("ease_max_items", [5000, 0], ids=["ease", "als"])
def test_users_get_the_items_of_their_kind(shop, ease_max_items):
    events = encode(shop)
    settings = Settings(ease_max_items=ease_max_items, exploration_weight=0.0)
    model = user_personalization.train(events, None, settings)
    assert ("ease" in model) == (ease_max_items > 0)
    for parity in (0, 1):
        history = viewed(*[int(np.searchsorted(events.item_ids, f"item-{n + parity:02d}")) for n in (0, 6, 12)])
        allowed = np.char.startswith(events.item_ids, "item-")
        answer = user_personalization.recommend(model, history, None, 8, allowed, settings)
        numbers = [int(item[-2:]) for item in events.item_ids[answer.items]]
        assert sum(number % 2 == parity for number in numbers) >= 7


def test_ease_learns_from_the_most_met_items_and_als_takes_over_where_they_carry_too_few_events():
    rows = [
        (f"u{n % 9}", item, START + n, "View") for item, met in (("a", 45), ("b", 43), ("c", 12)) for n in range(met)
    ]
    events = encode(log(rows))
    two, one = (user_personalization.train(events, None, Settings(ease_max_items=most)) for most in (2, 1))
    assert two["columns"].tolist() == [0, 1] and two["ease"].shape == (2, 2)  # 88% of the events
    assert one["columns"].tolist() == [0, 1, 2] and "ease" not in one
    answer = user_personalization.recommend(two, viewed(2, 0), None, 3, np.ones(3, dtype=bool), Settings())
    assert sorted(answer.items.tolist()) == [0, 1, 2]


def test_scores_are_a_softmax_over_the_catalogue_before_the_filter(shop):
    events = encode(shop)
    model = user_personalization.train(events, None, Settings())
    everything = np.ones(len(events.item_ids), dtype=bool)
    full = user_personalization.recommend(model, viewed(3), None, 1000, everything, Settings())
    assert len(full.items) == len(events.item_ids)
    assert full.scores.sum() == pytest.approx(1)
    assert (np.diff(full.scores) <= 0).all()
    some = np.zeros(len(events.item_ids), dtype=bool)
    some[full.items[4]] = True
    filtered = user_personalization.recommend(model, viewed(3), None, 5, some, Settings())
    assert filtered.items.tolist() == [full.items[4]]
    assert filtered.scores[0] == full.scores[4]


@pytest.mark.parametrize("history", [NO_HISTORY, viewed(-1, -1)], ids=["new user", "unknown items only"])
def test_new_users_get_popular_items(shop, history):
    events = encode(shop)
    settings = Settings(exploration_weight=0.0)
    model = user_personalization.train(events, None, settings)
    answer = user_personalization.recommend(
        model, history, None, 5, np.ones(len(events.item_ids), dtype=bool), settings
    )
    counts = events.item_counts()
    assert counts[answer.items].tolist() == sorted(counts, reverse=True)[:5]


def test_exploration_lifts_a_new_item_by_its_weight_and_only_within_the_cut_off(shop):
    events = encode(shop, pd.DataFrame({"ITEM_ID": ["brand-new"]}))
    model = user_personalization.train(events, None, Settings())
    new = int(np.searchsorted(events.item_ids, "brand-new"))
    history = viewed(int(np.searchsorted(events.item_ids, "printer")))

    def place(model, **settings):
        everything = np.ones(len(events.item_ids), dtype=bool)
        return (
            user_personalization.recommend(model, history, None, 100, everything, Settings(**settings))
            .items.tolist()
            .index(new)
        )

    places = [place(model, exploration_weight=weight) for weight in (0.0, 0.3, 1.0)]
    assert places[0] > places[1] > places[2]
    aged = model | {"age_days": model["age_days"] + 31}
    assert place(aged, exploration_weight=1.0) == places[0]
    assert place(aged, exploration_weight=1.0, exploration_item_age_cut_off=40) == places[2]


def test_viewed_items_return_as_far_as_users_come_back_to_items():
    """At once, as with a click and a purchase of the same item, later, or not at all."""
    once = [(f"u{u}", f"i{(u + n) % 30:02d}", START + n * 60, "View") for u in range(30) for n in range(5)]
    twice = once + [(user, item, time + 1, "Purchase") for user, item, time, _ in once]
    later = once + [(user, item, time + DAY, kind) for user, item, time, kind in once]
    returns, places = {}, {}
    for name, rows in {"never": once, "at once": twice, "later": later}.items():
        events = encode(log(rows))
        model = user_personalization.train(events, None, Settings())
        everything = np.ones(len(events.item_ids), dtype=bool)
        answer = user_personalization.recommend(model, viewed(9, 8, 7), None, 30, everything, Settings())
        assert answer.scores.sum() == pytest.approx(1)
        returns[name] = model["returns"].round(2).tolist()
        places[name] = [answer.items.tolist().index(item) for item in (7, 8)]
    assert returns == {"never": [0.98, 0.01, 0.01], "at once": [0.44, 0.0, 0.55], "later": [0.44, 0.55, 0.0]}
    assert min(places["never"]) >= 27, "behind all that is new"
    assert places["at once"][0] == 0 and places["at once"][1] >= 27
    assert places["later"][1] == 0 and places["later"][0] >= 27


def test_a_history_that_holds_the_whole_catalogue_has_an_answer():
    events = encode(log([(f"u{u}", item, START + n, "View") for u in range(9) for n, item in enumerate("ab")]))
    model = user_personalization.train(events, None, Settings())
    answer = user_personalization.recommend(model, viewed(0, 1), None, 2, np.ones(2, dtype=bool), Settings())
    assert answer.scores.sum() == pytest.approx(1)


def test_the_weights_of_event_types_count_by_their_ratio() -> None:
    """Users view one kind of items and purchase another: the type that counts says which kind is likely."""
    rows = []
    for user in range(60):
        kinds = (("View", f"seen{user % 2}"), ("Purchase", f"bought{user // 2 % 2}"))
        rows += [(f"u{user}", f"{kind}-{n}", START + n, event) for event, kind in kinds for n in range(4)]
    events = encode(log(rows))
    history = History(codes_of(events.item_ids, ["seen0-0", "bought1-0"]), np.array(["View", "Purchase"]))
    first = {}
    for name, weights in {
        "views": {"View": 1.0, "Purchase": 0.0},
        "purchases": {"View": 0.0, "Purchase": 1.0},
        "a tenth": {"View": 0.0, "Purchase": 0.1},
    }.items():
        settings = Settings(event_weights=weights, exploration_weight=0.0)
        model = train(CUSTOM_RECIPES[USER_PERSONALIZATION], events, None, settings, minimums=False)
        found = recommend(CUSTOM_RECIPES[USER_PERSONALIZATION], model, history=history, k=3, settings=settings)
        first[name] = {str(each).partition("-")[0] for each in events.item_ids[found.items]}
    assert first == {"views": {"seen0"}, "purchases": {"bought1"}, "a tenth": {"bought1"}}


def test_an_objective_lifts_items_of_high_value(shop) -> None:
    names = sorted(shop["ITEM_ID"].unique())
    items = pd.DataFrame({"ITEM_ID": names, "PRICE": [float(n) for n in range(len(names))]})
    events, recipe = encode(shop, items), CUSTOM_RECIPES[USER_PERSONALIZATION]
    history = events.history(events.rows_of(0))
    means, rewards = [], []
    for weight in (0.0, 0.25, 0.5, 0.75, 1.0):
        settings = Settings(objective="PRICE", objective_weight=weight)
        model = train(recipe, events, items, settings)
        shown = recommend(recipe, model, history=history, k=10, settings=settings).items
        means.append(float(model["reward"][shown].mean()))
        rewards.append(evaluate(recipe, events, items, settings).metrics["average_rewards_at_k"])
    assert means == sorted(means) and means[0] < means[-1] == np.mean(range(len(names))[-10:])
    assert all(0 < each <= 1 for each in rewards)
    plain = train(recipe, events, items)
    assert "objective" not in plain and "average_rewards_at_k" not in evaluate(recipe, events, items).metrics
