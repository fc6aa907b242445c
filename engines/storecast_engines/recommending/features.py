"""Features of a request besides its history: context (a device, a time of day) and the user's metadata.

An item is likelier where it has more events with a value v of a column than its share of all events makes expect:
    log((n_iv + PRIOR) / (n_v p_i + PRIOR))
is added to its logit for every value of the request. n_iv counts i's events with v, n_v all with v, p_i is i's share of
all events; PRIOR holds thin cells at 0 (a gamma-Poisson shrinkage, as DuMouchel 1999, Bayesian Data Mining in Large
Frequency Tables). AWS publishes no formula (Personalize guide, "Contextual metadata").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from storecast_engines.recommending import user_personalization
from storecast_engines.recommending.events import NO_HISTORY, REQUIRED, Events, History, codes_of
from storecast_engines.recommending.ranking import Ranking, best
from storecast_engines.recommending.recipes import Model, Recipe, permissible
from storecast_engines.recommending.settings import Settings

if TYPE_CHECKING:  # answering requests must not load pandas
    import pandas as pd

PRIOR = 5.0
NOT_FEATURES = ("EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE")


def uses_features(recipe: Recipe) -> bool:
    """Whether the recipe is personalized, and so depends on context and the user's metadata."""
    return recipe.train is user_personalization.train


def train_features(events: Events, interactions: pd.DataFrame, users: pd.DataFrame | None) -> Model:
    """Model: `feature_names` (V,) sorted, such as "DEVICE=phone" and "USERS.AGE=18-34", `feature_totals` (V,) their
    events, and their items' events by `feature_start` (V+1,), `feature_items`, `feature_counts`.

    interactions: as for `encode`; text columns besides the required ones are context. users: text columns are features.
    """
    import pandas as pd  # here and not above: answering requests must not load it

    log = interactions.drop_duplicates()
    items = codes_of(events.item_ids, log["ITEM_ID"].astype(str).to_numpy(dtype=np.str_))
    columns = {name: log[name] for name in _texts(log) if name not in (*REQUIRED, *NOT_FEATURES)}
    if users is not None:
        of_user = users.drop_duplicates("USER_ID", keep="last").set_index("USER_ID")
        columns |= {f"USERS.{name}": log["USER_ID"].map(of_user[name]) for name in _texts(of_user)}
    names, cells = [np.empty(0, dtype=np.str_)], [np.empty(0, dtype=np.int64)]
    for name, column in columns.items():
        codes, values = pd.factorize(column.replace("", None))
        given = codes >= 0
        cells.append((sum(map(len, names)) + codes[given]) * len(events.item_ids) + items[given])
        names.append(np.array([f"{name}={value}" for value in values], dtype=np.str_))
    every = np.concatenate(names)
    order = np.argsort(every)
    cell, counts = np.unique(np.concatenate(cells), return_counts=True)
    feature, item = np.divmod(cell, max(len(events.item_ids), 1))
    feature = np.argsort(order)[feature]
    by_feature = np.argsort(feature, kind="stable")
    return {
        "feature_names": every[order],
        "feature_totals": np.bincount(feature, weights=counts, minlength=len(every)),
        "feature_start": np.searchsorted(feature[by_feature], np.arange(len(every) + 1)),
        "feature_items": item[by_feature].astype(np.int32),
        "feature_counts": counts[by_feature].astype(np.int32),
    }


def _texts(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if frame[name].dtype == object]


def log_lift(model: Model, features: Mapping[str, str]) -> np.ndarray | None:
    """(N,) sum of the log ratios of features such as {"DEVICE": "phone"}; None if training knew none of them."""
    rows = codes_of(model["feature_names"], [f"{name}={value}" for name, value in features.items()])
    rows = rows[rows >= 0]
    if not len(rows):
        return None
    share = model["counts"] / max(model["counts"].sum(), 1)
    added = np.zeros(len(share))
    for row in rows.tolist():
        cells = slice(model["feature_start"][row], model["feature_start"][row + 1])
        observed = np.zeros(len(share))
        observed[model["feature_items"][cells]] = model["feature_counts"][cells]
        added += np.log((observed + PRIOR) / (model["feature_totals"][row] * share + PRIOR))
    return added


def recommend_with_features(
    recipe: Recipe,
    model: Model,
    lift: np.ndarray,
    *,
    k: int,
    history: History = NO_HISTORY,
    allowed: np.ndarray | None = None,
    settings: Settings = Settings(),
) -> Ranking:
    """As `recommend`, with each item's probability times exp(lift) of `log_lift`, normalised to sum to 1 again."""
    everything = np.ones(len(lift), dtype=bool)
    probability = np.empty(len(lift))
    plain = recipe.recommend(model, history, None, len(lift), everything, settings)
    probability[plain.items] = plain.scores * np.exp(lift[plain.items])
    permitted = permissible(recipe, len(lift), history, None)
    if allowed is not None:
        permitted &= allowed
    return best(probability / probability.sum(), k, permitted)


def rank_with_features(ranking: Ranking, lift: np.ndarray) -> Ranking:
    """The same for a ranked list, whose scores sum to 1 over the list."""
    scores = ranking.scores * np.exp(lift[ranking.items])
    order = np.argsort(-scores, kind="stable")
    return Ranking(ranking.items[order], scores[order] / max(scores.sum(), np.finfo(float).tiny))
