"""The use cases of the domain VIDEO_ON_DEMAND (VIDEO_ON_DEMAND-use-cases.md) over the algorithms here.

Trending now is evaluated when it is trained, not every two hours as on AWS.
"""

from __future__ import annotations

from dataclasses import replace

from . import popularity, popularity_count, similar, trending, user_personalization
from .events import WATCH
from .recipes import RECIPES, Recipe

VIDEO_TRENDING_NOW = "aws-vod-trending-now"
_ALSO_VIEWED = RECIPES["aws-ecomm-customers-who-viewed-x-also-viewed"]

VIDEO_RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        replace(_ALSO_VIEWED, name="aws-vod-because-you-watched-x", event_type=WATCH, excludes=WATCH),
        Recipe(
            "aws-vod-more-like-x",
            None,
            similar.train,
            similar.recommend,
            needs_item=True,
            excludes=WATCH,
            needs_items=True,
        ),
        Recipe("aws-vod-most-popular", WATCH, popularity_count.train, popularity.recommend),
        Recipe(VIDEO_TRENDING_NOW, None, trending.train, popularity.recommend, needs_user=False),
        Recipe(
            "aws-vod-top-picks",
            None,
            user_personalization.train,
            user_personalization.recommend,
            excludes=WATCH,
            explores=True,
            needs_items=True,
        ),
    )
}
