"""Personalize's offline metrics of ranked lists.

Source: https://docs.aws.amazon.com/personalize/latest/dg/evaluating-recommenders.html
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

CUTOFFS = (5, 10, 25)
LONGEST = max(CUTOFFS)
METRICS = (
    "coverage",
    "mean_reciprocal_rank_at_25",
    *(f"normalized_discounted_cumulative_gain_at_{k}" for k in CUTOFFS),
    *(f"precision_at_{k}" for k in CUTOFFS),
)


def hits(ranked: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """(LONGEST,) bool: is the item at each rank relevant; False behind the end of the list."""
    found = np.zeros(LONGEST, dtype=bool)
    found[: min(len(ranked), LONGEST)] = np.isin(ranked[:LONGEST], relevant)
    return found


def reciprocal_rank(found: np.ndarray) -> float:
    """1 / rank of the first hit, 0 without one."""
    return 1.0 / (1 + int(np.argmax(found))) if found.any() else 0.0


def precision(found: np.ndarray, k: int) -> float:
    """Hits among the first k, divided by k."""
    return float(found[:k].sum()) / k


def ndcg(found: np.ndarray, n_relevant: int, k: int) -> float:
    """Hits weighted by 1 / log(1 + rank), divided by the same sum of the ideal list, min(n_relevant, k) hits on top."""
    weights = 1.0 / np.log(1.0 + np.arange(1, k + 1))
    return float(weights[found[:k]].sum() / weights[:n_relevant].sum())


def summarize(answers: Iterable[tuple[np.ndarray, np.ndarray]], n_items: int) -> dict[str, float]:
    """The metrics under the service's names, means over the answers; each is (ranked codes, relevant codes, >= 1).

    coverage: distinct items in the first 25 of any answer, divided by the catalogue's n_items. All 0 without answers.
    """
    found, sizes, shown = [], [], [np.empty(0, dtype=np.int64)]
    for ranked, relevant in answers:
        found.append(hits(ranked, relevant))
        sizes.append(len(relevant))
        shown.append(ranked[:LONGEST])

    def mean(values: list[float]) -> float:
        return float(np.mean(values)) if values else 0.0

    metrics = {
        "coverage": len(np.unique(np.concatenate(shown))) / max(n_items, 1),
        "mean_reciprocal_rank_at_25": mean([reciprocal_rank(f) for f in found]),
    }
    for k in CUTOFFS:
        name = f"normalized_discounted_cumulative_gain_at_{k}"
        metrics[name] = mean([ndcg(f, size, k) for f, size in zip(found, sizes, strict=True)])
    for k in CUTOFFS:
        metrics[f"precision_at_{k}"] = mean([precision(f, k) for f in found])
    return metrics
