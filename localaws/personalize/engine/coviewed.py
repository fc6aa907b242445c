"""Customers who viewed X also viewed: cosine similarity of items over the users that viewed them.

cosine(i, j) = k / sqrt(n_i * n_j), k users who viewed both, n users who viewed one. Pairs with fewer than
`min_cointeraction_count` users are dropped; unknown and thin items get most viewed items (native-recipe-sims.md).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .cooccurrence import incidence, neighbours, pairs, partners
from .events import Events, History
from .ranking import Ranking, first_allowed, popular_order
from .settings import Settings


def train(events: Events, items: pd.DataFrame | None, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `popular` and each item's `neighbours`. events: views only."""
    n_items = len(events.item_ids)
    matrix = incidence(events.users, events.items, n_items)
    viewers = np.bincount(matrix.indices, minlength=n_items).astype(np.float64)
    i, j, k = pairs(matrix, settings.min_cointeraction_count)
    similar = neighbours(i, j, k / np.sqrt(viewers[i] * viewers[j]), n_items)
    return {"popular": popular_order(events.item_counts()), **similar}


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The k items most similar to the viewed one, filled up with most viewed items."""
    return Ranking(first_allowed(partners(model, item), model["popular"], k, allowed))
