"""Forecasts: an item's past and future with intervals, its backtest, what-if scenarios, what moves it, a table."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time
from typing import Any

import streamlit as st

from storecast.client import forecasts, results
from storecast.client.model import Forecast, Item, Quantiles
from storecast.console import asking, charts, parts

_FAR_BACK = 4  # horizons of past that show at first


def page() -> None:
    published = asking.ask(results.needed, "forecasting")
    item = parts.searched("item", lambda text: asking.ask(forecasts.items, text, parts.MOST), parts.item_name)
    if item is None:
        return
    found = asking.ask(forecasts.forecast, item.id, _dimensions(item))
    shown, backtest, scenarios = _choices(found)
    st.altair_chart(charts.forecast(shown, backtest=backtest, scenarios=scenarios))
    st.caption(_about(shown))
    if found.scenarios:
        _what_ifs(found, published)
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Table")
        rows = table(found)
        st.dataframe(rows, hide_index=True, height=320, placeholder="", column_config=_formats(found))
        st.download_button("Download CSV", as_csv(rows), f"{item.id}.csv", "text/csv", icon=":material/download:")
    with right:
        _facts(item, published)


def _dimensions(item: Item) -> dict[str, str]:
    """By name, as the client wants them."""
    names = asking.ask(forecasts.dimensions)
    return dict(zip(names, item.dimensions, strict=False))


def _choices(found: Forecast) -> tuple[Forecast, bool, list[str]]:
    """The part of the forecast to show, whether with its backtest, and with which scenarios."""
    moments = [*(point.time for point in found.past), *(at.time for at in found.ahead)]
    first, last = min(moments).date(), max(moments).date()
    columns = st.columns([2, 1, 2], vertical_alignment="bottom")
    since = found.past[-_FAR_BACK * len(found.ahead) :][0].time.date() if found.past else first
    between = columns[0].date_input(
        "From and to", (since, last), first, last, key=f"between-{parts.item_name(found.item)}"
    )
    backtest = columns[1].toggle("Backtest", value=True, disabled=not found.backtest)
    scenarios = columns[2].multiselect("What if", list(found.scenarios), disabled=not found.scenarios)
    return within(found, between if isinstance(between, tuple) else (between,)), backtest, scenarios


def within(found: Forecast, between: tuple[date, ...]) -> Forecast:
    """The part from the first to the last day; with one day only, while a person chooses the other, from that on."""
    since = datetime.combine(between[0], time.min) if between else datetime.min
    until = datetime.combine(between[1], time.max) if len(between) > 1 else datetime.max

    def part(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(each for each in values if since <= each.time <= until)

    return Forecast(
        found.item,
        found.frequency,
        found.run,
        found.columns,
        part(found.past),
        part(found.ahead),
        part(found.backtest),
        {name: part(values) for name, values in found.scenarios.items()},
    )


def _about(found: Forecast) -> str:
    names = [name for _, _, name in charts.bands(found.columns)]
    intervals = f", {' and '.join(names)}" if names else ""
    return f"Line: {charts.middle(found.columns)}{intervals}. Run {found.run}."


def _what_ifs(found: Forecast, published: dict[str, Any]) -> None:
    """The item and all items under each scenario, beside the forecast as it is."""
    st.subheader("What if")
    column = charts.middle(found.columns)
    baseline = _total(found.ahead, column)
    columns = st.columns(max(3, len(found.scenarios) + 1))
    columns[0].metric("As it is", f"{baseline:,.0f}")
    for place, (name, values) in zip(columns[1:], found.scenarios.items(), strict=False):
        total = _total(values, column)
        change = f"{(total - baseline) / baseline:+.1%}" if baseline else None
        place.metric(name, f"{total:,.0f}", change)
    all_items = [
        f"{each['name']} {(each['expected'] - each['baseline']) / each['baseline']:+.1%}"
        for each in published["whatIf"]
        if each["baseline"]
    ]
    st.caption(f"This item, {column} over the horizon. All items: {', '.join(all_items)}.")


def _total(values: tuple[Quantiles, ...], column: str) -> float:
    return sum(each.values[column if column in each.values else charts.middle(each.values)] for each in values)


def _facts(item: Item, published: dict[str, Any]) -> None:
    if published["impact"]:
        st.subheader("What moves the forecasts")
        st.altair_chart(charts.impact(published["impact"]))
        st.caption("Impact of each attribute on all forecasts, relative to the others; below zero it lowers them.")
    if item.about:
        st.subheader("About the item")
        st.dataframe([{"attribute": name, "value": value} for name, value in item.about.items()], hide_index=True)


def table(found: Forecast) -> list[dict[str, Any]]:
    """By time step what was sold, or what is expected."""
    nothing = dict.fromkeys(found.columns)
    past = [{"time": point.time, "sold": point.value, **nothing} for point in found.past]
    ahead = [
        {"time": at.time, "sold": None, **{name: at.values.get(name) for name in found.columns}} for at in found.ahead
    ]
    return [*reversed(ahead), *reversed(past)]


def _formats(found: Forecast) -> dict[str, Any]:
    days = all(at.time.time() == time.min for at in found.ahead)
    moments = st.column_config.DatetimeColumn(format="YYYY-MM-DD" if days else "YYYY-MM-DD HH:mm")
    numbers = st.column_config.NumberColumn(format="%.2f")
    return {"time": moments, **dict.fromkeys(found.columns, numbers)}


def as_csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows({**row, "time": row["time"].isoformat()} for row in reversed(rows))
    return text.getvalue()
