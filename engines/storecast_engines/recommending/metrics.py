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


def ndcg(found: np.ndarray, n_ideal: int | None, k: int) -> float:
    """Hits weighted by 1 / log(1 + rank), divided by the same sum of an ideal list, with n_ideal hits on top.

    None: the ideal is the same list "sorted by relevance" (the guide's words until May 2021), its own hits on top. So
    the service computes it: popularity on MovieLens' ratings then has .055, .067, .096 at 5, 10, 25, and a recorded
    solution that recommended 37 items to everybody .058, .071, .096; with all relevant items as the ideal, .016, .021,
    .033.
    """
    weights = 1.0 / np.log(1.0 + np.arange(1, k + 1))
    ideal = weights[: int(found[:k].sum()) if n_ideal is None else n_ideal].sum()
    return float(weights[found[:k]].sum() / ideal) if ideal else 0.0


def summarize(
    answers: Iterable[tuple[np.ndarray, np.ndarray]], n_items: int, all_relevant: bool = False
) -> dict[str, float]:
    """The metrics under the service's names, means over the answers; each is (ranked codes, relevant codes, >= 1).

    coverage: distinct items in the first 25 of any answer, divided by the catalogue's n_items. All 0 without answers.
    all_relevant: the ideal of NDCG is a list of all relevant items, as in the literature, not as in the service.
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
        metrics[name] = mean([ndcg(f, size if all_relevant else None, k) for f, size in zip(found, sizes, strict=True)])
    for k in CUTOFFS:
        metrics[f"precision_at_{k}"] = mean([precision(f, k) for f in found])
    return metrics
