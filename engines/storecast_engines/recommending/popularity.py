"""Popularity: items by their number of events (Most viewed, Best sellers) or of distinct users (Popularity-Count).

The Personalize guide counts for Most viewed "how many times" customers viewed: events, not distinct users, without a
time window ("ECOMMERCE use cases"). Popularity-Count counts users ("Popularity-Count recipe"). Items without events are
never recommended.
"""

from __future__ import annotations

import numpy as np

from storecast_engines.recommending.events import Events, History
from storecast_engines.recommending.ranking import Ranking, popular_order
from storecast_engines.recommending.settings import Settings


def train(events: Events, items: object, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `popular`, codes by falling number of events. events: of the recipe's type only; items: not used."""
    return {"popular": popular_order(events.item_counts())}


def train_by_users(events: Events, items: object, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `popular`, codes by falling number of distinct users; items: not used."""
    n_items = len(events.item_ids)
    pairs = np.unique(events.users.astype(np.int64) * n_items + events.items)
    return {"popular": popular_order(np.bincount(pairs % n_items, minlength=n_items))}


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The k most popular allowed items, the same for every user."""
    return Ranking(most_popular(model, k, allowed))


def most_popular(model: dict[str, np.ndarray], k: int, allowed: np.ndarray) -> np.ndarray:
    """The first k allowed codes of the model's `popular`."""
    popular = model["popular"]
    return popular[np.flatnonzero(allowed[popular])[:k]]  # not a view, which would keep the whole order in memory
