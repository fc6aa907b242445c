"""The forecasting report: accuracy by algorithm beside the yardstick, and of each item its past, what the backtests
expected of it, its forecast with intervals, error and bias, the worst items first."""

from __future__ import annotations

from pathlib import Path

from common.page import escape, figures, number, page, section, table
from forecasting import scores
from forecasting.history import day
from forecasting.leaderboard import SHORT
from forecasting.payload import AccuracyRow, KeptScore, Publishing
from forecasting.summary import ChartItem, Impact, LeftOut, ScenarioTotals, SeriesCounts, Summary

_SCRIPT = Path(__file__).with_name("report.js")


def render(event: Publishing, chart: list[ChartItem], summary: Summary, kept: list[KeptScore]) -> str:
    """One self-contained HTML page; `kept` are the dataset's scores so far."""
    config = event["config"]
    best = next(row for row in summary["accuracy"] if not row.get("yardstick"))
    kept_back = summary["promotion"] and not summary["promotion"]["promoted"]
    tested = "in backtest of the new predictor" if kept_back else "in backtest"
    shown = [
        (_of_delivered(summary["series"]), "series forecast"),
        (f"{config['horizon']} × {config['frequency']}", "steps ahead"),
        (number(best.get("AverageWeightedQuantileLoss")), f"average wQL {tested}"),
        (_percent(summary["bias"]), f"bias {tested}"),
    ]
    known = summary["history"]
    subtitle = f"Run {event['run']} · history {day(known['from'])} to {day(known['to'])}, {known['steps']:,} steps"
    return page(
        f"Forecast of {event['dataset']}",
        subtitle,
        figures(shown)
        + _left_out(summary)
        + _CHART
        + _what_ifs(summary["whatIf"])
        + _board(summary)
        + scores.chart(kept, config.get("drift"))
        + _items(chart)
        + _impact(summary["impact"]),
        data={"items": chart},
        script=_SCRIPT.read_text(encoding="utf-8"),
    )


def _of_delivered(series: SeriesCounts) -> str:
    forecast, delivered = series["forecast"], series["delivered"]
    return f"{forecast:,}" if forecast >= delivered else f"{forecast:,} of {delivered:,}"


def _left_out(summary: Summary) -> str:
    """Which series are not forecast and why, and what else the data and the service say."""
    rows = [[escape(each["reason"]), f"{each['series']:,}", _named(each)] for each in summary["series"]["leftOut"]]
    without = summary["series"]["withoutHistory"]
    notes = [f"{without:,} series have no history and are forecast from similar ones", *summary["notes"]]
    notes = notes if without else summary["notes"]
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    left_out = section("Left out", table(["Why", "Series", "Which"], rows)) if rows else ""
    return left_out + (section("Notes", f"<ul>{listed}</ul>") if listed else "")


def _named(left_out: LeftOut) -> str:
    more = left_out["series"] - len(left_out["named"])
    return escape(", ".join(left_out["named"])) + (f" and {more:,} more" if more else "")


def _board(summary: Summary) -> str:
    board, promotion = summary["accuracy"], summary["promotion"]
    columns = [name for name in board[0] if name != "algorithm" and any(row.get(name) is not None for row in board)]
    best = {name: min(row[name] for row in board if row.get(name) is not None) for name in columns}

    def cell(row: AccuracyRow, name: str) -> str:
        shown = number(row.get(name), 4)
        return f'<span class="best">{shown}</span>' if row.get(name) == best[name] else shown

    rows = [[escape(row["algorithm"]) + _yardstick(row), *(cell(row, name) for name in columns)] for row in board]
    if promotion:
        verdict = "serves" if promotion["promoted"] else "does not serve, the one in use made these forecasts"
        outcome = f"The newly trained predictor {verdict}: {promotion['reason']}."
    else:
        outcome = f"Nothing was trained, the predictor in use made these forecasts: {summary['training']['reason']}."
    note = (
        "Lower is better; the best of each column is green. wQL is the weighted quantile loss. "
        "The seasonal naive forecast repeats the last season, one value for all quantiles. "
        + outcome
        + "".join(
            f" {each['algorithm']} failed ({each['step']}): {each['message'].rstrip('.')}."
            for each in summary["failed"]
        )
    )
    return section("Accuracy in backtest", table(["Algorithm", *(SHORT.get(n, n) for n in columns)], rows), note)


def _what_ifs(scenarios: list[ScenarioTotals]) -> str:
    rows = [
        [
            escape(scenario["name"]),
            f"{scenario['expected']:,.0f}",
            f"{scenario['baseline']:,.0f}",
            _percent(
                (scenario["expected"] - scenario["baseline"]) / scenario["baseline"] if scenario["baseline"] else None
            ),
            f"{escape(scenario['most']['key'])} {scenario['most']['change']:+,.0f}",
        ]
        for scenario in scenarios
    ]
    note = "All items over the horizon, related series changed as pipeline.yaml says, beside the forecast as it is."
    head = ["Scenario", "Expected", "As it is", "Change", "Moves most"]
    return section("What if", table(head, rows), note) if rows else ""


def _impact(impacts: list[Impact]) -> str:
    rows = [[escape(each["attribute"]), number(each["score"]), _bar(each["score"])] for each in impacts]
    note = (
        "The normalised impact score of each attribute, relative to the others, from -1 to 1: below zero it lowers the "
        "forecasts. It says nothing of their accuracy."
    )
    return section("What moves the forecast", table(["Attribute", "Impact", ""], rows), note) if rows else ""


def _bar(score: float) -> str:
    """The length and the sign of a score from -1 to 1."""
    return f'<span class="{"bar less" if score < 0 else "bar"}"><i style="width:{abs(score):.0%}"></i></span>'


def _items(chart: list[ChartItem]) -> str:
    rows = [
        [
            escape(item["key"]),
            _share(item["error"]),
            _percent(item["bias"]),
            f"{item['volume']:,.0f}",
            *(_ahead(item, column) for column in ("p10", "p50", "p90")),
        ]
        for item in chart
    ]
    note = (
        "First the items whose backtests missed by most units. WAPE: absolute error against actual. Bias: expected "
        "against actual. P10, P50, P90: mean per step over the horizon."
    )
    return section(
        "Items, the worst first", table(["Item", "WAPE", "Bias", "Sold so far", "P10", "P50", "P90"], rows), note
    )


def _ahead(item: ChartItem, column: str) -> str:
    values = [value for _, value in item["ahead"].get(column, ())]
    return number(sum(values) / len(values), 1) if values else "–"


def _yardstick(row: AccuracyRow) -> str:
    return ' <span class="soft small">yardstick</span>' if row.get("yardstick") else ""


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:+.1%}"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


_CHART = """<section><div class="row">
<div><label class="soft small" for="item">Item</label> <select id="item"></select></div>
<div class="soft small" id="keys"></div></div>
<svg id="chart" viewBox="0 0 1000 380" width="100%" role="img" aria-label="past and forecast"></svg>
<p id="readout"></p></section>"""
