"""Accuracy: which algorithm is best, which items are forecast worst, bias, and how errors grow with the horizon."""

from __future__ import annotations

from typing import Any

import streamlit as st

from storecast.client import forecasts, results
from storecast.client.model import Accuracy, ItemError
from storecast.console import asking, charts, parts, words


def page() -> None:
    pipeline = parts.pipeline()
    found = results.accuracy(asking.ask(results.needed, pipeline))
    if pipeline == "forecasting":
        _forecasting(found)
    else:
        _recommending(found)
    history = asking.ask(results.history, pipeline)
    if len(history) > 1:
        st.subheader("Over time")
        names = list(dict.fromkeys(name for at in history for one in at.board for name in one.metrics))
        first = next((name for name in words.MAIN if name in names), names[0])
        metric = st.selectbox("Metric", names, names.index(first), format_func=words.metric)
        st.altair_chart(charts.over_time(history, metric))


def _forecasting(found: Accuracy) -> None:
    _board(found, lower_is_better=True)
    if found.promoted is not None:
        serves = "serves" if found.promoted else "does not serve: the one in use made these forecasts"
        st.caption(f"The newly trained predictor {serves} ({found.reason}).")
    elif found.reason:
        st.caption(f"Nothing was trained: {found.reason}.")
    of_items, of_steps = asking.ask(forecasts.errors)
    bias = "–" if found.bias is None else f"{found.bias:+.1%}"
    measured = [
        (f"{words.metric(name)}, measured", f"{value:.3f}", "forecasts in use, against what came in", None)
        for name, value in _measured(found)
    ]
    parts.figures([("Bias in backtest", bias, "above zero: more was expected than sold", None), *measured])
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Items, the worst first")
        _items(of_items)
    with right:
        st.subheader("By step ahead")
        st.altair_chart(charts.by_step(of_steps))
        st.caption("All backtests. WAPE: absolute error against what was sold.")


def _measured(found: Accuracy) -> list[tuple[str, float]]:
    wanted = ("AverageWeightedQuantileLoss", "WAPE")
    return [(name, found.measured[name]) for name in wanted if name in found.measured]


def _items(of_items: list[ItemError]) -> None:
    text = st.text_input("Search", placeholder="part of the item's name", key="worst")
    shown = [each for each in of_items if text.lower() in parts.item_name(each.item).lower()]
    st.dataframe(
        [
            {"item": parts.item_name(each.item), "missed by": round(each.error), "sold": round(each.actual)}
            | {"WAPE": each.wape, "bias": each.bias}
            for each in shown
        ],
        hide_index=True,
        height=420,
        column_config={name: st.column_config.NumberColumn(format="percent") for name in ("WAPE", "bias")},
    )
    st.caption(f"{len(shown):,} of {len(of_items):,} series. Missed by: units, over all backtests.")


def _recommending(found: Accuracy) -> None:
    _board(found, lower_is_better=False)
    st.caption(
        "Measured by the service on interactions held back; higher is better. Best sellers and most viewed are plain "
        "popularity: what the others must beat."
    )


def _board(found: Accuracy, *, lower_is_better: bool) -> None:
    """The leaderboard, the best of each metric in bold."""
    st.subheader("Leaderboard")
    names = list(dict.fromkeys(name for one in found.board for name in one.metrics))
    pick = min if lower_is_better else max
    best = {name: pick(one.metrics[name] for one in found.board if name in one.metrics) for name in names}
    rows: list[dict[str, Any]] = [
        {"": words.title(one.name) + (" (yardstick)" if one.yardstick else "")}
        | {
            words.metric(name): _cell(one.metrics.get(name), best[name] if len(found.board) > 1 else None)
            for name in names
        }
        for one in found.board
    ]
    st.dataframe(rows, hide_index=True)
    if lower_is_better:
        st.caption("Lower is better, ★ is the best. wQL: weighted quantile loss.")


def _cell(value: float | None, best: float | None) -> str:
    return "–" if value is None else f"{value:.4f}{' ★' if value == best else ''}"
