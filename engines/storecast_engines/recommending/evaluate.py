"""Personalize's own offline protocol, for any recipe and for plain popularity beside it (evaluating-recommenders.md).

90% of the users train. Of each user of the other 10% the oldest 90% of the events are the input and the newest 10% the
truth. The guide leaves open what this means per use case; we say it so:
- The truth is the items of the recipe's event type in the newest 10% (any type for recommended-for-you).
- An answer is what a request would get, so purchased items are out where the recipe takes them out. They are out of
  the truth, too: a recommender is not asked for what it may not say.
- Recipes that relate to an item are asked once per item of each basket (bought-together) or visit (also-viewed) that
  begins in the newest 10% and has two or more items; the truth is the others.
- Requests that have no truth left are not asked. Metrics are means over requests; `requests` says how many.
Few users make the guide's single split a matter of luck, so the protocol can be run on several tenths of the users.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import popularity
from .association import visits
from .events import Events, History
from .metrics import LONGEST, summarize
from .recipes import Recipe, fit, permissible
from .settings import Settings

if TYPE_CHECKING:  # answering requests must not load pandas
    import pandas as pd


@dataclass(frozen=True)
class Request:
    """One question of the test: who asks (history), about which item, and what turned out to be right."""

    history: History
    item: int | None
    truth: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Metrics under the service's names; the same for plain popularity (items by number of events of the recipe's
    type) asked the same requests; how many requests from how many test users."""

    metrics: dict[str, float]
    popularity: dict[str, float]
    requests: int
    test_users: int


def evaluate(
    recipe: Recipe, events: Events, items: pd.DataFrame | None = None, settings: Settings = Settings(), folds: int = 1
) -> Evaluation:
    """Train on 90% of the users and ask for the rest; with folds > 1 (at most 10) so for as many disjoint tenths.
    Deterministic. Too little data gives 0 requests."""
    n_items = len(events.item_ids)
    metrics, baseline, asked, test_users = [], [], [], 0
    for fold in range(folds):
        training, test = split_users(events, fold)
        model = fit(recipe, training, items, settings)
        plain = popularity.train(training.of_type(recipe.event_type), items, settings)
        answers, popular = [], []
        for request in requests(recipe, test, settings):
            allowed = permissible(recipe, n_items, request.history, request.item)
            query = (request.history, request.item, LONGEST, allowed, settings)
            answers.append((recipe.rank(model, *query).items, request.truth))
            popular.append((popularity.recommend(plain, *query).items, request.truth))
        metrics.append(summarize(answers, n_items))
        baseline.append(summarize(popular, n_items))
        asked.append(len(answers))
        test_users += len(np.unique(test.users))
    return Evaluation(_mean(metrics, asked), _mean(baseline, asked), sum(asked), test_users)


def _mean(folds: list[dict[str, float]], asked: list[int]) -> dict[str, float]:
    weights = asked if sum(asked) else None
    return {name: float(np.average([fold[name] for fold in folds], weights=weights)) for name in folds[0]}


def split_users(events: Events, fold: int = 0) -> tuple[Events, Events]:
    """Events of nine tenths of the users with events and of the other tenth: tenth `fold` (0..9) of a fixed shuffle,
    at least one user if there are two."""
    active = np.unique(events.users)
    shuffled = np.random.default_rng(0).permutation(active)
    size = max(len(active) // 10, min(1, len(active) - 1))
    in_test = np.isin(events.users, shuffled[fold * size : (fold + 1) * size])
    return events.take(~in_test), events.take(in_test)


def requests(recipe: Recipe, test: Events, settings: Settings) -> Iterator[Request]:
    """The requests of the test users, in the order of users and time."""
    right = np.ones(len(test), dtype=bool)
    if recipe.event_type is not None:
        right = test.event_types[test.types] == recipe.event_type
    visit = np.full(len(test), -1)
    visit[right] = visits(test.take(right), settings.visit_gap_seconds)
    for user in np.unique(test.users):
        rows = test.rows_of(user)
        cut = rows.start + int(0.9 * (rows.stop - rows.start))
        history = test.history(slice(rows.start, cut))
        newest = np.arange(cut, rows.stop)[right[cut : rows.stop]]
        if not recipe.needs_item:
            yield from _request(recipe, test, history, None, newest)
            continue
        begun_before = visit[rows.start : cut].max(initial=-1)
        for code in np.unique(visit[newest]):
            if code > begun_before:
                group = newest[visit[newest] == code]
                for item in np.unique(test.items[group]):
                    yield from _request(recipe, test, history, int(item), group)


def _request(recipe: Recipe, test: Events, history: History, item: int | None, rows: np.ndarray) -> Iterator[Request]:
    truth = np.unique(test.items[rows])
    truth = truth[permissible(recipe, len(test.item_ids), history, item)[truth]]
    if len(truth):
        yield Request(history, item, truth)
