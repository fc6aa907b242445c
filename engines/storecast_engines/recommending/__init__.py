"""Personalize's recipes as pure functions: frames and arrays in, ranked item codes out.

events = encode(interactions, items)                     # frames of the Interactions and Items datasets
recipe = RECIPES["aws-ecomm-recommended-for-you"]
model = train(recipe, events, items)                     # flat dict of arrays; save() and load() for .npz bytes
evaluate(recipe, events, items).metrics                  # modelMetrics of DescribeRecommender
ranking = recommend(recipe, model, history=..., k=25)    # model["item_ids"][ranking.items]
"""

from .custom import CUSTOM_RECIPES, PERSONALIZED_RANKING, TRENDING_NOW, USER_PERSONALIZATION, rank
from .evaluate import Evaluation, evaluate
from .events import FILTER_REACH, NO_HISTORY, REQUIRED, Events, History, InsufficientData, codes_of, encode, extended
from .features import personal, rank_tilted, recommend_tilted, tilt
from .features import train as train_traits
from .metrics import METRICS
from .ranking import Ranking
from .recipes import RECIPES, Model, Recipe, load, recommend, save, train
from .settings import Settings
from .update import update
from .video import VIDEO_RECIPES, VIDEO_TRENDING_NOW

__all__ = [
    "CUSTOM_RECIPES",
    "FILTER_REACH",
    "METRICS",
    "NO_HISTORY",
    "PERSONALIZED_RANKING",
    "RECIPES",
    "REQUIRED",
    "TRENDING_NOW",
    "USER_PERSONALIZATION",
    "VIDEO_RECIPES",
    "VIDEO_TRENDING_NOW",
    "Evaluation",
    "Events",
    "History",
    "InsufficientData",
    "Model",
    "Ranking",
    "Recipe",
    "Settings",
    "codes_of",
    "encode",
    "evaluate",
    "extended",
    "load",
    "personal",
    "rank",
    "rank_tilted",
    "recommend",
    "recommend_tilted",
    "save",
    "tilt",
    "train",
    "train_traits",
    "update",
]
