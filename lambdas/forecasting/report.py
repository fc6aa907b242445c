"""The forecasting report: accuracy beside the yardstick, and each item's past and forecast with its intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common.page import escape, figures, number, page

_SCRIPT = Path(__file__).with_name("report.js")


def render(event: dict[str, Any], chart: list[dict[str, Any]], summary: dict[str, Any]) -> str:
    """One self-contained HTML page."""
    config = event["config"]
    best = next(row for row in summary["accuracy"] if not row.get("yardstick"))
    shown = [(f"{summary['items']:,}", "series forecast"), (f"{config['horizon']} × {config['frequency']}", "steps ahead"),
             (number(best.get("AverageWeightedQuantileLoss")), "average wQL in backtest"), (_percent(summary["bias"]), "bias in backtest")]
    known = summary["history"]
    subtitle = f"Run {event['run']} · history {_day(known['from'])} to {_day(known['to'])}, {known['steps']:,} steps"
    return page(f"Forecast of {event['dataset']}", subtitle, figures(shown) + _CHART + _board(summary) + _items(chart),
                data={"items": chart}, script=_SCRIPT.read_text(encoding="utf-8"))


def _board(summary: dict[str, Any]) -> str:
    board = summary["accuracy"]
    columns = [name for name in board[0] if name != "algorithm" and any(row.get(name) is not None for row in board)]
    best = {name: min(row[name] for row in board if row.get(name) is not None) for name in columns}
    body = "".join(
        f"<tr><td>{escape(row['algorithm'])}{_yardstick(row)}</td>" + "".join(
            f'<td class="n{" best" if row.get(name) == best[name] else ""}">{number(row.get(name), 4)}</td>' for name in columns) + "</tr>"
        for row in board)
    heads = "".join(f'<th class="n">{_SHORT.get(name, name)}</th>' for name in columns)
    promotion = summary["promotion"]
    verdict = "serves" if promotion["promoted"] else "does not serve"
    return (f'<section><h2>Accuracy in backtest</h2><div class="scroll"><table><tr><th>Algorithm</th>{heads}</tr>{body}</table></div>'
            f'<p class="soft small" style="margin-top:12px">Lower is better; the best of each column is green. wQL is the weighted quantile '
            f'loss. This predictor {verdict}: {escape(promotion["reason"])}.</p></section>')


def _items(chart: list[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td>{escape(item["key"])}</td><td class="n">{item["volume"]:,.0f}</td><td class="n">{_ahead(item, "p10")}</td>'
        f'<td class="n">{_ahead(item, "p50")}</td><td class="n">{_ahead(item, "p90")}</td><td class="n">{_percent(item["bias"])}</td></tr>'
        for item in chart)
    return ('<section><h2>Items by volume</h2><div class="scroll"><table><tr><th>Item</th><th class="n">Sold so far</th><th class="n">P10</th>'
            f'<th class="n">P50</th><th class="n">P90</th><th class="n">Bias</th></tr>{rows}</table></div><p class="soft small" '
            'style="margin-top:12px">P10, P50, P90: mean per step over the horizon. Bias: expected against actual in backtest.</p></section>')


def _ahead(item: dict[str, Any], column: str) -> str:
    values = [value for _, value in item["ahead"].get(column, ())]
    return number(sum(values) / len(values), 1) if values else "–"


def _yardstick(row: dict[str, Any]) -> str:
    return ' <span class="soft small">yardstick</span>' if row.get("yardstick") else ""


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:+.1%}"


def _day(moment: str) -> str:
    return moment.removesuffix("T00:00:00")


_SHORT = {"AverageWeightedQuantileLoss": "average wQL"}
_CHART = """<section><div class="row"><div><label class="soft small" for="item">Item</label> <select id="item"></select></div>
<div class="soft small" id="keys"></div></div><svg id="chart" viewBox="0 0 1000 380" width="100%" role="img" aria-label="past and forecast"></svg>
<p class="soft small" id="readout" style="min-height:1.5em;margin:6px 0 0"></p></section>"""
