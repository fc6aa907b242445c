"""Frequently bought together: items that share baskets more often than by chance, with a popularity discount.

Estimate for item i and companion j: the chance that a basket with i holds j,
    (k + m p_j) / (n_i + m)   if the pair is associated, else   p_j
with k baskets that hold both, n_i that hold i, p_j the share of all baskets with j. It is the posterior mean under a
prior worth m baskets (prior_groups) that knows popularity only, so items with little data get popular ones. Associated
means k >= min_cointeraction_count, more often together than by chance, and a log-likelihood ratio (Dunning 1993,
Accurate Methods for the Statistics of Surprise and Coincidence) above 10.83, the chi-square(1) value at p = .001.
Rank is by estimate / p_j^popularity_discount_factor: 0 gives the likeliest companions, mostly best sellers, 1 the most
specific ones, flukes among them. The parameter is that of the recipe SIMS,
https://docs.aws.amazon.com/personalize/latest/dg/native-recipe-sims.html; as there, unknown items get popular ones.
AWS names no unit: a basket here is one user's purchases without a pause of more than visit_gap_seconds.
"""

from __future__ import annotations

import numpy as np

from storecast_engines.recommending import association
from storecast_engines.recommending.association import Pairs
from storecast_engines.recommending.events import Events, History
from storecast_engines.recommending.ranking import Ranking, best
from storecast_engines.recommending.settings import Settings

SIGNIFICANT = 10.83


def log_likelihood_ratio(k: np.ndarray, n_i: np.ndarray, n_j: np.ndarray, n: float) -> np.ndarray:
    """Dunning's G2 of the 2x2 table of n groups: k with both items, n_i and n_j with each."""

    def xlogx(x: np.ndarray) -> np.ndarray:
        return x * np.log(np.maximum(x, 1))  # counts: 0 log 0 = 0

    cells = xlogx(k) + xlogx(n_i - k) + xlogx(n_j - k) + xlogx(n - n_i - n_j + k)
    margins = xlogx(n_i) + xlogx(n - n_i) + xlogx(n_j) + xlogx(n - n_j)
    return np.maximum(2 * (cells - margins + xlogx(np.asarray(n, dtype=np.float64))), 0)


def train(events: Events, items: object, settings: Settings) -> dict[str, np.ndarray]:
    """Model: associated companions as in association.py, and `base` (N,), the rank of items that are not associated.
    events: purchases; items: not used."""
    prior, discount = settings.prior_groups, settings.popularity_discount_factor

    def score(pairs: Pairs) -> np.ndarray:
        k, n_i, n_j, n = pairs.together, pairs.n_i, pairs.n_j, pairs.groups
        associated = (k * n > n_i * n_j) & (log_likelihood_ratio(k, n_i, n_j, n) > SIGNIFICANT)
        estimate = (k + prior * n_j / n) / (n_i + prior)
        return np.where(associated, estimate * (n_j / n) ** -discount, 0.0)

    baskets = association.visits(events, settings.visit_gap_seconds)
    n_items, least = len(events.item_ids), settings.min_cointeraction_count
    model = association.companions(baskets, events.items, n_items, least, score)
    return model | {"base": model["share"] * np.where(model["share"] > 0, model["share"], 1.0) ** -discount}


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The item's k best companions among the allowed items that have purchases; no scores, as with SIMS."""
    base = model["base"]
    scores = base
    if item is not None and item >= 0:
        row = slice(model["start"][item], model["start"][item + 1])
        scores = base.copy()
        scores[model["companions"][row]] = model["scores"][row]
    return Ranking(best(scores, k, allowed & (base > 0)).items)
