"""The charts, by Vega-Altair: data in, chart out. Their colours are readable on light and on dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd

from storecast.client.model import Accuracy, Forecast, Quantiles, Step, StepError
from storecast.console import words

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
PAST, AHEAD, TESTED = "#8793a3", "#2f81f7", "#e08a3c"
SCENARIOS = ("#a371f7", "#3fb950", "#e5534b", "#d4a72c", "#39c5cf")
_LEGEND = alt.Legend(title=None, orient="top", columns=4, symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1)
STATUS = {"succeeded": "#3fb950", "failed": "#e5534b", "running": "#2f81f7"}
# Pairs of quantiles from the widest; of two that mean nearly the same, the first that there is.
_BANDS = (("p05", "p95", "90% interval"), ("p10", "p90", "80% interval"), ("p25", "p75", "50% interval"))


def bands(columns: Iterable[str]) -> list[tuple[str, str, str]]:
    """The intervals to draw, as low, high and name: 90% (else 80%) and 50%, as far as the columns have them."""
    there = [band for band in _BANDS if {band[0], band[1]} <= set(columns)]
    wide = [band for band in there if band[2] != "50% interval"][:1]
    return [*wide, *(band for band in there if band[2] == "50% interval")]


def middle(columns: Iterable[str]) -> str:
    """The column to draw as the line: the median, else the mean, else the middle one."""
    listed = list(columns)
    return next((name for name in ("p50", "mean") if name in listed), listed[len(listed) // 2] if listed else "p50")


def forecast(found: Forecast, *, backtest: bool = True, scenarios: Sequence[str] = ()) -> Chart:
    """Past on the left and future on the right, with intervals, what the backtests expected and scenarios."""
    line = middle(found.columns)
    colours = {"sold": PAST} if found.past else {}
    rows = [{"time": point.time, "series": "sold", "value": point.value} for point in found.past]
    intervals: list[dict[str, Any]] = []
    if backtest and found.backtest:
        rows += _line(found.backtest, "backtest")
        intervals += _band(found.backtest, bands(found.backtest[0].values)[:1], "backtest")
        colours["backtest"] = TESTED
    rows += _line(found.ahead, "forecast", line)
    intervals += _band(found.ahead, bands(found.columns), "forecast")
    colours["forecast"] = AHEAD
    for at, name in enumerate(scenarios):
        rows += _line(found.scenarios[name], name)
        colours[name] = SCENARIOS[at % len(SCENARIOS)]
    colour = alt.Color("series:N", scale=_scale(colours), legend=_LEGEND)
    solid = {"sold", "forecast"}
    patterns = alt.Scale(domain=list(colours), range=[[1, 0] if name in solid else [5, 3] for name in colours])
    dashes = alt.StrokeDash("series:N", scale=patterns, legend=None)
    time = alt.X("time:T", title=None, axis=alt.Axis(labelOverlap=True, grid=False))
    base = alt.Chart(pd.DataFrame(rows, columns=["time", "series", "value"]))
    area = (
        alt.Chart(pd.DataFrame(intervals, columns=["time", "series", "interval", "low", "high"]))
        .mark_area(opacity=0.18)
        .encode(time, alt.Y("low:Q", title=None), alt.Y2("high:Q"), colour, detail="interval:N")
    )
    lines = base.mark_line(strokeWidth=1.8).encode(time, alt.Y("value:Q", title=None), colour, dashes)
    near = alt.selection_point(nearest=True, on="pointerover", fields=["time"], empty=False)
    read = (
        alt.Chart(_read_out(found, rows))
        .mark_rule(color=PAST)
        .encode(
            time,
            opacity=alt.condition(near, alt.value(0.6), alt.value(0)),
            tooltip=[alt.Tooltip("time:T", title="time", format="%Y-%m-%d %H:%M"), *_values(rows, found.columns)],
        )
        .add_params(near)
    )
    layers = [area, lines, read]
    if found.past and found.ahead:
        since = pd.DataFrame([{"time": found.ahead[0].time}])
        layers.insert(0, alt.Chart(since).mark_rule(color=PAST, strokeDash=[3, 4]).encode(time))
    return alt.layer(*layers).properties(height=380)


def _line(values: Sequence[Quantiles], series: str, column: str = "") -> list[dict[str, Any]]:
    column = column or (middle(values[0].values) if values else "")
    return [
        {"time": each.time, "series": series, "value": each.values[column]} for each in values if column in each.values
    ]


def _band(values: Sequence[Quantiles], wanted: Sequence[tuple[str, str, str]], series: str) -> list[dict[str, Any]]:
    return [
        {"time": at.time, "series": series, "interval": name, "low": at.values[low], "high": at.values[high]}
        for low, high, name in wanted
        for at in values
        if low in at.values and high in at.values
    ]


def _read_out(found: Forecast, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """By time step, all that is known of it, for the tooltip."""
    by_time: dict[datetime, dict[str, Any]] = {}
    for row in rows:
        by_time.setdefault(row["time"], {})[row["series"]] = row["value"]
    for at in found.ahead:
        by_time.setdefault(at.time, {}).update(at.values)
    return pd.DataFrame([{"time": time, **values} for time, values in sorted(by_time.items())])


def _values(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[alt.Tooltip]:
    series = list(dict.fromkeys(row["series"] for row in rows if row["series"] != "forecast"))
    return [alt.Tooltip(f"{name}:Q", title=name, format=",.4~g") for name in (*series, *columns)]


def _scale(colours: Mapping[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def over_time(history: Sequence[Accuracy], metric: str) -> Chart:
    """One metric of each published run, by algorithm, use case or solution."""
    rows = [
        {"run": at.moment, "name": words.title(each.name), "value": each.metrics[metric]}
        for at in history
        for each in at.board
        if metric in each.metrics
    ]
    base = alt.Chart(pd.DataFrame(rows, columns=["run", "name", "value"])).encode(
        alt.X("run:T", title=None),
        alt.Y("value:Q", title=words.metric(metric), scale=alt.Scale(zero=False)),
        alt.Color("name:N", legend=alt.Legend(title=None, orient="top", columns=2)),
        tooltip=["name:N", alt.Tooltip("run:T", format="%Y-%m-%d %H:%M"), alt.Tooltip("value:Q", format=".4f")],
    )
    return (base.mark_line() + base.mark_point(size=60, filled=True)).properties(height=240)


def by_step(errors: Sequence[StepError]) -> Chart:
    """Error and bias of all backtests by how far ahead the step is."""
    rows = [
        {"step": each.step, "what": what, "share": share}
        for each in errors
        for what, share in (("WAPE", each.wape), ("bias", each.bias))
        if share is not None
    ]
    base = alt.Chart(pd.DataFrame(rows, columns=["step", "what", "share"])).encode(
        alt.X("step:Q", title="steps ahead", axis=alt.Axis(tickMinStep=1, format="d")),
        alt.Y("share:Q", title=None, axis=alt.Axis(format=".0%")),
        alt.Color("what:N", scale=_scale({"WAPE": AHEAD, "bias": TESTED}), legend=alt.Legend(title=None, orient="top")),
        tooltip=["what:N", "step:Q", alt.Tooltip("share:Q", format=".1%")],
    )
    return (base.mark_line() + base.mark_point(filled=True)).properties(height=260)


def impact(scores: Sequence[Mapping[str, Any]]) -> Chart:
    """The impact score of each attribute on the forecasts, from -1 to 1."""
    return (
        alt.Chart(pd.DataFrame(list(scores), columns=["attribute", "score"]))
        .mark_bar()
        .encode(
            alt.X("score:Q", title=None, scale=alt.Scale(domain=[-1, 1])),
            alt.Y("attribute:N", title=None, sort="-x", axis=alt.Axis(labelLimit=160)),
            color=alt.condition("datum.score < 0", alt.value(TESTED), alt.value(AHEAD)),
            tooltip=["attribute:N", alt.Tooltip("score:Q", format="+.2f")],
        )
        .properties(height=40 + 26 * len(scores))
    )


def timeline(steps: Sequence[Step], end: datetime) -> Chart:
    """The steps of a run, each from when it began to when it ended."""
    rows = [
        {
            "step": each.name,
            "from": each.started,
            "to": each.stopped or end,
            "status": each.status,
            "time": words.lasted(each.started, each.stopped or end),
        }
        for each in steps
    ]
    return (
        alt.Chart(pd.DataFrame(rows, columns=["step", "from", "to", "status", "time"]))
        .mark_bar(height=12, cornerRadius=2)
        .encode(
            alt.X("from:T", title=None),
            alt.X2("to:T"),
            alt.Y(
                "step:N",
                title=None,
                sort=[each.name for each in steps],
                axis=alt.Axis(labelLimit=180, labelOverlap=False),
            ),
            alt.Color("status:N", scale=_scale(STATUS), legend=alt.Legend(title=None, orient="top")),
            tooltip=["step:N", "status:N", "time:N", alt.Tooltip("from:T", format="%H:%M:%S")],
        )
        .properties(height=40 + 20 * len(rows))
    )
