"""Recommended for you: a user's recent history scored by EASE or ALS, with exploration of young items.

An item of the history has the weight log2(1 + events), times recency_decay for each more recent item; an event counts
as much as its type's weight (event_weights over the largest). Scores are a softmax over the catalogue
(https://docs.aws.amazon.com/personalize/latest/dg/recommendations.html), whose three groups, the user's last item, the
other items of the history and all others, have the shares that they have of the log's events: so items come again as
far as users return to them, at once (a click, then a purchase) or later. Among the items of a history their own weights
count, too (EASE leaves an item's effect on itself out by construction). New users, and users with only unknown items,
get popular items, explored in the same way.

With an objective (the guide, "Optimizing a solution for an additional objective") an item's logit is
(1 - w) logit + w log(N) r, with w objective_weight and r the item's place, 0..1, among the values of the objective's
column: the highest value weighs as much as the user's best item. AWS publishes no formula.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from storecast_engines.recommending import als, ease
from storecast_engines.recommending.association import incidence
from storecast_engines.recommending.events import Events, History, codes_of
from storecast_engines.recommending.ranking import Ranking, best, popular_order
from storecast_engines.recommending.settings import Settings

if TYPE_CHECKING:  # answering requests must not load pandas
    import pandas as pd

HABIT = 0.15  # of an item's own weight in the history, to its relevance
EASE_SHARE = 0.85  # of all events: if the items that EASE can hold have fewer, ALS learns from all items
DAY = 86400.0


def train(events: Events, items: pd.DataFrame | None, settings: Settings) -> dict[str, np.ndarray]:
    """Model: EASE's or ALS's arrays over their items (`columns`, codes), and per item of the catalogue
    `counts` (events) and `age_days`, and `returns` (3,). events: all types."""
    counts = events.item_counts()
    worth = _worth(events.event_types, settings)[events.types]
    columns = np.sort(popular_order(counts)[: settings.ease_max_items])
    by_ease = counts[columns].sum() >= EASE_SHARE * len(events)
    columns = columns if by_ease else np.flatnonzero(counts)
    matrix = incidence(events.users, events.items, len(counts), worth)[:, columns]
    matrix.data = np.log2(1.0 + matrix.data)
    return {
        "columns": columns,
        "counts": counts,
        "age_days": age_days(events, items),
        "returns": _returns(events),
        **_objective(events, items, settings.objective),
        **(ease.train(matrix) if by_ease else als.train(matrix, settings.factors)),
    }


def _returns(events: Events) -> np.ndarray:
    """(3,) shares of the events, but users' first ones, whose item is new to the user, was there before, was the last;
    each group has one event more than the log, so that none is impossible."""
    pairs = events.users.astype(np.int64) * len(events.item_ids) + events.items
    new = np.zeros(len(pairs), dtype=bool)
    new[np.unique(pairs, return_index=True)[1]] = True
    follows = events.users[1:] == events.users[:-1]
    last = follows & (pairs[1:] == pairs[:-1])
    numbers = 1.0 + np.array([(follows & new[1:]).sum(), (follows & ~new[1:] & ~last).sum(), last.sum()])
    return numbers / numbers.sum()


def _by_returns(probability: np.ndarray, history: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """(N,) the probabilities with the shares `returns` of new items, earlier ones and the last one of a history (codes,
    oldest first, at least one); the share of a group without items goes to the others."""
    group = np.zeros(len(probability), dtype=np.int64)
    group[history] = 1
    group[history[-1]] = 2
    sizes = np.bincount(group, weights=probability, minlength=3)
    shares = np.where(sizes > 0, returns, 0.0)
    return probability * (shares / shares.sum() / np.maximum(sizes, np.finfo(float).tiny))[group]


def _worth(event_types: np.ndarray, settings: Settings) -> np.ndarray:
    """(T,) what an event of each type counts, at most 1."""
    given = [settings.event_weights.get(str(name), 1.0) for name in event_types]
    return np.array(given) / (max(given, default=1.0) or 1.0)


def _objective(events: Events, items: pd.DataFrame | None, column: str) -> dict[str, np.ndarray]:
    """(N,) `reward`, the values of an items' column, 0 where there is none, and `objective`, their places from 0 to 1;
    nothing without a column."""
    if not column:
        return {}
    reward = np.zeros(len(events.item_ids))
    if items is not None:
        known = codes_of(events.item_ids, items["ITEM_ID"].astype(str).to_numpy(dtype=np.str_))
        reward[known[known >= 0]] = items[column].astype("float64").fillna(0.0).to_numpy()[known >= 0]
    values, place = np.unique(reward, return_inverse=True)
    return {
        "objective": place / max(len(values) - 1, 1),
        "reward": reward,
        "objective_column": np.array(column),
    }


def age_days(events: Events, items: pd.DataFrame | None) -> np.ndarray:
    """(N,) days between an item's birth and the newest event of the log: birth is CREATION_TIMESTAMP, else the item's
    oldest event; without both the item is new (0)."""
    now = events.timestamps.max(initial=0)
    birth = np.full(len(events.item_ids), now, dtype=np.float64)
    np.minimum.at(birth, events.items, events.timestamps)
    if items is not None and "CREATION_TIMESTAMP" in items.columns:
        created = items[["ITEM_ID", "CREATION_TIMESTAMP"]].dropna()
        codes = codes_of(events.item_ids, created["ITEM_ID"].astype(str).to_numpy(dtype=np.str_))
        known = codes >= 0
        birth[codes[known]] = created["CREATION_TIMESTAMP"].to_numpy(dtype=np.float64)[known]
    return np.maximum(now - birth, 0) / DAY


def weighted_history(
    items: np.ndarray, decay: float, reach: int, worth: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The newest `reach` distinct items of a history (codes, oldest first; -1 ignored), newest first, and their weights
    log2(1 + events) * decay^place. worth: (m,) what each event counts; None: 1."""
    newest_first = items[items >= 0][::-1]
    distinct, first, place = np.unique(newest_first, return_index=True, return_inverse=True)
    events = np.bincount(place, None if worth is None else worth[items >= 0][::-1], minlength=len(distinct))
    order = np.argsort(first)[:reach]
    return distinct[order], np.log2(1.0 + events[order]) * decay ** np.arange(len(order))


