"""The recipes that the service lists, and what a configuration says to them."""

from dataclasses import replace
from typing import Any

from localaws.errors import ServiceError
from localaws.jobs import PERSONALIZE as STATES
from localaws.registration import Context
from localaws.resources import Resource, page
from localaws.services.personalize.domains import CUSTOM, ECOMMERCE, VIDEO_ON_DEMAND
from localaws.services.personalize.resource_types import invalid
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
_DOMAIN_OF = {name: domain for domain, recipes in BY_DOMAIN.items() for name in recipes}


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


def list_recipes(context: Context, params: dict) -> dict:
    """Of one domain, or all of them."""
    names = []
    if params.get("recipeProvider", "SERVICE") == "SERVICE":
        names = [*BY_DOMAIN[params["domain"]]] if "domain" in params else [*RECIPES]
    listed, token = page(names, params.get("nextToken"), params.get("maxResults"))
    return {"recipes": [_view(name) for name in listed], "nextToken": token}


def describe_recipe(context: Context, params: dict) -> dict:
    name = params["recipeArn"].removeprefix(RECIPE_PREFIX)
    if name not in RECIPES:
        raise ServiceError("ResourceNotFoundException", f"Resource Arn {params['recipeArn']} does not exist.")
    return {"recipe": _view(name)}


def _view(name: str) -> dict:
    if _DOMAIN_OF[name]:
        more = {"domain": _DOMAIN_OF[name]}
    else:
        more = {"algorithmArn": f"arn:aws:personalize:::algorithm/{name}"}
    if name in (recommending.USER_PERSONALIZATION, recommending.PERSONALIZED_RANKING):
        more["featureTransformationArn"] = "arn:aws:personalize:::feature-transformation/JSON-percentile-filtering"
    return more | {
        "name": name,
        "recipeArn": RECIPE_PREFIX + name,
        "recipeType": _type(RECIPES[name]),
        "status": STATES.done,
        "creationDateTime": RECIPES_SINCE,
        "lastUpdatedDateTime": RECIPES_SINCE,
    }


def _type(recipe: recommending.Recipe) -> str:
    """API_Recipe.md."""
    if recipe.name == recommending.PERSONALIZED_RANKING:
        return "PERSONALIZED_RANKING"
    return "RELATED_ITEMS" if recipe.needs_item else "USER_PERSONALIZATION"


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
