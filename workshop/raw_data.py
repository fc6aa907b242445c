"""`python -m workshop.raw_data`: writes the workshop's two raw data files, notebooks/data/{sales,shop}.zip.

They are a part of the dataset `grocery` (data/grocery/README.md: origin, licence, what is simulated) under the column
names that a till or a web shop would use, so that the notebooks have something to select, rename and map.
"""

import io
import zipfile
from pathlib import Path

import pandas as pd

from data.grocery.prepare import prepare

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
BUILD = Path("build/data/grocery")
ITEMS = (
    "bag-snacks-potato-chips",
    "berries-strawberries",
    "condensed-soup",
    "fluid-milk-white-only",
    "frozen-economy-entrees",
    "mainstream-white-bread",
    "pizza-economy",
    "shredded-cheese",
    "soft-drink-powder-pouches",
    "soft-drinks-12-to-18-cans",
    "tropical-fruit-bananas",
    "yogurt-not-multi-packs",
)
LAST_DAY = "2017-12-17"  # a week before Christmas, which a year of history cannot teach
HOUSEHOLDS = 400
EVENT_NAMES = {"View": "view", "AddToCart": "cart", "Purchase": "purchase"}


def sales(folder: Path) -> dict[str, pd.DataFrame]:
    """Units, prices and attributes of ITEMS from 1 January to LAST_DAY, one row per item and day."""
    part = folder / "forecasting/grocery"
    history = pd.read_csv(part / "target/target.csv", names=["item", "day", "units"])
    later = pd.read_csv(folder / "actuals.csv").set_axis(["item", "day", "units"], axis="columns")
    prices = pd.read_csv(part / "related/related.csv", names=["item", "day", "price", "promotion"])
    items = pd.read_csv(part / "metadata/metadata.csv", names=["item", "category", "brand", "department"])
    return {
        "sales.csv": _of_workshop(pd.concat([history, later])),
        "prices.csv": _of_workshop(prices),
        "items.csv": items[items.item.isin(ITEMS)],
    }


def _of_workshop(table: pd.DataFrame) -> pd.DataFrame:
    chosen = table[table.item.isin(ITEMS) & (table.day <= LAST_DAY)].sort_values(["day", "item"])
    return chosen[["day", "item", *chosen.columns[2:]]]


def shop(folder: Path) -> dict[str, pd.DataFrame]:
    """Events of the first HOUSEHOLDS households, these households, and all products."""
    part = folder / "recommending/grocery"
    users = pd.read_csv(part / "users/users.csv").head(HOUSEHOLDS)
    items = pd.read_csv(part / "items/items.csv")
    events = pd.read_csv(part / "interactions/interactions.csv")
    events = events[events.USER_ID.isin(users.USER_ID)]
    return {
        "events.csv": pd.DataFrame(
            {
                "event_time": pd.to_datetime(events.TIMESTAMP, unit="s").dt.strftime("%Y-%m-%d %H:%M:%S"),
                "event_type": events.EVENT_TYPE.map(EVENT_NAMES),
                "household": events.USER_ID,
                "product": events.ITEM_ID,
                "price": events.ITEM_ID.map(items.set_index("ITEM_ID").PRICE),
            }
        ),
        "products.csv": items.rename(
            columns={
                "ITEM_ID": "product",
                "PRODUCT_NAME": "name",
                "CATEGORY_L1": "department",
                "CATEGORY_L2": "category",
                "CATEGORY_L3": "type",
                "PRICE": "price",
                "BRAND": "brand",
            }
        ),
        "households.csv": users.rename(columns=lambda name: name.lower()).rename(columns={"user_id": "household"}),
    }


def write(path: Path, tables: dict[str, pd.DataFrame]) -> None:
    """A zip of CSV files; the same tables give the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, table in tables.items():
            text = io.StringIO()
            table.to_csv(text, index=False)
            about = zipfile.ZipInfo(name, date_time=(2018, 1, 1, 0, 0, 0))
            archive.writestr(about, text.getvalue(), zipfile.ZIP_DEFLATED, 9)


def main() -> None:
    prepare(BUILD, full=False, seed=0)
    for name, tables in (("sales.zip", sales(BUILD)), ("shop.zip", shop(BUILD))):
        write(NOTEBOOKS / "data" / name, tables)
        print(name, {file: len(table) for file, table in tables.items()}, (NOTEBOOKS / "data" / name).stat().st_size)


if __name__ == "__main__":
    main()
