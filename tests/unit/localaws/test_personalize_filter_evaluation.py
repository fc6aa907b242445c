"""Which items a filter allows, on a shop of five items."""

import numpy as np
import pytest

from localaws.services.personalize.filters import Situation, Table, allowed
from storecast_engines.filters import FilterError, parse
from storecast_engines.recommending import History

IDS = np.array(["apple", "bread", "cola", "dates", "extra"])
RECORDS = {
    "apple": {"PRICE": 1.0, "CATEGORY": "fruit|fresh"},
    "bread": {"PRICE": 3.0, "CATEGORY": "bakery|fresh"},
    "cola": {"PRICE": 2.0, "CATEGORY": "drinks"},
    "dates": {"PRICE": None, "CATEGORY": "fruit"},
}  # extra has events alone
VIEWED_APPLE_BOUGHT_COLA = History(np.array([0, 2, -1]), np.array(["View", "Purchase", "View"]))


def asked(text: str, user: dict | None = None, item: int | None = None, **values: tuple) -> str:
    """The first letters of the items that the filter allows."""
    person = Table.of(np.array(["u"]), {"u": user}) if user else None
    situation = Situation(Table.of(IDS, RECORDS), VIEWED_APPLE_BOUGHT_COLA, person, item)
    return "".join(each[0] for each in IDS[allowed(parse(text), situation, values)])


@pytest.mark.parametrize(
    "condition, met",
    [
        ('Items.CATEGORY IN ("fruit")', "ad"),
        ('Items.CATEGORY IN ("fruit", "drinks")', "acd"),
        ('Items.CATEGORY IN ("Fruit")', ""),
        ('Items.CATEGORY NOT IN ("fruit")', "bce"),
        ('Items.CATEGORY IN ("fruit") AND Items.CATEGORY IN ("fresh")', "a"),
        ('Items.CATEGORY IN ("drinks") OR Items.PRICE > 2.5', "bc"),
        ("Items.PRICE = 2", "c"),
        ("Items.PRICE != 2", "abde"),
        ("Items.PRICE <= 2", "ac"),
        ("Items.PRICE IN (1, 3)", "ab"),
        ('Interactions.EVENT_TYPE IN ("purchase")', "c"),
        ('Interactions.EVENT_TYPE NOT IN ("purchase")', "a"),
        ("Interactions.EVENT_TYPE IN (*)", "ac"),
    ],
)
def test_conditions(condition: str, met: str) -> None:
    assert asked(f"INCLUDE ItemID WHERE {condition}") == met
    assert set(asked(f"EXCLUDE ItemID WHERE {condition}")) == set("abcde") - set(met)


def test_chains_unite_alike_and_subtract_unlike_in_any_order() -> None:
    fruit, drinks = 'ItemID WHERE Items.CATEGORY IN ("fruit")', 'ItemID WHERE Items.CATEGORY IN ("drinks")'
    seen = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("VIEW")'
    assert asked(f"INCLUDE {fruit} | INCLUDE {drinks}") == "acd"
    assert asked(f"EXCLUDE {fruit} | EXCLUDE {drinks}") == "be"
    assert asked(f"INCLUDE {fruit} | INCLUDE {drinks} | {seen}") == asked(
        f"{seen} | INCLUDE {drinks} | INCLUDE {fruit}"
    )
    assert asked(f"INCLUDE {fruit} | {seen}") == "d"


def test_if_asks_the_current_user() -> None:
    text = 'INCLUDE ItemID WHERE Items.CATEGORY IN ("fruit") IF CurrentUser.AGE > 18 AND CurrentUser.CLUB IN ("gold")'
    assert asked(text, {"AGE": 30, "CLUB": "gold"}) == "ad"
    assert (
        asked(text, {"AGE": 30, "CLUB": "none"}) == asked(text, {"AGE": 18, "CLUB": "gold"}) == asked(text) == "abcde"
    )


def test_the_current_item() -> None:
    cheaper, alike = "Items.PRICE < CurrentItem.PRICE", "Items.CATEGORY IN CurrentItem.CATEGORY"
    assert asked(f"INCLUDE ItemID WHERE {cheaper}", item=1) == "ac"
    assert asked(f"INCLUDE ItemID WHERE {cheaper} AND {alike}", item=1) == "a"
    assert asked(f"INCLUDE ItemID WHERE {cheaper}", item=3) == asked(f"INCLUDE ItemID WHERE {alike}", item=-1) == ""


def test_parameters() -> None:
    include, exclude = "INCLUDE ItemID WHERE Items.PRICE <= $TOP", "EXCLUDE ItemID WHERE Items.CATEGORY IN ($GENRE)"
    assert asked(include, TOP=(2.0,)) == "ac"
    assert asked(exclude, GENRE=("fruit", "drinks")) == "be"
    assert asked(exclude) == "abcde"
    assert asked(f"{include} | {exclude}", TOP=(2.0,)) == "ac"
    with pytest.raises(FilterError, match=r"\$TOP"):
        asked(f"{include} | {exclude}", GENRE=("fruit",))
    with pytest.raises(FilterError, match="top"):
        asked(include, top=(2.0,))
    with pytest.raises(FilterError, match="one number"):
        asked(include, TOP=("cheap",))


def test_only_the_newest_100_interactions_of_a_type_count() -> None:
    many = History(np.array([0] + [1] * 100 + [2]), np.array(["View"] * 101 + ["Purchase"]))
    situation = Situation(Table.of(IDS, RECORDS), many)
    mask = allowed(parse("INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)"), situation, {})
    assert IDS[mask].tolist() == ["bread", "cola"]
