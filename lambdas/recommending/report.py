"""The recommending report: per use case its metrics and its lists, with the items' names."""

from __future__ import annotations

from typing import Any

from common.page import escape, figures, number, page, section, table

_TITLES = {
    "most-viewed": "Most viewed",
    "best-sellers": "Best sellers",
    "frequently-bought-together": "Frequently bought together",
    "also-viewed": "Customers who viewed this also viewed",
    "recommended-for-you": "Recommended for you",
}
_METRICS = [
    "coverage",
    "mean_reciprocal_rank_at_25",
    "normalized_discounted_cumulative_gain_at_5",
    "normalized_discounted_cumulative_gain_at_10",
    "normalized_discounted_cumulative_gain_at_25",
    "precision_at_5",
    "precision_at_10",
    "precision_at_25",
]
_SHORT = {"coverage": "coverage", "mean_reciprocal_rank_at_25": "MRR@25"}
BASELINE = (
    "popularity_baseline_"  # prefix of a metric that plain popularity reached on the same data, where the service tells
)


def render(dataset: str, run: str, use_cases: list[dict[str, Any]], note: str) -> str:
    """One self-contained HTML page; `note` is what a reader must know of the data."""
    lists = [one for made in use_cases for one in made["lists"]]
    shown = [
        (str(len(use_cases)), "use cases"),
        (str(len(lists)), "lists"),
        (str(len({item["itemId"] for one in lists for item in one["items"]})), "different items recommended"),
    ]
    single = [made for made in use_cases if len(made["lists"]) == 1]
    several = [made for made in use_cases if len(made["lists"]) > 1]
    body = figures(shown) + _metrics(use_cases) + _popular(single) + "".join(_use_case(made) for made in several)
    return page(f"Recommendations of {dataset}", f"Run {run}" + (f" · {note}" if note else ""), body)


def _metrics(use_cases: list[dict[str, Any]]) -> str:
    names = [name for name in _METRICS if any(name in made["metrics"] for made in use_cases)]
    if not names:
        return ""
    rows = [[escape(_title(made)), *(_cell(made["metrics"], name) for name in names)] for made in use_cases]
    note = "Measured by the service on interactions held back; higher is better."
    if any(name.startswith(BASELINE) for made in use_cases for name in made["metrics"]):
        note += " Small figures: plain popularity on the same data; green where the recommender beats it."
    return section("How good", table(["Use case", *map(_short, names)], rows), note)


def _cell(metrics: dict[str, float], name: str) -> str:
    value, baseline = metrics.get(name), metrics.get(f"{BASELINE}{name}")
    if baseline is None:
        return number(value)
    mark = ' class="best"' if value is not None and value > baseline else ""
    return f'<span{mark}>{number(value)}</span><div class="soft small">{number(baseline)}</div>'


def _popular(use_cases: list[dict[str, Any]]) -> str:
    """Use cases with one list only, side by side."""
    if not use_cases:
        return ""
    cards = "".join(_card(escape(_title(made)), made["lists"][0]["items"]) for made in use_cases)
    return section("For everybody", f'<div class="grid">{cards}</div>')


def _use_case(made: dict[str, Any]) -> str:
    cards = "".join(_card(_subject(one["for"]), one["items"]) for one in made["lists"])
    return section(_title(made), f'<div class="grid">{cards}</div>')


def _card(heading: str, items: list[dict[str, Any]]) -> str:
    return (
        f"<article><b>{heading}</b><ol>"
        + "".join(f"<li>{escape(item['name'])}</li>" for item in items)
        + "</ol></article>"
    )


def _subject(about: dict[str, str]) -> str:
    return escape(about["name"]) if "itemId" in about else f"user {escape(about['userId'])}"


def _title(made: dict[str, Any]) -> str:
    return _TITLES.get(made["useCase"], made["useCase"])


def _short(name: str) -> str:
    return _SHORT.get(
        name, name.replace("normalized_discounted_cumulative_gain_at_", "NDCG@").replace("precision_at_", "precision@")
    )
