"""Recommendations: what each use case answers for a user or item, beside plain popularity; events change the answer."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from storecast.client import recommendations
from storecast.client.aws import NotThere
from storecast.client.model import Item, Recommended, UseCase
from storecast.console import asking, parts, words

EVENTS = ("View", "Purchase")
_BEFORE = "answer-before"  # the event: in the session
_NARROW = {
    "#": st.column_config.NumberColumn(width=40),
    "both": st.column_config.TextColumn(width=50, help="also in the list for this user or item"),
}
_SESSION = "storecast-console"


def page() -> None:
    known = asking.ask(recommendations.use_cases)
    columns = st.columns([3, 3, 2], vertical_alignment="bottom")
    personal = next((at for at, each in enumerate(known) if each.needs == "user"), 0)
    use_case = columns[0].selectbox("Use case", known, personal, format_func=lambda each: words.title(each.name))
    filters = asking.ask(recommendations.filters)
    filter_ = columns[1].selectbox("Filter", ["", *filters], format_func=lambda each: each or "none")
    most = columns[2].number_input("How many", 1, 100, 10)
    values = _values(filter_, filters[filter_]) if filter_ else {}
    user, item = _user(use_case), _item(use_case)
    if (use_case.needs in ("user", "ranking") and not user) or (use_case.needs == "item" and item is None):
        return
    if not all(values.values()):
        st.info("Give the filter its values.")
        return
    named: dict[str, Any] = {"user": user, "item": item.id if item else "", "filter": filter_, "results_": most}
    answer = asking.ask(recommendations.recommend, use_case.name, **named, values=values)
    popular = next((each for name in recommendations.POPULAR for each in known if each.name == name), None)
    compared = popular is not None and popular.name != use_case.name
    left, right = st.columns(2) if compared else (st.container(), None)
    with left:
        st.subheader(words.title(use_case.name))
        _shown(answer, st.session_state.pop(_BEFORE, None))
    if popular and right:
        with right:
            _popular(popular, answer, most)
    if user:
        _events(user, answer)


def _user(use_case: UseCase) -> str:
    if use_case.needs not in ("user", "ranking"):
        return ""
    return parts.searched("user", lambda text: asking.ask(recommendations.users, text, parts.MOST)) or ""


def _item(use_case: UseCase) -> Item | None:
    if use_case.needs != "item":
        return None
    return parts.searched(
        "item",
        lambda text: asking.ask(recommendations.items, text, parts.MOST),
        parts.item_name,
        key="recommended-item",
    )


def _values(name: str, expression: str) -> dict[str, str]:
    """The values of a filter's placeholders, such as $CATEGORY."""
    st.caption(parts.code(expression))
    wanted = list(dict.fromkeys(re.findall(r"\$(\w+)", expression)))
    return {each: st.text_input(each, key=f"value-{name}-{each}", help="several: a, b, c") for each in wanted}


def _shown(answer: Recommended, before: tuple[str, ...] | None) -> None:
    """The list; after an event, with how each item moved."""
    if not answer.items:
        st.info("Nothing is left to recommend. A filter may have taken out all of it.")
    ranks = {item: rank for rank, item in enumerate(before or (), 1)}
    st.dataframe(
        [
            {"#": each.rank}
            | ({"moved": moved(ranks.get(each.item.id), each.rank)} if before else {})
            | {"item": each.item.name, "id": each.item.id}
            | ({"score": each.score} if each.score is not None else {})
            | dict(each.item.about)
            for each in answer.items
        ],
        hide_index=True,
        column_config=_NARROW,
    )


def moved(before: int | None, now: int) -> str:
    """Such as "▲ 2", "new", or nothing."""
    if before is None:
        return "new"
    return "" if before == now else f"{'▲' if now < before else '▼'} {abs(before - now)}"


def _popular(use_case: UseCase, answer: Recommended, most: int) -> None:
    """What everybody gets, beside it: how much of the list is personal."""
    st.subheader(f"Plain popularity: {words.title(use_case.name).lower()}")
    popular = asking.ask(recommendations.recommend, use_case.name, results_=most)
    ours = {each.item.id for each in answer.items}
    st.dataframe(
        [
            {
                "#": each.rank,
                "both": "✓" if each.item.id in ours else "",
                "item": each.item.name,
                "id": each.item.id,
            }
            for each in popular.items
        ],
        hide_index=True,
        column_config=_NARROW,
    )
    same = len(ours & {each.item.id for each in popular.items})
    st.caption(f"{len(ours) - same} of the {len(ours)} recommended items are not among the most popular.")


def _events(user: str, answer: Recommended) -> None:
    """Do what the user might do, and see what the recommender makes of it."""
    st.subheader("Send an event")
    sent = st.session_state.pop("event-sent", None)
    if sent:
        st.success(sent)
    st.caption(
        "It is stored like one of your application, and counts in the next training. The list above is asked again at "
        "once, and says what moved; AWS may take a moment until an event counts."
    )
    item = parts.searched(
        "item", lambda text: asking.ask(recommendations.items, text, parts.MOST), parts.item_name, key="event-item"
    )
    with st.container(horizontal=True):
        pressed = [event for event in EVENTS if st.button(event, disabled=item is None)]
    if pressed and item:
        _send(user, item, pressed[0], answer)


def _send(user: str, item: Item, event: str, answer: Recommended) -> None:
    try:
        recommendations.send_event(
            asking.aws(), asking.dataset(), user=user, item=item.id, event=event, session=_SESSION
        )
    except NotThere as problem:
        asking.trouble(problem)
        return
    st.session_state[_BEFORE] = tuple(each.item.id for each in answer.items)
    st.session_state["event-sent"] = f"{event} of {item.name} by user {user} was sent."
    asking.forget()
    st.rerun()
