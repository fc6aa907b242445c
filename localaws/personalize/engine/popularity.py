"""Most viewed and Best sellers: items by number of events of the type, over the whole history.

The guide counts "how many times" customers viewed or purchased: events, not distinct users, without a time window
(ECOMMERCE-use-cases.md). Items without such an event are never recommended.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .events import Events, History
from .ranking import Ranking, first_allowed, popular_order
from .settings import Settings

NOTHING = np.empty(0, dtype=np.int64)


def train(events: Events, items: pd.DataFrame | None, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `popular`, codes by falling number of events. events: of the recipe's type only."""
    return {"popular": popular_order(events.item_counts())}


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The k most popular allowed items, the same for every user."""
    return Ranking(first_allowed(model["popular"], NOTHING, k, allowed))
