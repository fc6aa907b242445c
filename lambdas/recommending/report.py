"""The recommending report: per recommender and campaign its metrics and its lists, with the items' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.page import escape, figures, number, page, section, table
from recommending.payload import BatchResult
from recommending.publishing import About, FilterEffect, Item, ListedRecommender, ListedSolution, Recommendations

_TITLES = {
    "most-viewed": "Most viewed",
    "best-sellers": "Best sellers",
    "frequently-bought-together": "Frequently bought together",
    "also-viewed": "Customers who viewed this also viewed",
    "recommended-for-you": "Recommended for you",
    "because-you-watched": "Because you watched",
    "more-like-this": "More like this",
    "most-popular": "Most popular",
    "trending-now": "Trending now",
    "top-picks-for-you": "Top picks for you",
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
_OPEN = 6  # lists of a recommender that show at once; the others unfold
_POPULAR = {"most-viewed", "best-sellers", "most-popular"}  # use cases that are plain popularity


@dataclass(frozen=True)
class _Shown:
    """A recommender or campaign with what it recommends."""

    title: str
    metrics: Mapping[str, float]
    lists: Sequence[Recommendations]


def render(
    dataset: str,
    run: str,
    recommenders: Sequence[ListedRecommender],
    solutions: Sequence[ListedSolution],
    filters: Sequence[FilterEffect],
    batch: Sequence[BatchResult],
    note: str,
) -> str:
    """One self-contained HTML page of what recommenders and campaigns recommend, what filters do to that, and batches.

    `note` is what a reader must know of the data.
    """
    serving = [_Shown(_TITLES[made["useCase"]], made["metrics"], made["lists"]) for made in recommenders]
    serving += [_Shown(f"{made['name']} ({made['recipe']})", made["metrics"], made["lists"]) for made in solutions]
    lists = [one for made in serving for one in made.lists]
    shown = [
        (str(len(serving)), "recommenders and campaigns"),
        (str(len(lists)), "lists"),
        (str(len({item["itemId"] for one in lists for item in one["items"]})), "different items recommended"),
    ]
    single = [made for made in serving if len(made.lists) == 1]
    several = [made for made in serving if len(made.lists) > 1]
    body = figures(shown) + _metrics(serving) + _popular(single) + "".join(_lists(made) for made in several)
    body += _filters(filters) + _batch(batch)
    return page(f"Recommendations of {dataset}", f"Run {run}" + (f" · {note}" if note else ""), body)


def _metrics(serving: Sequence[_Shown]) -> str:
    names = [name for name in _METRICS if any(name in made.metrics for made in serving)]
    if not names:
        return ""
    rows = [[escape(made.title), *(number(made.metrics.get(name)) for name in names)] for made in serving]
    note = "Measured by the service on interactions held back; higher is better."
    if popular := [made.title for made in serving if made.title in {_TITLES[each] for each in _POPULAR}]:
        note += f" Plain popularity, as a yardstick: {', '.join(popular)}."
    return section("How good", table(["Recommender", *map(_short, names)], rows), note)


def _popular(serving: Sequence[_Shown]) -> str:
    """Those with one list only, side by side."""
    if not serving:
        return ""
    cards = "".join(_card(escape(made.title), made.lists[0]["items"]) for made in serving)
    return section("For everybody", f'<div class="grid">{cards}</div>')


def _lists(made: _Shown) -> str:
    cards = [_card(_subject(one["for"]), one["items"]) for one in made.lists]
    first, rest = ("".join(some) for some in (cards[:_OPEN], cards[_OPEN:]))
    more = (
        f'<details><summary>{len(cards) - _OPEN} more</summary><div class="grid">{rest}</div></details>' if rest else ""
    )
    return section(made.title, f'<div class="grid">{first}</div>{more}')


def _filters(filters: Sequence[FilterEffect]) -> str:
    """Per filter the list it was tried on, and what it took out of that."""
    if not filters:
        return ""
    cards = "".join(
        _card(escape(one["name"]), one.get("items", []), f"<code>{escape(one['expression'])}</code>", _effect(one))
        for one in filters
    )
    return section("Filters", f'<div class="grid">{cards}</div>')


def _batch(jobs: Sequence[BatchResult]) -> str:
    if not jobs:
        return ""
    rows = [
        [escape(job["name"]), escape(job["settings"]["solution"]), f"{job['requests']:,}", escape(job["output"])]
        for job in jobs
    ]
    return section("Batch", table(["Job", "Solution", "Lists", "Where they lie"], rows))


def _effect(one: FilterEffect) -> str:
    if "items" not in one:
        return "Gets its values from the application."
    gone = ", ".join(escape(item["name"]) for item in one["leftOut"]) or "nothing"
    return f"{escape(_TITLES.get(one['by'], one['by']))}, {_subject(one['for'])}. Left out: {gone}."


def _card(heading: str, items: Sequence[Item], *about: str) -> str:
    lines = "".join(f'<div class="soft small">{line}</div>' for line in about)
    listed = "".join(f"<li>{escape(item['name'])}</li>" for item in items)
    return f"<article><b>{heading}</b>{lines}<ol>{listed}</ol></article>"


def _subject(about: About) -> str:
    if "itemId" in about:
        return escape(about["name"])
    return f"user {escape(about['userId'])}" if about else "for everybody"


def _short(name: str) -> str:
    return _SHORT.get(
        name, name.replace("normalized_discounted_cumulative_gain_at_", "NDCG@").replace("precision_at_", "precision@")
    )
