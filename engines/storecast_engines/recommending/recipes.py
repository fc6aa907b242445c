"""The recipes: which algorithm, which events, what a request needs; training and recommending by any of them.

Sources: Amazon Personalize guide, "ECOMMERCE use cases", "VIDEO_ON_DEMAND use cases", "Choosing a recipe". Trending now
is computed in training, not every two hours as on AWS. No recipe of custom solutions leaves purchased items out: there,
that is a filter's purpose.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storecast_engines.recommending import (
    also_viewed,
    bought_together,
    popularity,
    segments,
    similar,
    sims,
    trending,
    user_personalization,
)
from storecast_engines.recommending.events import NO_HISTORY, PURCHASE, VIEW, WATCH, Events, History, check_minimums
from storecast_engines.recommending.ranking import Ranking
from storecast_engines.recommending.settings import Settings

if TYPE_CHECKING:  # answering requests must not load pandas
    import pandas as pd

Model = dict[str, np.ndarray]


@dataclass(frozen=True)
class Recipe:
    """A use case of a domain, or a recipe of custom solutions.

    name                the end of its recipe ARN
    event_type          events it is trained on, of which it needs 1000; None: all events
    train               (events of the type, Items frame or None, settings) -> model without `item_ids`
    recommend           (model, history, item, k, allowed, settings) -> Ranking
    needs_user          a request must name a userId
    needs_item          a request must name an itemId
    excludes            event type: items of the user's events of this type are left out automatically; None: nothing
    explores            takes itemExplorationConfig
    needs_items         needs an Items dataset
    ranks               its answers are the items of a list that the request gives
    segments            its answers are users, in batch segment jobs alone
    """

    name: str
    event_type: str | None
    train: Callable[[Events, pd.DataFrame | None, Settings], Model]
    recommend: Callable[[Model, History, int | None, int, np.ndarray, Settings], Ranking]
    needs_user: bool = True
    needs_item: bool = False
    excludes: str | None = None
    explores: bool = False
    needs_items: bool = False
    ranks: bool = False
    segments: bool = False


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("aws-ecomm-popular-items-by-views", VIEW, popularity.train, popularity.recommend),
        Recipe("aws-ecomm-popular-items-by-purchases", PURCHASE, popularity.train, popularity.recommend),
        Recipe(
            "aws-ecomm-frequently-bought-together",
            PURCHASE,
            bought_together.train,
            bought_together.recommend,
            needs_user=False,  # only a filter on CurrentUser needs one
            needs_item=True,
        ),
        Recipe(
            "aws-ecomm-customers-who-viewed-x-also-viewed",
            VIEW,
            also_viewed.train,
            also_viewed.recommend,
            needs_item=True,
            excludes=PURCHASE,
        ),
        Recipe(
            "aws-ecomm-recommended-for-you",
            None,
            user_personalization.train,
            user_personalization.recommend,
            excludes=PURCHASE,
            explores=True,
        ),
    )
}


USER_PERSONALIZATION, PERSONALIZED_RANKING = "aws-user-personalization", "aws-personalized-ranking"
TRENDING_NOW, VIDEO_TRENDING_NOW = "aws-trending-now", "aws-vod-trending-now"
# Their models are those of the first versions here; they take weights of event types.
USER_PERSONALIZATION_V2, PERSONALIZED_RANKING_V2 = f"{USER_PERSONALIZATION}-v2", f"{PERSONALIZED_RANKING}-v2"
ITEM_AFFINITY, ITEM_ATTRIBUTE_AFFINITY = "aws-item-affinity", "aws-item-attribute-affinity"
SIMS = "aws-sims"
# Superseded by User-Personalization: the same model without exploration, but for coldstart, which explores new items.
# The guide of 2023 calls them no longer available; AWS still listed them then.
HRNN = ("aws-hrnn", "aws-hrnn-coldstart", "aws-hrnn-metadata")
_BY_USER = (user_personalization.train, user_personalization.recommend)
_SEGMENTS = (segments.train, user_personalization.recommend_learned)
_LEARNED = (user_personalization.train, user_personalization.recommend_learned)

VIDEO_RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "aws-vod-because-you-watched-x",
            WATCH,
            also_viewed.train,
            also_viewed.recommend,
            needs_item=True,
            excludes=WATCH,
        ),
        Recipe(
            "aws-vod-more-like-x",
            None,
            similar.train,
            similar.recommend,
            needs_item=True,
            excludes=WATCH,
            needs_items=True,
        ),
        Recipe("aws-vod-most-popular", WATCH, popularity.train_by_users, popularity.recommend),
        Recipe(VIDEO_TRENDING_NOW, None, trending.train, popularity.recommend, needs_user=False),
        Recipe("aws-vod-top-picks", None, *_BY_USER, excludes=WATCH, explores=True, needs_items=True),
    )
}
CUSTOM_RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(USER_PERSONALIZATION, None, *_BY_USER, explores=True),
        Recipe(USER_PERSONALIZATION_V2, None, *_BY_USER, explores=True),
        Recipe(PERSONALIZED_RANKING, None, *_LEARNED, ranks=True),
        Recipe(PERSONALIZED_RANKING_V2, None, *_LEARNED, ranks=True),
        Recipe("aws-similar-items", None, similar.train, similar.recommend, needs_user=False, needs_item=True),
        Recipe(SIMS, None, sims.train, sims.recommend, needs_user=False, needs_item=True),
        Recipe(ITEM_AFFINITY, None, *_SEGMENTS, needs_item=True, segments=True),
        Recipe(ITEM_ATTRIBUTE_AFFINITY, None, *_SEGMENTS, needs_items=True, segments=True),
        *(Recipe(name, None, *(_BY_USER if name == "aws-hrnn-coldstart" else _LEARNED)) for name in HRNN),
        Recipe("aws-popularity-count", None, popularity.train_by_users, popularity.recommend, needs_user=False),
        Recipe(TRENDING_NOW, None, trending.train, popularity.recommend, needs_user=False),
    )
}


def train(
    recipe: Recipe,
    events: Events,
    items: pd.DataFrame | None = None,
    settings: Settings = Settings(),
    *,
    minimums: bool = True,
) -> Model:
    """Train a recipe. Model: flat dict of arrays; codes are positions in its `item_ids` (N,).

    items: the Items dataset (ITEM_ID, optional CREATION_TIMESTAMP epoch seconds). Raises InsufficientData, unless the
    `minimums` need not be met (the evaluation trains on a part of the log).
    """
    if minimums:
        check_minimums(events, recipe.event_type)
    return {"item_ids": events.item_ids, **recipe.train(events.of_type(recipe.event_type), items, settings)}


def recommend(
    recipe: Recipe,
    model: Model,
    *,
    k: int,
    history: History = NO_HISTORY,
    item: int | None = None,
    allowed: np.ndarray | None = None,
    settings: Settings = Settings(),
) -> Ranking:
    """At most k items, best first; fewer if the catalogue, the filter or the data hold fewer; never `item` itself.

    history: the user's events, for everybody else NO_HISTORY. item: code in model["item_ids"]; None or -1 (unknown)
    gets popular items. allowed: (N,) bool, the request's filter, applied after the automatic one; None: all.
    """
    permitted = permissible(recipe, len(model["item_ids"]), history, item)
    if allowed is not None:
        permitted &= allowed
    return recipe.recommend(model, history, item, k, permitted, settings)


def permissible(recipe: Recipe, n_items: int, history: History, item: int | None) -> np.ndarray:
    """(n_items,) bool: what the recipe may recommend before any filter of the request."""
    permitted = np.ones(n_items, dtype=bool)
    if recipe.excludes is not None:
        permitted[history.newest(recipe.excludes)] = False
    if recipe.needs_item and item is not None and item >= 0:
        permitted[item] = False
    return permitted


def save(model: Model) -> bytes:
    """A model as the bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **model)
    return buffer.getvalue()


def load(data: bytes) -> Model:
    """A model from the bytes of `save`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return dict(archive)
