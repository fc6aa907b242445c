"""Runs: the history of a pipeline, and one run as its state machine's picture, with times, causes and what to do."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from storecast.client import datasets, runs
from storecast.client.model import Pipeline, Run, RunDetail
from storecast.console import asking, charts, parts, picture, words


def page() -> None:
    pipeline = parts.pipeline()
    found = asking.ask(runs.listed, pipeline, most=50)
    _start(pipeline)
    if not found:
        st.info("No run yet. The first one starts when files are uploaded: the page **Data** takes them.")
        return
    # Of a delivery's files, one starts the run that works; the others join it.
    worked = next((at for at, run in enumerate(found) if run.running or run.published or run.failed), 0)
    run = st.selectbox("Run", found, worked, format_func=_named)
    detail = asking.ask(runs.detail, run)
    _outcome(detail)
    left, right = st.tabs(["Picture", "Times"])
    with left:
        st.graphviz_chart(picture.dot(asking.ask(datasets.states, pipeline), detail), width="content")
        st.caption("Green: done. Red: failed. Blue: running. Dashed: not reached. Times add up waits of all rounds.")
    with right:
        st.altair_chart(charts.timeline(detail.steps, run.stopped or datetime.now(UTC)))
        st.dataframe(
            [
                {"step": each.name, "status": each.status, "time": words.lasted(each.started, each.stopped)}
                | {"times": each.times, "started": f"{each.started:%H:%M:%S}", "cause": each.cause}
                for each in detail.steps
            ],
            hide_index=True,
        )
    with st.expander(f"All runs ({len(found)})"):
        st.dataframe(
            [
                {"started": words.moment(each.started), "status": words.status(each.status), "by": each.trigger}
                | {"time": words.lasted(each.started, each.stopped), "outcome": each.outcome, "run": each.run}
                for each in found
            ],
            hide_index=True,
        )


def _named(run: Run) -> str:
    by = f", by {run.trigger.removeprefix('by ')}" if run.trigger else ""
    return f"{words.moment(run.started)} · {words.status(run.status)}{by}"


def _outcome(detail: RunDetail) -> None:
    run = detail.run
    parts.figures(
        [
            ("Status", words.status(run.status).capitalize(), "", None),
            ("Time", words.lasted(run.started, run.stopped), "", None),
            ("Started", words.ago(run.started), "", words.moment(run.started)),
        ]
    )
    failed = next((each for each in detail.steps if each.status == "failed" and each.cause), None)
    if run.failed:
        where = f"In **{run.failed_step}**: " if run.failed_step else ""
        st.error(f"{where}{parts.code((failed and failed.cause) or run.outcome)}")
        if detail.next_step:
            st.info(f"**Next:** {detail.next_step}.")
    elif run.outcome:
        st.success(run.outcome[0].upper() + run.outcome[1:])
    if detail.console_url and not asking.aws().embedded:
        st.link_button("In the AWS console", detail.console_url)


def _start(pipeline: Pipeline) -> None:
    """A run by hand, for who wants one now."""
    with st.popover("Start a run", icon=":material/play_arrow:"):
        force = st.checkbox("Import and train although nothing changed")
        dry_run = st.checkbox("Only plan: change nothing")
        if st.button("Start", type="primary"):
            started = runs.start(asking.aws(), asking.dataset(), pipeline, force=force, dry_run=dry_run)
            asking.forget()
            st.success(f"{started.name} has started. Refresh shows how far it is.")
