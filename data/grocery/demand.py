"""Demand per product type as Amazon Forecast's target, related and item metadata files, daily or weekly."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.grocery import names, source

HELD_OUT_DAYS = 28
FIRST_MONDAY = pd.Timestamp("2017-01-02")  # Forecast's weeks start on Monday, and so do the grocer's


@dataclass(frozen=True)
class DemandFiles:
    """Tables in the column order of pipeline.yaml; `timestamp` is text yyyy-MM-dd, for weeks the Monday.

    `target` ends 28 days before `related`; `actuals` is the demand of those 28 days. All three are without gaps.
    """

    target: pd.DataFrame  # item_id, timestamp, demand (units; 0 = nothing was sold)
    related: pd.DataFrame  # item_id, timestamp, price (USD per unit), promotion_applied (0..1)
    metadata: pd.DataFrame  # item_id, category, brand, department
    actuals: pd.DataFrame  # as target


def with_series(grocer: source.Grocer) -> pd.DataFrame:
    """The sales with their series_id: one forecasting item = one product type of one category."""
    return grocer.sales.merge(grocer.products[["product_id", "series_id"]], on="product_id")


def share_of_days(sales: pd.DataFrame) -> pd.Series:
    """Per series the share of the days before the held-out ones on which at least one unit was sold."""
    history = sales[sales.day <= last_history_day()]
    return history.groupby("series_id").day.nunique() / ((last_history_day() - source.FIRST_DAY).days + 1)


def share_of_weeks(sales: pd.DataFrame) -> pd.Series:
    """As `share_of_days`, for full weeks."""
    history = sales[(sales.day >= FIRST_MONDAY) & (sales.day <= last_history_day())]
    return history.groupby("series_id").week.nunique() / (((last_history_day() - FIRST_MONDAY).days + 1) / 7)


def last_history_day() -> pd.Timestamp:
    """Where the target ends: a Sunday, 28 days before the year does."""
    return source.LAST_DAY - pd.Timedelta(days=HELD_OUT_DAYS)


def demand_files(sales: pd.DataFrame, products: pd.DataFrame, series: list[str], frequency: str) -> DemandFiles:
    """The four tables for these series at frequency 'D' or 'W', from `with_series(grocer)` and `grocer.products`.

    Nothing in `metadata` and no weight in `related` uses the held-out days; price tags and mailer do, as a shop
    knows its own price list and mailer for the coming weeks.
    """
    sales = sales[sales.series_id.isin(series)]
    if frequency == "W":
        sales = sales[sales.day >= FIRST_MONDAY]
        sales = sales.assign(day=sales.day - pd.to_timedelta(sales.day.dt.dayofweek, unit="D"))
        steps = pd.date_range(FIRST_MONDAY, source.LAST_DAY, freq="7D")
        week_of_step = np.arange(len(steps)) + 2
    else:
        steps = pd.date_range(source.FIRST_DAY, source.LAST_DAY)
        week_of_step = (np.arange(len(steps)) + 6) // 7 + 1  # 1 January is a Sunday: week 1 has one day
    units = sales.pivot_table(index="series_id", columns="day", values="quantity", aggfunc="sum", fill_value=0)
    units = units.reindex(index=series, columns=steps, fill_value=0).astype(np.int64)
    history = sales[sales.day <= last_history_day()]
    price, promotion = shelf(sales, history, series)
    observed = steps <= last_history_day()
    demand = long_table(series, steps, demand=units.to_numpy())
    held_out = np.tile(~observed, len(series))
    return DemandFiles(
        target=demand[~held_out],
        related=long_table(series, steps, price=price[:, week_of_step], promotion_applied=promotion[:, week_of_step]),
        metadata=metadata(history, products, series),
        actuals=demand[held_out],
    )


def shelf(sales: pd.DataFrame, history: pd.DataFrame, series: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Price (USD, 2 decimals) and promotion (0..1, 3 decimals) of each series: two arrays (series, 54), column = week.

    Both are averages over a fixed basket, as in a Laspeyres price index: every product weighs with its units of the
    history, so that they move when a tag or the mailer changes and not when people buy another mix. A product's
    price in a week is what was paid per unit; in a week without sales, the last one known (before its first sale, the
    first one). Its promotion is the share of stores whose mailer features it.
    """
    weights = history.groupby(["series_id", "product_id"]).quantity.sum()
    product_ids = weights.index.get_level_values("product_id").to_numpy()
    row_of_series = pd.Index(series).get_indexer(weights.index.get_level_values("series_id"))
    tills = sales[(sales.paid > 0) & sales.product_id.isin(product_ids)]
    tills = tills.groupby(["product_id", "week"])[["paid", "quantity"]].sum()
    tags = (tills.paid / tills.quantity).unstack().reindex(columns=range(source.LAST_WEEK + 1))
    tags = tags.ffill(axis=1).bfill(axis=1).reindex(product_ids)
    priced = tags.notna().all(axis=1).to_numpy()  # a product that was only ever given away has no tag

    def average(values: np.ndarray, weight: np.ndarray, row: np.ndarray) -> np.ndarray:
        sums = np.zeros((len(series), values.shape[1]))
        np.add.at(sums, row, values * weight[:, None])
        return sums / np.bincount(row, weight, minlength=len(series))[:, None]

    weight = weights.to_numpy(dtype=float)
    price = average(tags.to_numpy()[priced], weight[priced], row_of_series[priced])
    promotion = average(source.stores_featuring(product_ids), weight, row_of_series)
    return price.round(2), promotion.round(3)


def metadata(history: pd.DataFrame, products: pd.DataFrame, series: list[str]) -> pd.DataFrame:
    """item_id, category, brand ('own brand' or 'national', whichever sold more units) and department per series.

    A type that is sold in two departments gets category and department of its best-selling product.
    """
    units = history.groupby("product_id").quantity.sum().reset_index().merge(products, on="product_id")
    brands = units.pivot_table(index="series_id", columns="brand", values="quantity", aggfunc="sum", fill_value=0)
    brands = brands.reindex(columns=["National", "Private"], fill_value=0)
    best = units.sort_values("quantity", ascending=False, kind="stable").drop_duplicates("series_id")
    kind = best.set_index("series_id").loc[brands.index]
    table = pd.DataFrame(
        {
            "item_id": kind.index,
            "category": kind.product_category.map(names.readable),
            "brand": np.where(brands.Private > brands.National, "own brand", "national"),
            "department": kind.department.map(names.readable),
        }
    )
    return table.set_index("item_id").loc[series].reset_index()


def long_table(series: list[str], steps: pd.DatetimeIndex, **columns: np.ndarray) -> pd.DataFrame:
    """One row per series and step, ordered by both; each column given as an array (series, steps)."""
    return pd.DataFrame(
        {
            "item_id": np.repeat(series, len(steps)),
            "timestamp": np.tile(steps.strftime("%Y-%m-%d"), len(series)),
            **{name: values.reshape(-1) for name, values in columns.items()},
        }
    )
