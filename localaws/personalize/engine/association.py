"""Which items occur in one group (a basket, a visit) more often than chance: training and answering for both
related-item recipes.

Estimate for item i and companion j: the chance that a group with i holds j,
    (k + m r_i p_j) / (n_i + m)   if the pair is associated, else   r_i p_j
with k groups that hold both, n_i groups with i, p_j the share of all groups with j, r_i how much fuller the groups with
i are than average. It is the posterior mean under a prior worth m groups that knows popularity only, so thin items
shade off into popular ones instead of jumping. Associated means k >= min_cointeraction_count, more often together than
by chance, and a log-likelihood ratio (Dunning 1993, Accurate Methods for the Statistics of Surprise and Coincidence)
above 10.83, the chi-square(1) value at p = .001.
Rank is by estimate / p_j^popularity_discount_factor: 0 gives the likeliest companions, mostly best sellers, 1 gives the
most specific ones (the knob is SIMS', native-recipe-sims.md). Unknown items get popular items, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .events import Events, History
from .ranking import Ranking, best
from .settings import Settings

if TYPE_CHECKING:
    from scipy import sparse

LLR_THRESHOLD = 10.83
NEIGHBOURS = 200  # companions kept per item
MAX_GROUP = 500  # larger groups are robots or resellers: they say little and cost size^2 (as SIMS' history percentile)


def visits(events: Events, gap_seconds: int) -> np.ndarray:
    """(E,) code of the visit (of purchases: the basket) of each event: the next one begins with another user, or after
    a pause of more than `gap_seconds`."""
    new_user = np.diff(events.users, prepend=-1) != 0
    pause = np.diff(events.timestamps, prepend=0) > gap_seconds
    return np.cumsum(new_user | pause) - 1


def incidence(groups: np.ndarray, items: np.ndarray, n_items: int) -> sparse.csr_matrix:
    """(G, n_items) float32, how often a group holds an item. groups (E,) and items (E,) are codes."""
    from scipy import sparse  # here and not above: answering requests must not load it

    shape = (int(groups.max(initial=-1)) + 1, n_items)
    matrix = sparse.csr_matrix((np.ones(len(items), dtype=np.float32), (groups, items)), shape=shape)
    matrix.sum_duplicates()
    return matrix


def log_likelihood_ratio(k: np.ndarray, n_i: np.ndarray, n_j: np.ndarray, n: float) -> np.ndarray:
    """Dunning's G2 of the 2x2 table of n groups: k with both items, n_i and n_j with each."""

    def xlogx(x: np.ndarray) -> np.ndarray:
        return x * np.log(np.maximum(x, 1))  # counts: 0 log 0 = 0

    cells = xlogx(k) + xlogx(n_i - k) + xlogx(n_j - k) + xlogx(n - n_i - n_j + k)
    margins = xlogx(n_i) + xlogx(n - n_i) + xlogx(n_j) + xlogx(n - n_j)
    return np.maximum(2 * (cells - margins + xlogx(np.asarray(n, dtype=np.float64))), 0)


def train(events: Events, items: object, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `base` (N,) damped popularity, `fullness` (N,) r_i, and each item's associated companions, best first, in
    `start` (N+1,), `companions`, `scores`. events: of the recipe's type only; items: not used."""
    n_items = len(events.item_ids)
    matrix = incidence(visits(events, settings.visit_gap_seconds), events.items, n_items)
    sizes = np.diff(matrix.indptr)
    matrix = matrix[sizes <= MAX_GROUP]
    matrix.data[:] = 1.0
    n_groups = float(max(matrix.shape[0], 1))
    n = np.bincount(matrix.indices, minlength=n_items).astype(np.float64)
    share = n / n_groups
    damping = np.where(n > 0, share, 1.0) ** -settings.popularity_discount_factor

    together = (matrix.T @ matrix).tocoo()
    distinct = together.row != together.col
    i, j, k = together.row[distinct], together.col[distinct], together.data[distinct].astype(np.float64)
    companions_of = np.bincount(i, weights=k, minlength=n_items)
    by_chance = n * (share.sum() - share)
    fullness = np.where(companions_of > 0, companions_of / np.where(by_chance > 0, by_chance, 1.0), 1.0)

    keep = (k >= settings.min_cointeraction_count) & (k * n_groups > n[i] * n[j])
    i, j, k = i[keep], j[keep], k[keep]
    keep = log_likelihood_ratio(k, n[i], n[j], n_groups) > LLR_THRESHOLD
    i, j, k = i[keep], j[keep], k[keep]
    prior = settings.prior_groups
    scores = (k + prior * fullness[i] * share[j]) / (n[i] + prior) * damping[j]
    return {"base": share * damping, "fullness": fullness, **strongest(i, j, scores, n_items)}


def strongest(i: np.ndarray, j: np.ndarray, scores: np.ndarray, n_items: int) -> dict[str, np.ndarray]:
    """Each i's NEIGHBOURS best j, best first, ties by code, as rows of `companions` and `scores` from `start`."""
    order = np.lexsort((j, -scores, i))
    i, j, scores = i[order], j[order], scores[order]
    keep = np.arange(len(i)) - np.searchsorted(i, i) < NEIGHBOURS
    start = np.searchsorted(i[keep], np.arange(n_items + 1))
    return {"start": start, "companions": j[keep].astype(np.int32), "scores": scores[keep].astype(np.float32)}


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The item's k best companions among the allowed items that have events; no scores, as with SIMS."""
    base = model["base"]
    scores = base
    if item is not None and item >= 0:
        row = slice(model["start"][item], model["start"][item + 1])
        scores = base * model["fullness"][item]
        scores[model["companions"][row]] = model["scores"][row]
    return Ranking(best(scores, k, allowed & (base > 0)).items)
