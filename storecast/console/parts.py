"""Pieces that several pages have: choosing a pipeline, searching, tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from storecast.client.model import Item, Pipeline
from storecast.console import asking

_T = TypeVar("_T")
MOST = 50  # matches of a search
_FIGURE = 150  # pixels: two of them beside each other on a phone


def pipeline() -> Pipeline:
    """One of the dataset's pipelines; nothing to choose where there is one."""
    known = asking.dataset().pipelines
    if len(known) == 1:
        return known[0]
    chosen = st.segmented_control(
        "Pipeline", known, default=known[0], format_func=str.capitalize, label_visibility="collapsed", required=True
    )
    return chosen


def searched(
    what: str, search: Callable[[str], Sequence[_T]], shown: Callable[[_T], str] = str, key: str = ""
) -> _T | None:
    """A choice among what a search finds, at most MOST of them; None where it finds nothing."""
    left, right = st.columns(2, vertical_alignment="bottom")
    text = left.text_input(f"Search {what}s", key=f"search-{key or what}", placeholder="part of the name")
    found = search(text.strip())
    if not found:
        right.caption(f"No {what} contains {code(text)}.")
        return None
    more = f" (the first {MOST})" if len(found) >= MOST else ""
    return right.selectbox(f"{what.capitalize()}{more}", found, format_func=shown, key=f"chosen-{key or what}")


def figures(shown: Sequence[tuple[str, str, str, str | None]]) -> None:
    """A row of figures that wraps: each (what it is, value, a remark, help)."""
    with st.container(horizontal=True):
        for what, value, remark, explained in shown:
            with st.container(width=_FIGURE, gap=None):
                st.metric(what, value, help=explained)
                st.caption(remark)


def item_name(item: Item) -> str:
    """Such as `milk / north`, or `Milk, 1 l (4711)`."""
    name = item.name if item.name == item.id else f"{item.name} ({item.id})"
    return " / ".join((name, *item.dimensions))


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def code(text: str) -> str:
    """Text of files or services in Markdown, where nothing in it is markup."""
    return f"`{text.replace('`', '′')}`"
