"""Popularity-Count: items by how many users interacted with them, not by events (native-recipe-popularity.md)."""

from __future__ import annotations

import numpy as np

from .events import Events
from .ranking import popular_order
from .settings import Settings


def train(events: Events, items: object, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `popular`, codes by falling number of distinct users, as in popularity.py; items: not used."""
    n_items = len(events.item_ids)
    pairs = np.unique(events.users.astype(np.int64) * n_items + events.items)
    return {"popular": popular_order(np.bincount(pairs % n_items, minlength=n_items))}
