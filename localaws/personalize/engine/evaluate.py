"""Personalize's own offline protocol, for any recipe and for plain popularity beside it (evaluating-recommenders.md).

90% of the users train. Of each user of the other 10% the oldest 90% of the events are the input and the newest 10% the
truth. The guide leaves open what this means per use case; we say it so:
- The truth is the items of the recipe's event type in the newest 10% (any type for recommended-for-you).
- An answer is what a request would get, so purchased items are out where the recipe takes them out. They are out of
  the truth, too: a recommender is not asked for what it may not say.
- also-viewed is asked with the user's last viewed item of the input; the truth is what else was viewed afterwards.
- bought-together is asked once per basket of the newest 10% with two or more items, with one of them drawn by the
  seed; the truth is the others. The basket starts in the newest 10%: none is cut in two.
- Requests that have no truth left are not asked. Metrics are means over requests; `requests` says how many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import popularity
from .events import Events, History
from .metrics import LONGEST, summarize
from .ranking import Ranking
from .recipes import Recipe, fit, permissible
from .settings import Settings
from .together import baskets


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
    recipe: Recipe, events: Events, items: pd.DataFrame | None = None, settings: Settings = Settings(), seed: int = 0
) -> Evaluation:
    """Train on 90% of the users and ask for the rest. Deterministic in `seed`. Too little data gives 0 requests."""
    training, test = split_users(events, seed)
    model = fit(recipe, training, items, settings)
    plain = popularity.train(training.of_type(recipe.event_type), items, settings)
    asked = list(requests(recipe, test, settings, seed))
    n_items = len(events.item_ids)
    answers, baseline = [], []
    for request in asked:
        allowed = permissible(recipe, n_items, request.history, request.item)
        query = (request.history, request.item, LONGEST, allowed, settings)
        ranking: Ranking = recipe.rank(model, *query)
        answers.append((ranking.items, request.truth))
        baseline.append((popularity.recommend(plain, *query).items, request.truth))
    return Evaluation(
        summarize(answers, n_items), summarize(baseline, n_items), len(asked), len(np.unique(test.users))
    )


def split_users(events: Events, seed: int) -> tuple[Events, Events]:
    """Events of 90% of the users with events, and of the other 10% (at least one user if there are two)."""
    active = np.unique(events.users)
    shuffled = np.random.default_rng(seed).permutation(active)
    n_test = max(round(0.1 * len(active)), min(1, len(active) - 1))
    in_test = np.isin(events.users, shuffled[:n_test])
    return events.take(~in_test), events.take(in_test)


def requests(recipe: Recipe, test: Events, settings: Settings, seed: int) -> Iterator[Request]:
    """The requests of the test users, in the order of users."""
    rng = np.random.default_rng(seed)
    right = np.ones(len(test), dtype=bool)
    if recipe.event_type is not None:
        right = test.event_types[test.types] == recipe.event_type
    basket_of = baskets(test, settings.basket_gap_seconds)
    for user in np.unique(test.users):
        rows = test.rows_of(user)
        cut = rows.start + int(0.9 * (rows.stop - rows.start))
        newest = np.arange(cut, rows.stop)[right[cut : rows.stop]]
        history = test.history(slice(rows.start, cut))
        if not recipe.needs_item:
            yield from _request(recipe, test, history, None, newest)
        elif recipe.needs_user:
            viewed = np.arange(rows.start, cut)[right[rows.start : cut]]
            if len(viewed):
                yield from _request(recipe, test, history, int(test.items[viewed[-1]]), newest)
        else:
            started = newest[basket_of[newest] != (basket_of[cut - 1] if cut > rows.start else -1)]
            for basket in np.unique(basket_of[started]):
                basket_rows = started[basket_of[started] == basket]
                query = int(rng.choice(np.unique(test.items[basket_rows])))
                yield from _request(recipe, test, history, query, basket_rows)


def _request(
    recipe: Recipe, test: Events, history: History, item: int | None, rows: np.ndarray
) -> Iterator[Request]:
    truth = np.unique(test.items[rows])
    truth = truth[permissible(recipe, len(test.item_ids), history, item)[truth]]
    if len(truth):
        yield Request(history, item, truth)
