"""Counting which items occur in the same group (a basket, a user's views) and keeping each item's best partners."""

from __future__ import annotations

import numpy as np
from scipy import sparse

NEIGHBOURS = 200  # partners kept per item; longer answers are filled up with popular items
MAX_GROUP = 500  # larger groups are robots or resellers: they say little and cost size^2 (as SIMS' history percentile)


def incidence(groups: np.ndarray, items: np.ndarray, n_items: int) -> sparse.csr_matrix:
    """(G, n_items) float32, 1 where a group holds an item; groups (E,) and items (E,) are codes, repeats count once.
    Groups of more than MAX_GROUP distinct items are emptied."""
    shape = (int(groups.max(initial=-1)) + 1, n_items)
    matrix = sparse.csr_matrix((np.ones(len(items), dtype=np.float32), (groups, items)), shape=shape)
    matrix.data[:] = 1.0  # csr_matrix summed the repeats
    sizes = np.diff(matrix.indptr)
    matrix.data[np.repeat(sizes > MAX_GROUP, sizes)] = 0.0
    matrix.eliminate_zeros()
    return matrix


def pairs(matrix: sparse.csr_matrix, min_count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ordered pairs (i, j, k): distinct items i and j that k >= min_count groups hold together; both directions."""
    together = (matrix.T @ matrix).tocoo()
    keep = (together.data >= min_count) & (together.row != together.col)
    return together.row[keep], together.col[keep], together.data[keep].astype(np.float64)


def neighbours(rows: np.ndarray, columns: np.ndarray, scores: np.ndarray, n_items: int) -> dict[str, np.ndarray]:
    """Each row's NEIGHBOURS best columns, best first, ties by code: arrays `start` (n_items+1,) and `neighbours`."""
    order = np.lexsort((columns, -scores, rows))
    rows, columns = rows[order], columns[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    keep = place < NEIGHBOURS
    start = np.searchsorted(rows[keep], np.arange(n_items + 1))
    return {"start": start, "neighbours": columns[keep].astype(np.int32)}


def partners(model: dict[str, np.ndarray], item: int | None) -> np.ndarray:
    """Codes of an item's partners, best first; none for an unknown item (None or -1)."""
    if item is None or item < 0:
        return np.empty(0, dtype=np.int32)
    return model["neighbours"][model["start"][item] : model["start"][item + 1]]
