"""Frequently bought together: items that share baskets with the given one more often than chance, best companions first.

A pair is kept if at least `min_cointeraction_count` baskets hold it and its log-likelihood ratio (Dunning 1993, Accurate
Methods for the Statistics of Surprise and Coincidence) is above 10.83, the chi-square(1) value at p = .001. Kept pairs
are ranked by k / n_j^0.25: the count, so that the answer is frequent, damped by the companion's own baskets, so that
best sellers do not fill every list. Unknown and thin items get best sellers, as SIMS does (native-recipe-sims.md).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .cooccurrence import incidence, neighbours, pairs, partners
from .events import Events, History
from .ranking import Ranking, first_allowed, popular_order
from .settings import Settings

LLR_THRESHOLD = 10.83
POPULARITY_DISCOUNT = 0.25


def baskets(events: Events, gap_seconds: int) -> np.ndarray:
    """(E,) basket code per purchase: a new one for each user and whenever more than `gap_seconds` passed."""
    new_user = np.diff(events.users, prepend=-1) != 0
    pause = np.diff(events.timestamps, prepend=0) > gap_seconds
    return np.cumsum(new_user | pause) - 1


def log_likelihood_ratio(k: np.ndarray, n_i: np.ndarray, n_j: np.ndarray, n: int) -> np.ndarray:
    """Dunning's G2 of the 2x2 table of n baskets: k with both items, n_i and n_j with each."""

    def entropy_term(x: np.ndarray) -> np.ndarray:
        return x * np.log(np.maximum(x, 1))  # x log x, 0 at 0

    cells = entropy_term(k) + entropy_term(n_i - k) + entropy_term(n_j - k) + entropy_term(n - n_i - n_j + k)
    margins = entropy_term(n_i) + entropy_term(n - n_i) + entropy_term(n_j) + entropy_term(n - n_j)
    return np.maximum(2 * (cells - margins + entropy_term(np.float64(n))), 0)


def train(events: Events, items: pd.DataFrame | None, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `popular` and each item's `neighbours`. events: purchases only."""
    n_items = len(events.item_ids)
    matrix = incidence(baskets(events, settings.basket_gap_seconds), events.items, n_items)
    sizes = np.diff(matrix.indptr)
    n_baskets = int((sizes > 0).sum())
    in_baskets = np.bincount(matrix.indices, minlength=n_items).astype(np.float64)
    i, j, k = pairs(matrix, settings.min_cointeraction_count)
    # Pairs that meet less often than chance have a high ratio too: they repel each other, so they do not qualify.
    attract = k * n_baskets > in_baskets[i] * in_baskets[j]
    keep = attract & (log_likelihood_ratio(k, in_baskets[i], in_baskets[j], n_baskets) > LLR_THRESHOLD)
    i, j, k = i[keep], j[keep], k[keep]
    companions = neighbours(i, j, k / in_baskets[j] ** POPULARITY_DISCOUNT, n_items)
    return {"popular": popular_order(events.item_counts()), **companions}


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The item's k best companions, filled up with best sellers."""
    return Ranking(first_allowed(partners(model, item), model["popular"], k, allowed))
