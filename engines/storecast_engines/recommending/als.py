"""Implicit ALS for catalogues that are too large for EASE, with a fold-in of our own.

Hu, Koren, Volinsky 2008, Collaborative Filtering for Implicit Feedback Datasets: confidence 1 + ALPHA w of an item.
`implicit` trains; a user's factors are solved again at each request, so that new events count at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

ITERATIONS = 15
L2 = 5.0
ALPHA = 10.0


def train(matrix: sparse.csr_matrix, factors: int) -> dict[str, np.ndarray]:
    """Model: `factors` (n, f) float32 and their `gram` (f, f). matrix: (users, n) float32."""
    from implicit.cpu.als import AlternatingLeastSquares  # here and not above: answering requests must not load it

    als = AlternatingLeastSquares(
        factors=factors, iterations=ITERATIONS, regularization=L2, alpha=1.0, num_threads=1, random_state=0
    )
    als.fit(matrix * np.float32(ALPHA), show_progress=False)
    learnt = np.ascontiguousarray(als.item_factors, dtype=np.float32)
    return {"factors": learnt, "gram": learnt.T @ learnt}


def user_factors(model: dict[str, np.ndarray], items: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(f,) factors of a history: distinct item columns (m,) and their weights (m,)."""
    own = model["factors"][items]
    extra = (ALPHA * weights).astype(np.float32)[:, None]
    system = model["gram"] + own.T @ (extra * own) + L2 * np.eye(len(model["gram"]), dtype=np.float32)
    return np.linalg.solve(system, ((1.0 + extra) * own).sum(axis=0))


def scores(model: dict[str, np.ndarray], items: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n,) scores of a history: distinct item columns (m,) and their weights (m,)."""
    return model["factors"] @ user_factors(model, items, weights)
