"""Recommending: the recipes of Amazon Personalize.

`Recommender` fits frames. Below it there are pure functions, frames and arrays in, ranked item codes out:

    events = encode(interactions, items)                     # frames of the Interactions and Items datasets
    recipe = RECIPES["aws-ecomm-recommended-for-you"]
    model = train(recipe, events, items)                     # flat dict of arrays; save() and load() for .npz bytes
    evaluate(recipe, events, items).metrics                  # modelMetrics of DescribeRecommender
    ranking = recommend(recipe, model, history=..., k=25)    # model["item_ids"][ranking.items]

Importing this package and recommending by a loaded model does not load pandas.
"""

from storecast_engines.recommending.estimator import Recommender
from storecast_engines.recommending.evaluate import Evaluation, evaluate
from storecast_engines.recommending.events import (
    FILTER_REACH,
    NO_HISTORY,
    REQUIRED,
    Events,
    History,
    InsufficientData,
    codes_of,
    encode,
    extended,
)
from storecast_engines.recommending.features import (
    log_lift,
    rank_with_features,
    recommend_with_features,
    train_features,
    uses_features,
)
from storecast_engines.recommending.metrics import METRICS
from storecast_engines.recommending.ranking import Ranking
from storecast_engines.recommending.recipes import (
    CUSTOM_RECIPES,
    HRNN,
    ITEM_AFFINITY,
    ITEM_ATTRIBUTE_AFFINITY,
    PERSONALIZED_RANKING,
    PERSONALIZED_RANKING_V2,
    RECIPES,
    SIMS,
    TRENDING_NOW,
    USER_PERSONALIZATION,
    USER_PERSONALIZATION_V2,
    VIDEO_RECIPES,
    VIDEO_TRENDING_NOW,
    Model,
    Recipe,
    load,
    recommend,
    save,
    train,
)
from storecast_engines.recommending.segments import affinities, attributes, having, histories, segment
from storecast_engines.recommending.settings import Settings
from storecast_engines.recommending.user_personalization import rank, update

__all__ = [
    "CUSTOM_RECIPES",
    "FILTER_REACH",
    "HRNN",
    "ITEM_AFFINITY",
    "ITEM_ATTRIBUTE_AFFINITY",
    "METRICS",
    "NO_HISTORY",
    "PERSONALIZED_RANKING",
    "PERSONALIZED_RANKING_V2",
    "RECIPES",
    "REQUIRED",
    "SIMS",
    "TRENDING_NOW",
    "USER_PERSONALIZATION",
    "USER_PERSONALIZATION_V2",
    "VIDEO_RECIPES",
    "VIDEO_TRENDING_NOW",
    "Evaluation",
    "Events",
    "History",
    "InsufficientData",
    "Model",
    "Ranking",
    "Recipe",
    "Recommender",
    "Settings",
    "affinities",
    "attributes",
    "codes_of",
    "encode",
    "evaluate",
    "extended",
    "having",
    "histories",
    "load",
    "log_lift",
    "rank",
    "rank_with_features",
    "recommend",
    "recommend_with_features",
    "save",
    "segment",
    "train",
    "train_features",
    "update",
    "uses_features",
]
