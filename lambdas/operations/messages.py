"""What the mail about a successful run says: what was done, how good it is, what changed, and where to read on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import forecasting.summary
import recommending.payload
from operations.payload import Summary

_METRICS = {"AverageWeightedQuantileLoss": "average wQL", "WAPE": "WAPE"}
_NAMED = 3  # metrics of a recommender


def text(pipeline: str, summary: Summary, links: Mapping[str, str]) -> str:
    """Lines for people; `links` are by what they lead to."""
    lines = _recommended(summary) if "recommenders" in summary else _forecast(summary)
    return laid_out(f"The {pipeline} run of {summary['dataset']} succeeded.", [*lines, *links.items()])


def laid_out(first: str, lines: Iterable[tuple[str, str]]) -> str:
    """A first line, and below it lines of what they are about and what they say."""
    return "\n".join([first, "", *(f"{f'{about}:':<14} {line}" for about, line in lines)]) + "\n"


def fewer(summary: Summary) -> str:
    """For the subject: that a run forecast fewer series than were delivered; "" if it did not."""
    if "recommenders" in summary or not summary["series"]["leftOut"]:
        return ""
    series = summary["series"]
    left_out = sum(each["series"] for each in series["leftOut"])
    return f"; {series['delivered'] - left_out:,} of {series['delivered']:,} series forecast"


def _forecast(summary: forecasting.summary.Summary) -> Iterator[tuple[str, str]]:
    series, history = summary["series"], summary["history"]
    yield (
        "Series",
        f"{series['delivered']:,} delivered, {series['forecast']:,} forecast, {_steps(summary['horizon'])} ahead",
    )
    for each in series["leftOut"]:
        more = each["series"] - len(each["named"])
        named = ", ".join(each["named"]) + (f" and {more:,} more" if more else "")
        yield "Left out", f"{each['series']:,} series: {each['reason']} ({named})"
    if series["withoutHistory"]:
        yield "New", f"{series['withoutHistory']:,} series have no history and are forecast from similar ones"
    yield "History", f"{history['from'][:10]} to {history['to'][:10]}, {_steps(history['steps'])}"
    for row in summary["accuracy"]:
        figures = [f"{short} {row[name]:.4f}" for name, short in _METRICS.items() if row.get(name) is not None]
        if figures:
            yield "In backtest", f"{', '.join(figures)} ({row['algorithm']})"
    if summary["bias"] is not None:
        yield "Bias", f"{summary['bias']:+.1%} in backtest"
    if score := summary.get("score"):
        for name, value in score["measured"].items():
            tested = score["backtest"][name]
            yield "In use", f"{_METRICS.get(name, name)} {value:.4f} on actuals since then, {tested:.4f} in backtest"
    if promotion := summary["promotion"]:
        serves = "serves" if promotion["promoted"] else "does not serve, and the one in use made the forecasts"
        yield "Changed", f"the new predictor {serves}: {promotion['reason']}"
    else:
        yield "Changed", f"nothing was trained: {summary['training']['reason']}"
    for failed in summary["failed"]:
        yield "Failed", f"{failed['algorithm']} in {failed['step']}: {failed['message']}"
    for scenario in summary["whatIf"]:
        yield "What if", f"{scenario['name']}: {scenario['expected']:,.0f} instead of {scenario['baseline']:,.0f}"
    for note in summary["notes"]:
        yield "Note", note
    yield "Report", summary["report"]
    for made in summary["forecasts"].values():
        yield "Forecasts", f"{made['exports']} (Athena: {summary['database']}.{made['table']})"


def _recommended(summary: recommending.payload.Summary) -> Iterator[tuple[str, str]]:
    made, solutions = summary["recommenders"], summary["solutions"]
    campaigns = sum("campaignArn" in each for each in solutions)
    yield "Serving", f"{_many(len(made), 'recommender')}, {_many(campaigns, 'campaign')}"
    yield "Published", f"{_many(summary['lists'], 'list')}, {_many(len(summary['batch']), 'batch')}"
    for name, metrics in [
        *((each["useCase"], each["metrics"]) for each in made),
        *((f"{each['name']} ({each['recipe']})", each["metrics"]) for each in solutions),
    ]:
        shown = ", ".join(f"{metric} {value:.4f}" for metric, value in list(metrics.items())[:_NAMED])
        yield "Measured", f"{name}: {shown or 'the service returned no metrics'}"
    yield "Changed", "trained on new data" if summary["dataChanged"] else "no new data: the models stay as they were"
    for note in summary["notes"]:
        yield "Note", note
    yield "Report", summary["report"]
    yield "Lists", summary["recommendations"]


def _steps(count: int) -> str:
    return f"{count:,} time step{'' if count == 1 else 's'}"


def _many(count: int, what: str) -> str:
    plural = f"{what}es" if what.endswith("ch") else f"{what}s"
    return f"{count:,} {what if count == 1 else plural}"
