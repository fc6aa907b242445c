"""The recipes of custom solutions (working-with-predefined-recipes.md) over the algorithms here.

None takes purchased items out by itself: in a custom solution that is a filter's work.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import popularity, popularity_count, similar, trending, user_personalization
from .events import History
from .ranking import Ranking
from .recipes import Model, Recipe
from .settings import Settings

USER_PERSONALIZATION, PERSONALIZED_RANKING = "aws-user-personalization", "aws-personalized-ranking"
TRENDING_NOW = "aws-trending-now"

CUSTOM_RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(USER_PERSONALIZATION, None, user_personalization.train, user_personalization.recommend, explores=True),
        Recipe(PERSONALIZED_RANKING, None, user_personalization.train, user_personalization.recommend),
        Recipe("aws-similar-items", None, similar.train, similar.recommend, needs_user=False, needs_item=True),
        Recipe("aws-popularity-count", None, popularity_count.train, popularity.recommend, needs_user=False),
        Recipe(TRENDING_NOW, None, trending.train, popularity.recommend, needs_user=False),
    )
}


def rank(
    model: Model,
    history: History,
    items: np.ndarray,
    allowed: np.ndarray | None = None,
    settings: Settings = Settings(),
) -> Ranking:
    """The given item codes by a Personalized-Ranking model: scores are a softmax over these items alone (rankings.md).

    Items without interactions are left out: they have no score. allowed: (N,) bool, the request's filter; None: all.
    """
    wanted = np.zeros(len(model["item_ids"]), dtype=bool)
    wanted[items[items >= 0]] = True
    wanted &= model["counts"] > 0
    if allowed is not None:
        wanted &= allowed
    relevance = replace(settings, exploration_weight=0.0)
    whole = user_personalization.recommend(model, history, None, int(wanted.sum()), wanted, relevance)
    return Ranking(whole.items, whole.scores / max(whole.scores.sum(), np.finfo(float).tiny))
