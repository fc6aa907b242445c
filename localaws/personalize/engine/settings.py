"""What a recommender can be told: AWS's knobs under AWS's names, and the few hyperparameters of our algorithms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Settings of training and serving; the defaults are the service's where it documents one.

    exploration_weight            0..1, `explorationWeight` of RecommenderConfig; default 0.3 (ECOMMERCE-use-cases.md)
    exploration_item_age_cut_off  days >= 1, `explorationItemAgeCutOff`; default 30 (ECOMMERCE-use-cases.md)
    min_cointeraction_count       pairs seen together less often are noise; default 3 (native-recipe-sims.md)
    basket_gap_seconds            a purchase that comes later than this after the one before opens a new basket. AWS
                                  documents no basket, so this is ours: an hour joins the lines of one checkout.
    recency_decay                 0..1, weight of a user's item against the next more recent one (1 = order is ignored)
    ease_max_items                above so many items with interactions, ALS takes over from EASE (n^3 time, n^2 memory)
    Raises ValueError for a value out of range.
    """

    exploration_weight: float = 0.3
    exploration_item_age_cut_off: float = 30.0
    min_cointeraction_count: int = 3
    basket_gap_seconds: int = 3600
    recency_decay: float = 0.97
    ease_max_items: int = 5000

    def __post_init__(self) -> None:
        ranges = {
            "exploration_weight": (0.0, 1.0),
            "exploration_item_age_cut_off": (1.0, float("inf")),
            "min_cointeraction_count": (1, float("inf")),
            "basket_gap_seconds": (0, float("inf")),
            "recency_decay": (0.0, 1.0),
            "ease_max_items": (0, float("inf")),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value!r}: it must be between {low} and {high}")
