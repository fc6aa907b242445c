"""Settings of recommenders: AWS's parameters under AWS's names, and the few hyperparameters of our algorithms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """Settings of training and serving; the defaults are the service's where it documents one.

    exploration_weight            0..1, `explorationWeight` of RecommenderConfig; default 0.3 (ECOMMERCE use cases)
    exploration_item_age_cut_off  days >= 1, `explorationItemAgeCutOff`; default 30 (ECOMMERCE use cases)
    min_cointeraction_count       pairs seen together less often are noise; default 3 (recipe SIMS)
    popularity_discount_factor    of bought together: 0 likeliest companions .. 1 most specific ones (our default)
    sims_discount_factor          the same of SIMS; default 0.5 (its recipe)
    prior_groups                  baskets that our prior of a companion counts for (bought_together.py)
    visit_gap_seconds             an event later than this after the user's last one opens a new visit, a purchase a new
                                  basket. AWS documents neither; an hour joins the lines of one checkout.
    recency_decay                 0..1, weight of a user's item against the next more recent one (1: order is ignored)
    history_reach                 newest distinct items of a history that count; older ones hardly count and cost time
    factors                       of ALS
    trend_discovery_seconds       length of Trending-Now's windows; default 3 hours (its recipe)
    event_weights                 of event types, 0..1, of which only the ratio counts; a type without one has 1.
                                  For the personal recipes (user_personalization.py)
    objective                     a numeric column of the items, favoured besides relevance; "" for none
    objective_weight              0..1, its share: 0 relevance alone, 1 the objective alone
    ease_max_items                most items that EASE learns from, those with the most events; its model takes 4 n^2
                                  bytes (36 MB at the default). ALS takes over where they carry too few events.
    Raises ValueError for a value out of range.
    """

    exploration_weight: float = 0.3
    exploration_item_age_cut_off: float = 30.0
    min_cointeraction_count: int = 3
    popularity_discount_factor: float = 0.33
    sims_discount_factor: float = 0.5
    prior_groups: float = 100.0
    visit_gap_seconds: int = 3600
    recency_decay: float = 0.9
    history_reach: int = 200
    factors: int = 64
    trend_discovery_seconds: int = 10_800
    event_weights: Mapping[str, float] = field(default_factory=dict)
    objective: str = ""
    objective_weight: float = 0.0
    ease_max_items: int = 3000

    def __post_init__(self) -> None:
        ranges = {
            "exploration_weight": (0.0, 1.0),
            "exploration_item_age_cut_off": (1.0, float("inf")),
            "min_cointeraction_count": (1, float("inf")),
            "popularity_discount_factor": (0.0, 1.0),
            "sims_discount_factor": (0.0, 1.0),
            "prior_groups": (0.0, float("inf")),
            "visit_gap_seconds": (0, float("inf")),
            "recency_decay": (0.0, 1.0),
            "history_reach": (1, float("inf")),
            "factors": (1, float("inf")),
            "trend_discovery_seconds": (1, float("inf")),
            "objective_weight": (0.0, 1.0),
            "ease_max_items": (0, float("inf")),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value!r}: it must be between {low} and {high}")
        for event_type, weight in self.event_weights.items():
            if not 0 <= weight <= 1:
                raise ValueError(f"event_weights: {event_type} has {weight!r}: it must be between 0 and 1")
