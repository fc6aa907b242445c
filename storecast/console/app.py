"""The script that Streamlit runs on each interaction: the sidebar, and the page that is chosen."""

from __future__ import annotations

import re

import streamlit as st

from storecast.console import asking
from storecast.console.views import accuracy, data, forecasts, overview, recommendations, runs

_PAGES = (
    (overview.page, "Overview", "overview", ":material/dashboard:"),
    (runs.page, "Runs", "runs", ":material/account_tree:"),
    (forecasts.page, "Forecasts", "forecasts", ":material/show_chart:"),
    (accuracy.page, "Accuracy", "accuracy", ":material/leaderboard:"),
    (recommendations.page, "Recommendations", "recommendations", ":material/recommend:"),
    (data.page, "Data", "data", ":material/upload_file:"),
)


def sidebar() -> None:
    """Which dataset, and of which AWS."""
    names = [each.name for each in asking.deployed()]
    with st.sidebar:
        if len(names) > 1:
            st.session_state.setdefault("dataset", asking.dataset().name)
            st.selectbox("Dataset", names, key="dataset")
        else:
            st.markdown(f"**{names[0]}**")
        st.caption(re.sub(r"https?://\S+", r"`\g<0>`", asking.aws().where))  # no link, as there is no page
        if st.button("Refresh", icon=":material/refresh:", help="Answers of AWS are kept for half a minute"):
            asking.forget()
            st.rerun()


st.set_page_config("Storecast", ":material/storefront:", layout="wide")
chosen = st.navigation(
    [
        st.Page(asking.guarded(page), title=title, url_path=path, icon=icon, default=path == "overview")
        for page, title, path, icon in _PAGES
    ]
)
st.html(
    "<style>.stMainBlockContainer { padding-top: 3.5rem; padding-bottom: 3rem } "
    "h1 { font-size: clamp(1.7rem, 6vw, 2.4rem) !important; overflow-wrap: normal } "
    "[data-testid=stMetricValue] { font-size: 1.6rem }</style>"
)
st.title(chosen.title)


@asking.guarded
def show() -> None:
    sidebar()
    chosen.run()


show()
