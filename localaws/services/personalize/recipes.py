"""The recipes, and what a configuration says to them."""

from dataclasses import replace
from typing import Any

from localaws.errors import invalid
from localaws.resources import Resource
from localaws.services.personalize.domains import CUSTOM, ECOMMERCE, VIDEO_ON_DEMAND
from storecast_engines import recommending

RECIPE_PREFIX = "arn:aws:personalize:::recipe/"
# When the guide's history says the domain recipes came (2021-11-29).
RECIPES_SINCE = 1638144000.0
BY_DOMAIN = {
    ECOMMERCE: recommending.RECIPES,
    VIDEO_ON_DEMAND: recommending.VIDEO_RECIPES,
    CUSTOM: recommending.CUSTOM_RECIPES,
}
RECIPES = {name: recipe for recipes in BY_DOMAIN.values() for name, recipe in recipes.items()}
DOMAIN_OF = {name: domain for domain, recipes in BY_DOMAIN.items() for name in recipes}
# The end of the ARN of a recipe's feature transformation, by the pages of the recipes.
TRANSFORMATIONS = {
    recommending.USER_PERSONALIZATION: "JSON-percentile-filtering",
    recommending.PERSONALIZED_RANKING: "JSON-percentile-filtering",
    "aws-popularity-count": "sims",
    recommending.SIMS: "sims",
    recommending.ITEM_AFFINITY: "item-affinity",
    recommending.ITEM_ATTRIBUTE_AFFINITY: "item-attribute-affinity",
    "aws-hrnn": "JSON-percentile-filtering",
    "aws-hrnn-coldstart": "featurize_coldstart",
    "aws-hrnn-metadata": "featurize_metadata",
}


def recipe(arn: str) -> recommending.Recipe:
    """The recipe of a resource that exists."""
    return RECIPES[arn.removeprefix(RECIPE_PREFIX)]


def recipe_of_domain(arn: str | None, domain: str | None) -> recommending.Recipe:
    """The recipe that a new recommender or solution names. Raises InvalidInputException for one of another domain."""
    able = BY_DOMAIN[domain]
    name = (arn or "").removeprefix(RECIPE_PREFIX)
    if name not in able:
        raise invalid(f"Recipe {arn} is not one of {', '.join(RECIPE_PREFIX + each for each in able)}")
    return able[name]


def check_config(recipe: recommending.Recipe, config: dict) -> None:
    """The itemExplorationConfig of a recommender, campaign or batch job. Raises InvalidInputException."""
    if config.get("itemExplorationConfig") and not recipe.explores:
        able = [each.name for each in RECIPES.values() if each.explores]
        raise invalid(f"itemExplorationConfig is for {', '.join(able)}, not for {recipe.name}.")
    try:
        settings_of(config)
    except ValueError as error:
        raise invalid(str(error)) from None


def settings_of(config: dict, trained: recommending.Settings = recommending.Settings()) -> recommending.Settings:
    """The settings of training with the exploration of a recommender, campaign or batch job.

    Raises ValueError naming the key and what is allowed.
    """
    exploration = config.get("itemExplorationConfig", {})
    names = {
        "explorationWeight": "exploration_weight",
        "explorationItemAgeCutOff": "exploration_item_age_cut_off",
    }
    unknown = set(exploration) - set(names)
    if unknown:
        raise ValueError(f"itemExplorationConfig knows {', '.join(names)}, not {', '.join(sorted(unknown))}")
    given: dict[str, Any] = {names[key]: _number(key, value) for key, value in exploration.items()}
    return replace(trained, **given)


def trained_settings(trained: Resource) -> recommending.Settings:
    """What a recommender or a solution version was trained with."""
    return recommending.Settings(**trained.private["settings"])


def _number(key: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{key} is {value!r}; it must be a number") from None
