import numpy as np
import pandas as pd
import pytest

from storecast_engines.recommending import NO_HISTORY, Settings, also_viewed, association, encode
from storecast_engines.recommending.association import visits
from storecast_engines.recommending.bought_together import log_likelihood_ratio, recommend, train
from tests.unit.engines.recommending.conftest import DAY, START, log


def basket_log(baskets: list[list[str]]):
    return encode(log([(f"u{n}", item, START, "Purchase") for n, basket in enumerate(baskets) for item in basket]))


def companions(events, model, item):
    code = int(np.searchsorted(events.item_ids, item))
    return events.item_ids[model["companions"][model["start"][code] : model["start"][code + 1]]].tolist()


def test_a_visit_ends_with_the_user_or_after_the_gap():
    rows = [("a", "x", 0), ("a", "y", 3600), ("a", "z", 7201), ("b", "x", 7300)]
    events = encode(log([(*row, "Purchase") for row in rows]))
    assert visits(events, 3600).tolist() == [0, 0, 1, 2]
    assert visits(events, 3601).tolist() == [0, 0, 0, 1]


def test_log_likelihood_ratio_of_a_known_table():
    # Table 10, 10 / 10, 70: G2 = 2 sum O ln(O/E) with E = 4, 16, 16, 64.
    by_hand = 2 * (10 * np.log(10 / 4) + 10 * np.log(10 / 16) * 2 + 70 * np.log(70 / 64))
    args = (np.array([10.0]), np.array([20.0]), np.array([20.0]), 100)
    assert log_likelihood_ratio(*args)[0] == pytest.approx(by_hand)
    assert log_likelihood_ratio(np.array([4.0]), np.array([20.0]), np.array([20.0]), 100)[0] == pytest.approx(
        0, abs=1e-9
    )


def test_the_score_of_a_planted_pair_is_the_formula():
    events = basket_log([["a", "b"]] * 20 + [["c"]] * 80)
    model = train(events, None, Settings(prior_groups=100, popularity_discount_factor=0.5))
    assert companions(events, model, "a") == ["b"]
    # k = n_a = 20, p_b = .2
    assert model["scores"][0] == pytest.approx((20 + 100 * 0.2) / (20 + 100) / 0.2**0.5)
    assert model["base"].tolist() == pytest.approx([0.2**0.5, 0.2**0.5, 0.8**0.5])


def test_also_viewed_is_the_cosine_of_the_viewers_on_whatever_days():
    rows = [(f"u{n}", "a", START, "View") for n in range(9)] + [
        (f"u{n}", "b", START + DAY, "View") for n in range(5, 9)
    ]
    events = encode(log([*rows, *rows, ("u0", "c", START, "View"), ("u1", "c", START, "View")]))
    model = also_viewed.train(events, None, Settings())
    assert companions(events, model, "a") == ["b"]  # a and c have but two viewers in common
    assert model["scores"].tolist() == pytest.approx([4 / (9 * 4) ** 0.5] * 2)


def test_pairs_of_all_blocks_of_items_are_found(shop, monkeypatch):
    events = encode(shop).of_type("Purchase")
    whole = train(events, None, Settings())
    monkeypatch.setattr(association, "BLOCK", 7)
    parts = train(events, None, Settings())
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_pairs_below_the_minimum_or_by_chance_or_repelling_are_not_companions():
    twice = basket_log([["a", "b"]] * 2 + [["c"]] * 500)
    assert companions(twice, train(twice, None, Settings()), "a") == []
    assert companions(twice, train(twice, None, Settings(min_cointeraction_count=2)), "a") == ["b"]
    chance = basket_log([["a", "b"]] * 6 + [["a"]] * 14 + [["b"]] * 14 + [["c"]] * 66)  # 4 expected: G2 = 1.5
    assert companions(chance, train(chance, None, Settings()), "a") == []
    repelling = basket_log([["a", "b"]] * 3 + [["a"]] * 100 + [["b"]] * 100)
    assert companions(repelling, train(repelling, None, Settings()), "a") == []


def test_planted_pairs_of_the_shop_come_first(shop):
    events = encode(shop).of_type("Purchase")
    model = train(events, None, Settings())
    for one, other in (("printer", "ink"), ("ink", "printer"), ("tent", "pegs"), ("pegs", "tent")):
        item = int(np.searchsorted(events.item_ids, one))
        allowed = np.arange(len(events.item_ids)) != item
        answer = recommend(model, NO_HISTORY, item, 5, allowed, Settings())
        assert events.item_ids[answer.items[0]] == other
        assert answer.scores is None


def test_unknown_items_and_items_without_company_get_popular_items():
    """And never an item that nobody bought, such as "d"."""
    rows = [(f"u{n}", item, START, "Purchase") for n, item in enumerate("aaabbbbbbbbbc")]
    events = encode(log(rows), pd.DataFrame({"ITEM_ID": ["d"]}))
    model = train(events, None, Settings())
    for item in (None, -1, 2):
        answer = recommend(model, NO_HISTORY, item, 5, np.array([True, True, item != 2, True]), Settings())
        assert events.item_ids[answer.items].tolist() == ["b", "a", "c"][: 2 if item == 2 else 3]


def test_a_robots_basket_is_ignored():
    crowd = [f"i{n:03d}" for n in range(501)]
    events = basket_log([crowd] * 5 + [["a", "b"]] * 5)
    assert companions(events, train(events, None, Settings()), "i000") == []


def test_discount_1_prefers_the_specific_companion_and_0_the_frequent_one():
    events = basket_log([["a", "b"]] * 10 + [["a", "rare"]] * 5 + [["b"]] * 30 + [["c"]] * 100)
    frequent = train(events, None, Settings(popularity_discount_factor=0.0, prior_groups=1))
    specific = train(events, None, Settings(popularity_discount_factor=1.0, prior_groups=1))
    assert companions(events, frequent, "a") == ["b", "rare"]
    assert companions(events, specific, "a") == ["rare", "b"]
