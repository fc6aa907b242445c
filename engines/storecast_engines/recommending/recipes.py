"""What the service knows of a recipe: which algorithm, which events, what a request needs; training and answering."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import also_viewed, bought_together, popularity, user_personalization
from .events import NO_HISTORY, PURCHASE, VIEW, Events, History, check_minimums
from .ranking import Ranking
from .settings import Settings

if TYPE_CHECKING:  # answering requests must not load pandas
    import pandas as pd

Model = dict[str, np.ndarray]


@dataclass(frozen=True)
class Recipe:
    """One use case of ECOMMERCE-use-cases.md or VIDEO_ON_DEMAND-use-cases.md, or a recipe of custom solutions.

    name                the end of its recipe ARN
    event_type          events it is trained on, of which it needs 1000; None: all events
    learn               train(events of the type, Items frame or None, settings) -> model without `item_ids`
    rank                recommend(model, history, item, k, allowed, settings) -> Ranking
    needs_user          a request must name a userId
    needs_item          a request must name an itemId
    excludes            takes out the items of the user's events of this type, without being asked; None: nothing
    explores            takes itemExplorationConfig
    needs_items         needs an Items dataset
    """

    name: str
    event_type: str | None
    learn: Callable[[Events, pd.DataFrame | None, Settings], Model]
    rank: Callable[[Model, History, int | None, int, np.ndarray, Settings], Ranking]
    needs_user: bool = True
    needs_item: bool = False
    excludes: str | None = None
    explores: bool = False
    needs_items: bool = False


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


def train(recipe: Recipe, events: Events, items: pd.DataFrame | None = None, settings: Settings = Settings()) -> Model:
    """Train on the whole log. Model: flat dict of arrays; `item_ids` (N,) is what codes stand for.

    items: the Items dataset (ITEM_ID, optional CREATION_TIMESTAMP epoch seconds). Raises InsufficientData.
    """
    check_minimums(events, recipe.event_type)
    return fit(recipe, events, items, settings)


def fit(recipe: Recipe, events: Events, items: pd.DataFrame | None, settings: Settings) -> Model:
    """Train without asking for the minimums (the evaluation trains on a part of the log)."""
    return {"item_ids": events.item_ids, **recipe.learn(events.of_type(recipe.event_type), items, settings)}


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
    return recipe.rank(model, history, item, k, permitted, settings)


def permissible(recipe: Recipe, n_items: int, history: History, item: int | None) -> np.ndarray:
    """(n_items,) bool: what the recipe may answer before any filter of the request."""
    permitted = np.ones(n_items, dtype=bool)
    if recipe.excludes is not None:
        permitted[history.newest(recipe.excludes)] = False
    if recipe.needs_item and item is not None and item >= 0:
        permitted[item] = False
    return permitted


def save(model: Model) -> bytes:
    """A model as the bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, **model)
    return buffer.getvalue()


def load(data: bytes) -> Model:
    """A model from the bytes of `save`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return dict(archive)
