"""The pictures of Lab 1."""

import pandas as pd
from matplotlib import dates
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PAST, MEDIAN, SOLD = "0.25", "tab:blue", "tab:red"
PROMOTION = 0.3  # from this share of a kind's products in the mailer on, its days are shaded


def history(item: str, sales: pd.DataFrame, prices: pd.DataFrame) -> Axes:
    """Units by day, promotion days shaded. sales: item, day, units; prices: item, day, promotion."""
    axes = _axes(f"{item}: units sold per day; shaded: in the mailer")
    own = sales[sales.item == item]
    axes.plot(own.day, own.units, color=PAST, linewidth=1)
    for day in prices.day[(prices.item == item) & (prices.promotion >= PROMOTION)]:
        axes.axvspan(day, day + pd.Timedelta(days=1), color="tab:orange", alpha=0.25, linewidth=0)
    axes.set_ylabel("units")
    return axes


def fan(
    item: str, past: pd.Series, forecast: pd.DataFrame, sold: pd.Series | None = None, axes: Axes | None = None
) -> Axes:
    """Past on the left, future on the right with its 50% and 90% intervals.

    past, sold: units by day. forecast: by day, columns p05, p25, p50, p75, p95 (units).
    """
    axes = axes or _axes(item)
    axes.set_title(item)
    axes.plot(past.index, past, color=PAST, linewidth=1.2, label="sold")
    axes.fill_between(
        forecast.index, forecast.p05, forecast.p95, color=MEDIAN, alpha=0.15, linewidth=0, label="90% interval"
    )
    axes.fill_between(
        forecast.index, forecast.p25, forecast.p75, color=MEDIAN, alpha=0.3, linewidth=0, label="50% interval"
    )
    axes.plot(forecast.index, forecast.p50, color=MEDIAN, linewidth=2, label="forecast (p50)")
    if sold is not None:
        axes.plot(sold.index, sold, color=SOLD, linewidth=1.2, marker="o", markersize=3, label="really sold")
    axes.axvline(forecast.index[0] - pd.Timedelta(hours=12), color="0.6", linestyle=":", linewidth=1)
    axes.set_ylim(0, 1.15 * axes.dataLim.y1)  # with room for a legend
    _days(axes)
    return axes


def _axes(title: str) -> Axes:
    axes = plt.figure(figsize=(10, 4)).gca()
    axes.set_title(title)
    _days(axes)
    return axes


def _days(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(axes.xaxis.get_major_locator()))
