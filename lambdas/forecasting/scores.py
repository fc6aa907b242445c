"""The scores of the forecasts in use, run after run (forecasting.actuals): in one file, and charted in the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from common.page import escape, number, section
from common.store import get_json, put_json
from forecasting.actuals import WAPE, WQL
from forecasting.config import DriftRule
from forecasting.history import day
from forecasting.leaderboard import SHORT
from forecasting.payload import KeptScore, Publishing

_W, _H, _LEFT, _RIGHT, _TOP, _BOTTOM = 1000, 240, 56, 12, 14, 30
_LABELS = 7  # under the chart, at most


def kept(event: Publishing) -> list[KeptScore]:
    """All scores of the dataset, the oldest first, with this run's if it has one: in scores.json from here on."""
    bucket, key = event["resultsBucket"], f"forecasting/{event['dataset']}/scores.json"
    scores: list[KeptScore] = [each for each in get_json(bucket, key) or [] if each["run"] != event["run"]]
    if "score" in event:
        scores.append({"run": event["run"], **event["score"], "trained": event["training"]["trained"]})
        put_json(bucket, key, scores)
    return scores


def chart(scores: Sequence[KeptScore], drift: DriftRule | None) -> str:
    """A section of the report: the error of the forecasts in use, their backtest's, and where a training begins."""
    metric = drift["metric"] if drift else next((m for m in (WQL, WAPE) for s in scores if m in s["measured"]), None)
    if metric is None:
        return ""
    shown = [each for each in scores if metric in each["measured"]]
    if not shown:
        return ""
    lines = [
        ("accent", "on what came in", [each["measured"][metric] for each in shown]),
        ("soft", "in their backtest", [each["backtest"][metric] for each in shown]),
    ]
    if drift:
        limit = [drift["factor"] * each["backtest"][metric] for each in shown]
        lines.append(("tested", f"{drift['factor']:g} times that: a training", limit))
    newest = shown[-1]
    note = (
        f"The {SHORT.get(metric, metric)} of the forecasts in use over what came in after they were made, by run. The "
        f"newest: {number(newest['measured'][metric], 4)} over {newest['series']:,} series, {day(newest['from'])} to "
        f"{day(newest['to'])}, against {number(newest['backtest'][metric], 4)} in their predictor's backtest."
    )
    keys = "".join(
        f'<span class="key"><i style="background:var(--{colour})"></i>{escape(what)}</span>'
        for colour, what, _ in lines
    )
    return section("How the forecasts in use did", f'<div class="soft small">{keys}</div>{_svg(shown, lines)}', note)


def _svg(shown: Sequence[KeptScore], lines: Sequence[tuple[str, str, list[float]]]) -> str:
    top = max(value for _, _, values in lines for value in values) * 1.08 or 1.0

    def x(at: int) -> float:
        return _LEFT + (_W - _LEFT - _RIGHT) * (at + 0.5) / len(shown)

    def y(value: float) -> float:
        return _H - _BOTTOM - (_H - _TOP - _BOTTOM) * value / top

    parts = [
        f'<line x1="{_LEFT}" x2="{_W - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="var(--line)"/>'
        f'<text x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" font-size="12" fill="var(--soft)">{value:.3g}'
        "</text>"
        for value in (0.0, top / 2, top)
    ]
    every = -(-len(shown) // _LABELS)
    parts += [
        f'<text x="{x(at):.1f}" y="{_H - 8}" text-anchor="middle" font-size="12" fill="var(--soft)">'
        f"{escape(_day(each['run']))}</text>"
        for at, each in enumerate(shown)
        if at % every == 0
    ]
    parts += [_line(colour, values, x, y) for colour, _, values in reversed(lines)]
    return f'<svg viewBox="0 0 {_W} {_H}" width="100%" role="img" aria-label="error by run">{"".join(parts)}</svg>'


def _line(colour: str, values: list[float], x: Callable[[int], float], y: Callable[[float], float]) -> str:
    """A line with a point for each value: a single one is seen too."""
    places = [(x(at), y(value)) for at, value in enumerate(values)]
    points = " ".join(f"{left:.1f},{high:.1f}" for left, high in places)
    dots = "".join(f'<circle cx="{left:.1f}" cy="{high:.1f}" r="3" fill="var(--{colour})"/>' for left, high in places)
    return f'<polyline points="{points}" fill="none" stroke="var(--{colour})" stroke-width="2"/>{dots}'


def _day(run: str) -> str:
    """20261122T211700_abc -> 2026-11-22."""
    return f"{run[:4]}-{run[4:6]}-{run[6:8]}"
