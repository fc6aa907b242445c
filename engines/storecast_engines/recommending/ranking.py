"""Turning scores into a list: the best k of the allowed items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranking:
    """Item codes, best first, and their scores (None for recipes without scores)."""

    items: np.ndarray
    scores: np.ndarray | None = None


def popular_order(counts: np.ndarray) -> np.ndarray:
    """Codes of the items with events, most events first, ties by code."""
    order = np.argsort(-counts, kind="stable")
    return order[: np.count_nonzero(counts)]


def best(scores: np.ndarray, k: int, allowed: np.ndarray) -> Ranking:
    """The k allowed items with the highest scores, ties by code. scores: (N,); allowed: (N,) bool."""
    codes = np.flatnonzero(allowed)
    values = scores[codes]
    if k < len(codes):
        threshold = np.partition(values, len(codes) - k)[len(codes) - k]
        keep = values >= threshold
        codes, values = codes[keep], values[keep]
    order = np.argsort(-values, kind="stable")[:k]
    return Ranking(codes[order], values[order])
