"""Most viewed and Best sellers: items by number of events of the type, over the whole history.

The guide counts "how many times" customers viewed or purchased: events, not distinct users, without a time window
(ECOMMERCE-use-cases.md). Items without such an event are never recommended.
"""

from __future__ import annotations

import numpy as np

from .events import Events, History
from .ranking import Ranking, popular_order
from .settings import Settings


def train(events: Events, items: object, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `popular`, codes by falling number of events. events: of the recipe's type only; items: not used."""
    return {"popular": popular_order(events.item_counts())}


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The k most popular allowed items, the same for every user."""
    return Ranking(most_popular(model, k, allowed))


def most_popular(model: dict[str, np.ndarray], k: int, allowed: np.ndarray) -> np.ndarray:
    """The first k allowed codes of the model's `popular`."""
    popular = model["popular"]
    return popular[np.flatnonzero(allowed[popular])[:k]]  # not a view, which would keep the whole order in memory