def logits(relevance: np.ndarray) -> np.ndarray:
    """Relevance on a scale where the median item has 0 and the best log(N): N times as probable as the median one."""
    above = relevance - np.median(relevance)
    spread = above.max()
    return above / spread * np.log(len(relevance)) if spread > 0 else np.zeros(len(relevance))


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The k best allowed items and their share of the softmax over the catalogue (before the filter).

    Exploration: an item younger than the cut-off gains explorationWeight * log(N) / sqrt(1 + its events) in the logit,
    so at weight 1 a new item of median relevance ties with the user's best; the gain fades as events come in.
    AWS publishes no formula; the fading is a confidence radius as in UCB1 (Auer et al. 2002).
    """
    counts, columns = model["counts"], model["columns"]
    if not len(counts):
        return Ranking(columns[:0], np.empty(0))
    relevance = np.zeros(len(counts))
    worth = _worth(history.event_types, settings) if settings.event_weights else None
    items, weights = weighted_history(history.items, settings.recency_decay, settings.history_reach, worth)
    place = np.minimum(np.searchsorted(columns, items), len(columns) - 1)
    seen = columns[place] == items
    if seen.any():
        algorithm = ease if "ease" in model else als
        relevance[columns] = algorithm.scores(model, place[seen], weights[seen])
        relevance[items[seen]] += HABIT * weights[seen]
    else:
        relevance = np.log1p(counts)
    young = model["age_days"] <= settings.exploration_item_age_cut_off
    bonus = settings.exploration_weight * np.log(len(counts)) / np.sqrt(1.0 + counts)
    probability = _softmax(logits(relevance) + young * bonus)
    if seen.any() and "returns" in model:  # one that an earlier version trained has none
        probability = _by_returns(probability, history.items[history.items >= 0], model["returns"])
    if "objective" in model:
        share, logit = settings.objective_weight, np.log(np.maximum(probability, np.finfo(float).tiny))
        logit = (1 - share) * (logit - np.median(logit)) + share * np.log(len(counts)) * model["objective"]
        probability = _softmax(logit)
    return best(probability, k, allowed)


def _softmax(logit: np.ndarray) -> np.ndarray:
    probability = np.exp(logit - logit.max())
    return probability / probability.sum()


def recommend_learned(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """As `recommend`, without exploration: Personalized-Ranking and the HRNN recipes have none."""
    return recommend(model, history, item, k, allowed, replace(settings, exploration_weight=0.0))


def rank(
    model: dict[str, np.ndarray],
    history: History,
    items: np.ndarray,
    allowed: np.ndarray | None = None,
    settings: Settings = Settings(),
) -> Ranking:
    """The given item codes by a Personalized-Ranking model: scores are a softmax over these items alone.

    Items without interactions are left out: they have no score. allowed: (N,) bool, the request's filter; None: all.
    Source: Amazon Personalize guide, "Getting a personalized ranking".
    """
    wanted = np.zeros(len(model["item_ids"]), dtype=bool)
    wanted[items[items >= 0]] = True
    wanted &= model["counts"] > 0
    if allowed is not None:
        wanted &= allowed
    ranking = recommend_learned(model, history, None, int(wanted.sum()), wanted, settings)
    assert ranking.scores is not None  # `recommend` gives them
    return Ranking(ranking.items, ranking.scores / max(ranking.scores.sum(), np.finfo(float).tiny))


def update(model: dict[str, np.ndarray], events: Events, items: pd.DataFrame | None) -> dict[str, np.ndarray]:
    """The model over the items of `events`, new ones included, with the learned weights of the others unchanged.

    An update is no retraining; it lets new items be explored (Personalize guide, "User-Personalization recipe").
    """
    codes = codes_of(events.item_ids, model["item_ids"])[model["columns"]]
    known = codes >= 0
    renewed = {"item_ids": events.item_ids, "columns": codes[known], "counts": events.item_counts()}
    if "ease" in model:
        renewed["ease"] = model["ease"][np.ix_(known, known)]
    else:
        factors = model["factors"][known]
        renewed |= {"factors": factors, "gram": factors.T @ factors}
    column = str(model["objective_column"]) if "objective_column" in model else ""
    return model | renewed | _objective(events, items, column) | {"age_days": age_days(events, items)}
