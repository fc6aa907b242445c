"""Overview: what serves, how good and how fresh it is, what ran last, what needs a look."""

from __future__ import annotations

import streamlit as st

from storecast.client import datasets, results
from storecast.client.model import PipelineStatus, Status
from storecast.console import asking, charts, parts, words


def page() -> None:
    status = asking.ask(datasets.status)
    _attention(status)
    for each in status.pipelines:
        _pipeline(each)
    left, right = st.columns(2)
    with left:
        _alarms(status)
    with right:
        _costs(status)


def _attention(status: Status) -> None:
    """What a person should look at first."""
    for each in status.pipelines:
        if each.last and each.last.failed:
            failed = f" in {each.last.failed_step}" if each.last.failed_step else ""
            st.error(f"The last {each.pipeline} run failed{failed}. The page **Runs** has its cause and the next step.")
        if each.quarantine:
            st.warning(
                f"{parts.counted(each.quarantine, each.pipeline + ' file')} in quarantine. The page **Data** says why."
            )
    for alarm in status.alarms:
        if alarm.state == "ALARM":
            st.error(f"Alarm **{alarm.name}** since {words.moment(alarm.since)}: {alarm.reason}")


def _pipeline(each: PipelineStatus) -> None:
    st.subheader(each.pipeline.capitalize())
    last, (name, value) = each.last, _goodness(each)
    starts = [start for start in each.starts if start.enabled]
    clock = ", ".join(f"{start.expression} {start.time_zone}" for start in starts)
    parts.figures(
        [
            (
                "Last run",
                *((words.ago(last.started), _ended(each), words.moment(last.started)) if last else ("none", "", None)),
            ),
            (name, value, _serves(each), None),
            ("Newest upload", words.ago(each.newest_upload), _fresh(each), words.moment(each.newest_upload)),
            ("Next start", words.ago(starts[0].next) if starts else "by upload", clock, None),
        ]
    )
    history = asking.ask(results.history, each.pipeline)
    metric = next((name for name in words.MAIN if any(name in one.metrics for at in history for one in at.board)), None)
    if metric and len(history) > 1:
        st.altair_chart(charts.over_time(history, metric))
    if each.serving:
        with st.expander(f"What serves ({len(each.serving)})"):
            st.dataframe(
                [
                    {"name": words.title(one.name), "kind": one.kind, "status": one.status, "run": one.run}
                    | {words.metric(name): value for name, value in one.metrics.items()}
                    for one in each.serving
                ],
                hide_index=True,
            )


def _ended(each: PipelineStatus) -> str:
    last = (
        f"{words.status(each.last.status)}, {words.lasted(each.last.started, each.last.stopped)}" if each.last else ""
    )
    return f"{last}; one is running since {words.ago(each.running.started)}" if each.running else last


def _goodness(each: PipelineStatus) -> tuple[str, str]:
    """The main metric of what serves: of forecasts their loss, of recommenders the best one's."""
    for name in words.MAIN:
        values = [one.metrics[name] for one in each.serving if name in one.metrics]
        if values:
            best = min(values) if each.pipeline == "forecasting" else max(values)
            return words.metric(name), f"{best:.3f}"
    return "Accuracy", "–"


def _serves(each: PipelineStatus) -> str:
    if not each.serving:
        return "nothing serves yet"
    down = [one.name for one in each.serving if one.status != "ACTIVE"]
    if down:
        return f"not ACTIVE: {', '.join(down)}"
    return each.serving[0].name if len(each.serving) == 1 else f"{len(each.serving)} recommenders and campaigns serve"


def _fresh(each: PipelineStatus) -> str:
    ended = each.last.stopped if each.last else None
    if each.newest_upload and ended and each.newest_upload > ended and not each.running:
        return "not yet in a run"
    return f"{sum(folder.files for folder in each.folders)} files in all"


def _alarms(status: Status) -> None:
    st.subheader("Alarms")
    on = sum(alarm.state == "ALARM" for alarm in status.alarms)
    st.markdown(f"{on} of {len(status.alarms)} are on." if status.alarms else "None is deployed.")
    if status.alarms:
        with st.expander("All alarms"):
            st.dataframe([{"alarm": each.name, "state": each.state} for each in status.alarms], hide_index=True)


def _costs(status: Status) -> None:
    st.subheader("What costs")
    if not status.costs:
        st.markdown("Nothing is on by the hour, and no run has published yet.")
    for each in status.costs:
        st.markdown(f"**{each.quantity:,.0f}** {each.what}, {each.unit}")
        st.caption(each.detail)
