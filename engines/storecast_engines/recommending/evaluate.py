"""Personalize's own offline evaluation, for any recipe, with plain popularity as the baseline.

Source: Amazon Personalize guide, "Evaluating a domain recommender". 90% of the users train. Of each user of the other
10%, the oldest 90% of the events are the input and the newest 10% the ground truth. The guide does not say what this
means for each use case; here:
- The ground truth is the items of the recipe's event type in the newest 10% (any type for recommended-for-you).
- Items that the recipe leaves out (purchased ones) are left out of the ground truth too.
- Similar-Items and SIMS get one request per user, about the newest item of the input (recorded metrics of SIMS are
  means over a tenth of the users, as those of User-Personalization and Personalized-Ranking are).
- The other recipes that relate to an item get one request per item of each basket (bought-together) or visit
  (also-viewed) that begins in the newest 10% and has two or more items; the ground truth is the other items.
- Recipes of user segments have a protocol of their own (segments.py), and no baseline.
- Requests without ground truth are skipped. Metrics are means over requests; `requests` is their number.
With few users the guide's single split is a matter of luck, so the evaluation can run on several tenths of the users.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storecast_engines.recommending import popularity, segments
from storecast_engines.recommending.association import visits
from storecast_engines.recommending.events import Events, History
from storecast_engines.recommending.metrics import LONGEST, summarize
from storecast_engines.recommending.recipes import Model, Recipe, permissible, train
from storecast_engines.recommending.settings import Settings

if TYPE_CHECKING:  # answering requests must not load pandas
    import pandas as pd


MOST_RECOMMENDED = 500  # docs/aws-sources.md#personalize-API_RS_GetRecommendations


@dataclass(frozen=True)
class Request:
    """One request of the test: the user's history, the item it is about, and the ground truth (item codes)."""

    history: History
    item: int | None
    truth: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Metrics under the service's names; those of plain popularity (items by number of events of the recipe's type) on
    the same requests; the numbers of requests and of test users."""

    metrics: dict[str, float]
    popularity: dict[str, float]
    requests: int
    test_users: int


def evaluate(
    recipe: Recipe, events: Events, items: pd.DataFrame | None = None, settings: Settings = Settings(), folds: int = 1
) -> Evaluation:
    """Train on 90% of the users and test on the rest; with folds > 1 (at most 10), on as many disjoint tenths.

    Deterministic. Too little data gives 0 requests.
    """
    if recipe.segments:
        found, queries = segments.evaluate(events, items, settings, by_attribute=recipe.needs_items)
        return Evaluation(found, {}, queries, len(np.unique(events.users)))
    n_items = len(events.item_ids)
    metrics, baseline, asked, test_users = [], [], [], 0
    for fold in range(folds):
        training, test = split_users(events, fold)
        model = train(recipe, training, items, settings, minimums=False)
        plain = popularity.train(training.of_type(recipe.event_type), items, settings)
        answers, popular = [], []
        asked_of = list(requests(recipe, test, settings))
        for request in asked_of:
            allowed = permissible(recipe, n_items, request.history, request.item)
            query = (request.history, request.item, LONGEST, allowed, settings)
            answers.append((recipe.recommend(model, *query).items, request.truth))
            popular.append((popularity.recommend(plain, *query).items, request.truth))
        metrics.append(summarize(answers, n_items) | _rewards(recipe, model, asked_of, settings))
        baseline.append(summarize(popular, n_items))
        asked.append(len(answers))
        test_users += len(np.unique(test.users))
    return Evaluation(_mean(metrics, asked), _mean(baseline, asked), sum(asked), test_users)


def _rewards(recipe: Recipe, model: Model, asked: list[Request], settings: Settings) -> dict[str, float]:
    """average_rewards_at_k of a model with an objective: of the rewards of the recommended items that a user chose, the
    share that the 25 recommended items of the highest rewards have. Recommended are the most that a request may have.

    Source: the guide, "Evaluating a solution version with metrics"; it names no length of the list.
    """
    if "reward" not in model:
        return {}
    shares = []
    for request in asked:
        allowed = permissible(recipe, len(model["item_ids"]), request.history, request.item)
        shown = recipe.recommend(model, request.history, request.item, MOST_RECOMMENDED, allowed, settings).items
        rewards = model["reward"][shown] * np.isin(shown, request.truth)
        best = np.argsort(-model["reward"][shown], kind="stable")[:LONGEST]
        if rewards.sum() > 0:
            shares.append(float(rewards[best].sum() / rewards.sum()))
    return {"average_rewards_at_k": float(np.mean(shares)) if shares else 0.0}


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
        if recipe.event_type is None:
            if len(history.items):
                yield from _request(recipe, test, history, int(history.items[-1]), newest)
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
