"""Trending-Now: items by how fast their interactions grow.

Source: https://docs.aws.amazon.com/personalize/latest/dg/native-recipe-trending-now.html

Time is cut into windows of the trend discovery frequency, the newest one ending with the newest event. An item's trend
is the least-squares slope of its counts over the newest WINDOWS windows: AWS says "rate of increase" and gives no
formula; two windows alone would call every jitter of thin items a trend. Ties go to the more popular item.
"""

from __future__ import annotations

import numpy as np

from storecast_engines.recommending.events import Events
from storecast_engines.recommending.settings import Settings

WINDOWS = 4


def train(events: Events, items: object, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `popular`, codes by falling slope, as popularity.recommend reads them; items: not used."""
    n_items = len(events.item_ids)
    age = (events.timestamps.max(initial=0) - events.timestamps) // settings.trend_discovery_seconds
    recent = age < WINDOWS
    cells = events.items[recent] * WINDOWS + (WINDOWS - 1 - age[recent])
    counts = np.bincount(cells, minlength=n_items * WINDOWS).reshape(n_items, WINDOWS)
    place = np.arange(WINDOWS) - (WINDOWS - 1) / 2
    slope = counts @ place / (place @ place)
    total = events.item_counts()
    order = np.lexsort((np.arange(n_items), -total, -slope))
    return {"popular": order[total[order] > 0]}
