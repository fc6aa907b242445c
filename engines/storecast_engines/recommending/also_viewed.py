"""Customers who viewed X also viewed: items by the cosine of their viewers.

    cos(i, j) = n_ij / sqrt(n_i n_j),  n the number of users who viewed each and both
for pairs that at least min_cointeraction_count users share. AWS publishes no formula; its older recipe SIMS uses
co-occurrence in user histories as well (https://docs.aws.amazon.com/personalize/latest/dg/native-recipe-sims.html).
"""

from __future__ import annotations

import numpy as np

from storecast_engines.recommending import association
from storecast_engines.recommending.association import Pairs
from storecast_engines.recommending.events import Events, History
from storecast_engines.recommending.popularity import most_popular
from storecast_engines.recommending.ranking import Ranking, popular_order
from storecast_engines.recommending.settings import Settings


def train(events: Events, items: object, settings: Settings) -> dict[str, np.ndarray]:
    """Model: companions as in association.py, and `popular` as in popularity.py. events: views; items: not used."""
    return companions(events, settings) | {"popular": popular_order(events.item_counts())}


def companions(events: Events, settings: Settings) -> dict[str, np.ndarray]:
    """Each item's companions by cosine of users, as in association.companions."""
    least = settings.min_cointeraction_count
    return association.companions(events.users, events.items, len(events.item_ids), least, _cosine)


def _cosine(pairs: Pairs) -> np.ndarray:
    return pairs.together / np.sqrt(pairs.n_i * pairs.n_j)


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The item's allowed companions, then popular items (unknown items get only these). No scores, as with SIMS."""
    first = np.empty(0, dtype=np.int64)
    if item is not None and item >= 0:
        found = model["companions"][model["start"][item] : model["start"][item + 1]]
        first = found[allowed[found]][:k]
        allowed = allowed.copy()
        allowed[first] = False
    return Ranking(np.concatenate([first, most_popular(model, k - len(first), allowed)]))
