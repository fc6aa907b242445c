"""Personalize's ECOMMERCE recipes as pure functions: frames and arrays in, ranked item codes out.

events = encode(interactions, items)                     # frames of the Interactions and Items datasets
recipe = RECIPES["aws-ecomm-recommended-for-you"]
model = train(recipe, events, items)                     # flat dict of arrays; save() and load() for .npz bytes
evaluate(recipe, events, items).metrics                  # modelMetrics of DescribeRecommender
ranking = recommend(recipe, model, history=..., k=25)    # model["item_ids"][ranking.items]
"""

from .evaluate import Evaluation, evaluate
from .events import FILTER_REACH, NO_HISTORY, REQUIRED, Events, History, InsufficientData, codes_of, encode, extended
from .ranking import Ranking
from .recipes import RECIPES, Model, Recipe, load, recommend, save, train
from .settings import Settings

__all__ = [
    "FILTER_REACH",
    "NO_HISTORY",
    "RECIPES",
    "REQUIRED",
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
    "recommend",
    "save",
    "train",
]
