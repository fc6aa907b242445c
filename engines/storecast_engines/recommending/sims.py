"""SIMS: items by how many users' histories hold both, with a popularity discount; item metadata is not used.

    score(i, j) = n_ij / (n_i^(1-d) n_j^d),  n the number of users with each and with both, d sims_discount_factor
for pairs that at least min_cointeraction_count users share: .5 is the cosine, 0 favours the items that most users had
besides i, 1 those that few had without it. AWS publishes no formula; the parameters, their defaults and the popular
items for an unknown one are its own (https://docs.aws.amazon.com/personalize/latest/dg/native-recipe-sims.html).
"""

from __future__ import annotations

import numpy as np

from storecast_engines.recommending import also_viewed, association
from storecast_engines.recommending.association import Pairs
from storecast_engines.recommending.events import Events
from storecast_engines.recommending.ranking import popular_order
from storecast_engines.recommending.settings import Settings

recommend = also_viewed.recommend  # an item's companions, then popular items


def train(events: Events, items: object, settings: Settings) -> dict[str, np.ndarray]:
    """Model: companions as in association.py, and `popular` as in popularity.py. events: all types; items: not used."""
    discount = settings.sims_discount_factor

    def score(pairs: Pairs) -> np.ndarray:
        return pairs.together / (pairs.n_i ** (1 - discount) * pairs.n_j**discount)

    least = settings.min_cointeraction_count
    model = association.companions(events.users, events.items, len(events.item_ids), least, score)
    return model | {"popular": popular_order(events.item_counts())}
