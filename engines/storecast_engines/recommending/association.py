"""Which items occur together in one group (a basket, a user's history): the pairs, and each item's best companions.

Frequently bought together (bought_together.py), also viewed (also_viewed.py) and Similar-Items (similar.py) differ in
the groups and in how they score a pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storecast_engines.recommending.events import Events

if TYPE_CHECKING:
    from scipy import sparse

NEIGHBOURS = 200  # companions kept per item
MAX_GROUP = (
    500  # larger groups are robots or resellers: little information at cost size^2 (see SIMS' history percentile)
)
BLOCK = 1000  # items whose pairs are in memory at once


@dataclass(frozen=True)
class Pairs:
    """Pairs of different items: `together` groups hold items i and j, `n_i` and `n_j` hold each, of `groups` in all."""

    together: np.ndarray
    n_i: np.ndarray
    n_j: np.ndarray
    groups: int


def visits(events: Events, gap_seconds: int) -> np.ndarray:
    """(E,) code of the visit (of purchases: the basket) of each event: the next one begins with another user, or after
    a pause of more than `gap_seconds`."""
    new_user = np.diff(events.users, prepend=-1) != 0
    pause = np.diff(events.timestamps, prepend=0) > gap_seconds
    return np.cumsum(new_user | pause) - 1


def incidence(
    groups: np.ndarray, items: np.ndarray, n_items: int, worth: np.ndarray | None = None
) -> sparse.csr_matrix:
    """(G, n_items) float32, how often a group holds an item. groups (E,) and items (E,) are codes; worth (E,) what each
    event counts, None: 1."""
    from scipy import sparse  # here and not above: answering requests must not load it

    shape = (int(groups.max(initial=-1)) + 1, n_items)
    counted = np.ones(len(items), dtype=np.float32) if worth is None else worth.astype(np.float32)
    matrix = sparse.csr_matrix((counted, (groups, items)), shape=shape)
    matrix.sum_duplicates()
    return matrix


def companions(
    groups: np.ndarray, items: np.ndarray, n_items: int, least: int, score: Callable[[Pairs], np.ndarray]
) -> dict[str, np.ndarray]:
    """Model: each item's NEIGHBOURS best companions, best first, ties by code: `start` (n_items+1,), `companions`,
    `scores`; `share` (n_items,) of all groups that hold each item. A pair needs `least` groups that hold both, and a
    score above 0 from `score`."""
    matrix = incidence(groups, items, n_items)
    matrix = matrix[np.diff(matrix.indptr) <= MAX_GROUP]
    matrix.data[:] = 1.0
    n, n_groups = np.bincount(matrix.indices, minlength=n_items).astype(np.float64), max(matrix.shape[0], 1)
    by_item = matrix.T.tocsr()
    found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32))]
    for first in range(0, n_items, BLOCK):
        block = (by_item[first : first + BLOCK] @ matrix).tocoo()
        keep = (block.data >= least) & (block.row + first != block.col)
        i, j, together = block.row[keep] + first, block.col[keep], block.data[keep].astype(np.float64)
        scores = score(Pairs(together, n[i], n[j], n_groups))
        found.append(_strongest(i[scores > 0], j[scores > 0], scores[scores > 0]))
    i, j, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
    start = np.searchsorted(i, np.arange(n_items + 1))
    return {"start": start, "companions": j, "scores": scores, "share": n / n_groups}


def _strongest(i: np.ndarray, j: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = np.lexsort((j, -scores, i))
    i, j, scores = i[order], j[order], scores[order]
    keep = np.arange(len(i)) - np.searchsorted(i, i) < NEIGHBOURS
    return i[keep].astype(np.int64), j[keep].astype(np.int32), scores[keep].astype(np.float32)
