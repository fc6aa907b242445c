"""Real baskets as Amazon Personalize's items, users and Purchase events."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.grocery import names, source

DEMO_DAYS = 42
DEMO_BASKETS = 10  # an item is kept when at least so many of the chosen baskets hold it
FULL_BASKETS = 20
NOT_RECOMMENDED = "CIGARETTES|TOBACCO"  # bought, but no shop may or would suggest it


@dataclass(frozen=True)
class Baskets:
    """`lines`: USER_ID, ITEM_ID, TIMESTAMP (epoch seconds, UTC, one per basket) and basket_id, one row per item and
    basket. `items` and `users`: in the column order of pipeline.yaml, items followed by PRODUCT_NAME for display.
    """

    lines: pd.DataFrame
    items: pd.DataFrame
    users: pd.DataFrame


def named_goods(products: pd.DataFrame) -> pd.DataFrame:
    """Products with their `item`, the readable name: those of one type, package size and maker are one item.

    So strawberry and peach yogurt of one maker are the same item, and "bought together" speaks of yogurt and cereal
    rather than of two flavours. The grocer's own brand counts as one maker.
    """
    goods = products[~products.product_category.str.contains(NOT_RECOMMENDED)]
    parts = goods[["full_type", "package_size", "brand", "maker"]].itertuples(index=False)
    return goods.assign(item=[names.product_name(*part) for part in parts])


def baskets(grocer: source.Grocer, *, full: bool) -> Baskets:
    """Demo: the households with known demographics, the last 42 days, items in at least 10 of these baskets.
    Full: all households, the whole year, items in at least 20 baskets.
    """
    sales = grocer.sales
    if not full:
        first_day = source.LAST_DAY - pd.Timedelta(days=DEMO_DAYS - 1)
        sales = sales[(sales.day >= first_day) & sales.household_id.isin(grocer.demographics.household_id)]
    sold = grocer.products[grocer.products.product_id.isin(sales.product_id)]
    sales = sales.merge(named_goods(sold), on="product_id")
    lines = sales.drop_duplicates(["basket_id", "item"])
    in_baskets = lines.item.value_counts()
    kept = in_baskets.index[in_baskets >= (FULL_BASKETS if full else DEMO_BASKETS)]
    sales, lines = sales[sales.item.isin(kept)], lines[lines.item.isin(kept)]
    items = item_table(sales)
    item_ids = items.set_index("PRODUCT_NAME").ITEM_ID
    lines = pd.DataFrame(
        {
            "basket_id": lines.basket_id,
            "USER_ID": lines.household_id.astype(str),
            "ITEM_ID": item_ids.loc[lines.item].to_numpy(),
            "TIMESTAMP": lines.transaction_timestamp.astype("datetime64[s]").astype(np.int64),
        }
    )
    users = user_table(grocer.demographics, lines.USER_ID)
    return Baskets(lines.reset_index(drop=True), items, users)


def item_table(sales: pd.DataFrame) -> pd.DataFrame:
    """One row per item: ITEM_ID, categories and brand are those of its best-selling product; PRICE is USD paid per unit
    over these sales."""
    units = sales.groupby(["item", "product_id"]).quantity.sum().sort_values(ascending=False, kind="stable")
    best = units.reset_index().drop_duplicates("item").sort_values("item")[["item", "product_id"]]
    best = best.merge(sales.drop_duplicates("product_id").drop(columns="item"), on="product_id")
    totals = sales.groupby("item")[["paid", "quantity"]].sum().loc[best["item"]]
    return pd.DataFrame(
        {
            "ITEM_ID": best.product_id.astype(str),
            "PRICE": (totals.paid / totals.quantity).round(2).to_numpy(),
            "CATEGORY_L1": best.department.map(names.readable),
            "CATEGORY_L2": best.product_category.map(names.readable),
            "CATEGORY_L3": best.product_type.map(names.readable),
            "BRAND": np.where(best.brand == "Private", "own brand", "national"),
            "PRODUCT_NAME": best["item"],
        }
    )


def user_table(demographics: pd.DataFrame, user_ids: pd.Series) -> pd.DataFrame:
    """One row per user with lines, ordered by id; what a household did not state is 'unknown'."""
    table = demographics.rename(columns={"household_id": "user_id"}).rename(columns=str.upper)
    table["USER_ID"] = table.USER_ID.astype(str)
    users = pd.DataFrame({"USER_ID": np.sort(user_ids.unique())}).merge(table, on="USER_ID", how="left")
    columns = ["AGE", "INCOME", "HOME_OWNERSHIP", "MARITAL_STATUS", "HOUSEHOLD_SIZE", "HOUSEHOLD_COMP", "KIDS_COUNT"]
    return users[["USER_ID", *columns]].fillna("unknown")
