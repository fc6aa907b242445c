"""Readable names and ids, and the key that says whether a build is there."""

import pytest

from data.grocery import names
from data.summary import build_key


@pytest.mark.parametrize(
    "text, expected",
    [
        ("CANDY BARS (SINGLES)(INCLUDING", "Candy bars (singles)"),
        ("MISC. DAIRY", "Miscellaneous dairy"),
        ("FRZN  WHIPPED TOPPING", "Frozen whipped topping"),
        ("SFT DRNK 2 LITER BTL CARB INCL", "Soft drinks - 2 liter bottle"),
        ("A|B", "A/b"),
    ],
)
def test_readable(text, expected):
    assert names.readable(text) == expected


def test_a_type_that_says_nothing_alone_gets_its_category():
    assert names.full_type("ICE CREAM/MILK/SHERBTS", "PREMIUM") == "Ice cream/milk/sherbets - premium"
    assert names.full_type("FLUID MILK PRODUCTS", "FLUID MILK WHITE ONLY") == "Fluid milk white only"


def test_product_name_and_slug():
    assert names.product_name("Cream cheese", "L      8 OZ", "National", 317) == "Cream cheese, 8 oz, maker 317"
    assert names.product_name("Butter", "", "Private", 69) == "Butter, own brand"
    assert names.slug("Apples gala (bulk&bag)") == "apples-gala-bulk-bag"


def test_build_key_follows_arguments_and_code(tmp_path):
    code = tmp_path / "a.py"
    code.write_text("x = 1\n")
    key = build_key({"seed": 0}, [code])
    assert build_key({"seed": 0}, [code]) == key
    assert build_key({"seed": 1}, [code]) != key
    code.write_text("x = 2\n")
    assert build_key({"seed": 0}, [code]) != key
