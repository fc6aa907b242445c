"""The filter language: what is read, and what is refused with the place and what belongs there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast_engines.filters import FilterError, parse, parse_values
from storecast_engines.filters.grammar import Combination, Condition, Expression, Field, Parameter

CATEGORY, PRICE = Field("Items", "CATEGORY"), Field("Items", "PRICE")


def test_one_expression() -> None:
    assert parse('EXCLUDE ItemID WHERE Items.CATEGORY IN ("shoe", "boot")') == (
        Expression(False, Condition(CATEGORY, "IN", ("shoe", "boot"))),
    )


def test_keywords_datasets_and_fields_in_any_case_but_not_values_or_parameters() -> None:
    (expression,) = parse('include itemid where ITEMS.category in ("Shoe") if currentuser.age = $Age')
    assert expression.where == Condition(CATEGORY, "IN", ("Shoe",))
    assert expression.only_if == (Condition(Field("CurrentUser", "AGE"), "=", (Parameter("Age"),)),)
    assert expression.parameters() == {"Age"}


def test_and_binds_closer_than_or() -> None:
    (expression,) = parse('INCLUDE ItemID WHERE Items.PRICE < 5 OR Items.PRICE >= 9.5 AND Items.CATEGORY NOT IN ("x")')
    high = Combination("AND", (Condition(PRICE, ">=", (9.5,)), Condition(CATEGORY, "NOT IN", ("x",))))
    assert expression.where == Combination("OR", (Condition(PRICE, "<", (5.0,)), high))


def test_the_current_item_with_and_without_parentheses() -> None:
    price, category = (Field("CurrentItem", name) for name in ("PRICE", "CATEGORY"))
    wanted = Combination("AND", (Condition(PRICE, "<", (price,)), Condition(CATEGORY, "IN", (category,))))
    for text in ("IN CurrentItem.CATEGORY", "IN (CurrentItem.CATEGORY)"):
        (expression,) = parse(f"INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE AND Items.CATEGORY {text}")
        assert expression.where == wanted


def test_pipes_and_any_event() -> None:
    first, second = parse(
        "INCLUDE ItemID WHERE Items.CATEGORY IN ($c)|EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)"
    )
    assert first.include and not second.include
    assert second.where == Condition(Field("Interactions", "EVENT_TYPE"), "IN", None)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", ["end of expression", "INCLUDE or EXCLUDE", "character 1"]),
        ("REMOVE ItemID", ["REMOVE", "INCLUDE or EXCLUDE", "character 1"]),
        ("EXCLUDE Items WHERE", ["Items", "ItemID", "character 9"]),
        ("INCLUDE UserID WHERE Users.AGE < 3", ["UserID", "not implemented"]),
        ('EXCLUDE ItemID Items.A IN ("x")', ["Items", "WHERE", "character 16"]),
        ('EXCLUDE ItemID WHERE Stock.A IN ("x")', ["Stock", "Items.field or Interactions.field"]),
        ('EXCLUDE ItemID WHERE Items A IN ("x")', ["A", "Expected .", "character 28"]),
        ('EXCLUDE ItemID WHERE Items.A ("x")', ["(", "IN, NOT IN or one of"]),
        ("EXCLUDE ItemID WHERE Items.A IN x", ["x", "CurrentItem.field"]),
        ('EXCLUDE ItemID WHERE Items.A IN "x"', ['"x"', "( or CurrentItem.field", "character 33"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x" "y")', ['"y"', "Expected )", "character 38"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x",)', [")", "a value in double quotes"]),
        ("EXCLUDE ItemID WHERE Items.A IN ()", [")", "a value in double quotes"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x', ['"x', 'closing "', "character 34"]),
        ("EXCLUDE ItemID WHERE Items.A IN (*)", ["*", "a value in double quotes"]),
        ("EXCLUDE ItemID WHERE Items.A IN ($)", ["$", "name of a parameter"]),
        ("EXCLUDE ItemID WHERE Items.A IN ($a, $b)", [",", "Expected )"]),
        ("EXCLUDE ItemID WHERE Items.A NOT IN ($p)", ["$p", "Placeholders are not allowed with NOT_IN operator."]),
        ('EXCLUDE ItemID WHERE Items.A = "x"', ['"x"', "IN or NOT IN", "character 32"]),
        ("EXCLUDE ItemID WHERE Items.A < 1.2.3", ["1.2.3", "a number"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x") AND Interactions.EVENT_TYPE IN (*)', ["Interactions", "Items.field"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x") OR CurrentUser.B = 1', ["CurrentUser", "Items.field"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x") IF Items.B = 1', ["Items", "CurrentUser.field"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x") IF CurrentUser.B = 1 IF CurrentUser.C = 1', ["IF", "character 60"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x") IF CurrentUser.B = 1 OR CurrentUser.C = 1', ["OR"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x") |', ["end of expression", "INCLUDE or EXCLUDE", "character 40"]),
        ('EXCLUDE ItemID WHERE Items.A IN ("x") ; ', [";", "character 39"]),
    ],
)
def test_a_malformed_filter_says_where_and_what(text: str, words: list[str]) -> None:
    with pytest.raises(FilterError) as raised:
        parse(text)
    assert str(raised.value).startswith("Could not create filter. Invalid input symbol: ")
    for word in words:
        assert word in str(raised.value)


def test_values_of_a_request() -> None:
    assert parse_values("GENRE", '"a","b, c", "say \\"d\\""') == ("a", "b, c", 'say "d"')
    assert parse_values("AGE", "-18.5") == (-18.5,)
    for wrong in ("drama", '"a",', '"a" "b"', "", '"a'):
        with pytest.raises(FilterError, match="filterValues: the value of GENRE is"):
            parse_values("GENRE", wrong)


WORDS = ["EXCLUDE", "INCLUDE", "ItemID", "WHERE", "Items.A", "IN", "NOT", "(", ")", '"x"', "$p", "<", "3", "|", "IF"]


@given(st.text(max_size=40) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert parse(text)
    except FilterError as error:
        assert "character" in str(error)
