"""The labs' raw data: what the notebooks count on, and how it is made from the dataset grocery."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest

from workshop import raw_data


@pytest.fixture
def read():
    def table(archive: str, name: str) -> pd.DataFrame:
        with zipfile.ZipFile(raw_data.NOTEBOOKS / "data" / archive) as opened, opened.open(name) as file:
            return pd.read_csv(file)

    return table


def test_sales_have_a_row_for_each_item_and_day(read):
    sales, prices, items = (read("sales.zip", name) for name in ("sales.csv", "prices.csv", "items.csv"))
    days = pd.date_range("2017-01-01", raw_data.LAST_DAY).strftime("%Y-%m-%d")
    grid = {(day, item) for day in days for item in raw_data.ITEMS}
    for table in (sales, prices):
        assert set(zip(table.day, table.item)) == grid
        assert len(table) == len(grid)
    assert tuple(items.item) == raw_data.ITEMS


def test_shop_events_are_of_its_households_and_products(read):
    events, products, households = (read("shop.zip", f"{name}.csv") for name in ("events", "products", "households"))
    assert set(events.household) <= set(households.household)
    assert set(events["product"]) <= set(products["product"])
    assert set(events.event_type) == set(raw_data.EVENT_NAMES.values())
    assert len(households) == raw_data.HOUSEHOLDS


def test_the_data_is_small_enough_for_git():
    assert sum(path.stat().st_size for path in (raw_data.NOTEBOOKS / "data").iterdir()) < 1_500_000


def test_the_same_tables_give_the_same_bytes(tmp_path: Path):
    table = {"a.csv": pd.DataFrame({"x": [1, 2]})}
    for name in ("one.zip", "two.zip"):
        raw_data.write(tmp_path / name, table)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_sales_go_on_into_the_days_that_grocery_holds_back(tmp_path: Path):
    item = raw_data.ITEMS[0]
    for file, text in {
        "forecasting/grocery/target/target.csv": f"{item},2017-12-03,5\nother,2017-12-03,6\n",
        "forecasting/grocery/related/related.csv": f"{item},2017-12-04,1.5,0.2\n{item},2017-12-31,1.5,0\n",
        "forecasting/grocery/metadata/metadata.csv": f"{item},Soup,national,Grocery\n",
        "actuals.csv": f"item_id,timestamp,demand\n{item},2017-12-04,7\n{item},2017-12-31,8\n",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    made = raw_data.sales(tmp_path)
    assert made["sales.csv"].values.tolist() == [["2017-12-03", item, 5], ["2017-12-04", item, 7]]
    assert made["prices.csv"].values.tolist() == [["2017-12-04", item, 1.5, 0.2]]
