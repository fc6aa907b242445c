"""What a request tells besides a history: its context (a device, a time of day), and who a user without events is.

An item is likelier where its events with a value v of a column are more than its share of all events makes expect:
    log((n_iv + PRIOR) / (n_v p_i + PRIOR))
is added to its logit for every value of the request. n_iv counts i's events with v, n_v all with v, p_i is i's share of
all events; PRIOR holds thin cells at 0 (a gamma-Poisson shrinkage, as DuMouchel 1999, Bayesian Data Mining in Large
Frequency Tables). AWS publishes no formula (contextual-metadata.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import user_personalization
from .events import NO_HISTORY, REQUIRED, Events, History, codes_of
from .ranking import Ranking, best
from .recipes import Model, Recipe, permissible
from .settings import Settings

if TYPE_CHECKING:  # answering requests must not load pandas
    import pandas as pd

PRIOR = 5.0
NO_TRAITS = ("EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE")


def personal(recipe: Recipe) -> bool:
    """Does the recipe answer by who asks, and so by traits?"""
    return recipe.learn is user_personalization.train


def train(events: Events, interactions: pd.DataFrame, users: pd.DataFrame | None) -> Model:
    """Model: `trait_names` (V,) sorted, such as "DEVICE=phone" and "USERS.AGE=18-34", `trait_totals` (V,) their events,
    and their items' events by `trait_start` (V+1,), `trait_items`, `trait_counts`.

    interactions: as for `encode`, text columns beside the required ones are context. users: text columns are traits.
    """
    import pandas as pd  # here and not above: answering requests must not load it

    log = interactions.drop_duplicates()
    items = codes_of(events.item_ids, log["ITEM_ID"].astype(str).to_numpy(dtype=np.str_))
    columns = {name: log[name] for name in _texts(log) if name not in (*REQUIRED, *NO_TRAITS)}
    if users is not None:
        of_user = users.drop_duplicates("USER_ID", keep="last").set_index("USER_ID")
        columns |= {f"USERS.{name}": log["USER_ID"].map(of_user[name]) for name in _texts(of_user)}
    names, cells = [np.empty(0, dtype=np.str_)], [np.empty(0, dtype=np.int64)]
    for name, column in columns.items():
        codes, values = pd.factorize(column.replace("", None))
        told = codes >= 0
        cells.append((sum(map(len, names)) + codes[told]) * len(events.item_ids) + items[told])
        names.append(np.array([f"{name}={value}" for value in values], dtype=np.str_))
    every = np.concatenate(names)
    order = np.argsort(every)
    cell, counts = np.unique(np.concatenate(cells), return_counts=True)
    trait, item = np.divmod(cell, max(len(events.item_ids), 1))
    trait = np.argsort(order)[trait]
    by_trait = np.argsort(trait, kind="stable")
    return {
        "trait_names": every[order],
        "trait_totals": np.bincount(trait, weights=counts, minlength=len(every)),
        "trait_start": np.searchsorted(trait[by_trait], np.arange(len(every) + 1)),
        "trait_items": item[by_trait].astype(np.int32),
        "trait_counts": counts[by_trait].astype(np.int32),
    }


def _texts(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if frame[name].dtype == object]


def tilt(model: Model, traits: Mapping[str, str]) -> np.ndarray | None:
    """(N,) what the traits, such as {"DEVICE": "phone"}, add to the items' logits; None if training knew none."""
    rows = codes_of(model["trait_names"], [f"{name}={value}" for name, value in traits.items()])
    rows = rows[rows >= 0]
    if not len(rows):
        return None
    share = model["counts"] / max(model["counts"].sum(), 1)
    added = np.zeros(len(share))
    for row in rows.tolist():
        cells = slice(model["trait_start"][row], model["trait_start"][row + 1])
        observed = np.zeros(len(share))
        observed[model["trait_items"][cells]] = model["trait_counts"][cells]
        added += np.log((observed + PRIOR) / (model["trait_totals"][row] * share + PRIOR))
    return added


def recommend_tilted(
    recipe: Recipe,
    model: Model,
    added: np.ndarray,
    *,
    k: int,
    history: History = NO_HISTORY,
    allowed: np.ndarray | None = None,
    settings: Settings = Settings(),
) -> Ranking:
    """As recipes.recommend, each item's probability times exp(added), all of them summing to 1 again."""
    everything = np.ones(len(added), dtype=bool)
    probability = np.empty(len(added))
    plain = recipe.rank(model, history, None, len(added), everything, settings)
    probability[plain.items] = plain.scores * np.exp(added[plain.items])
    permitted = permissible(recipe, len(added), history, None)
    if allowed is not None:
        permitted &= allowed
    return best(probability / probability.sum(), k, permitted)


def rank_tilted(ranking: Ranking, added: np.ndarray) -> Ranking:
    """The same for a ranked list, whose scores sum to 1 over the list."""
    scores = ranking.scores * np.exp(added[ranking.items])
    order = np.argsort(-scores, kind="stable")
    return Ranking(ranking.items[order], scores[order] / max(scores.sum(), np.finfo(float).tiny))
