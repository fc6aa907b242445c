"""The recipes that the service lists."""

from localaws.errors import ServiceError
from localaws.registration import Context
from localaws.resources import page
from localaws.services.personalize.recipes import (
    BY_DOMAIN,
    DOMAIN_OF,
    RECIPE_PREFIX,
    RECIPES,
    RECIPES_SINCE,
    TRANSFORMATIONS,
)
from localaws.services.personalize.resource_types import STATES
from storecast_engines import recommending

# Recorded in December 2022: a first page of all recipes that ended with aws-sims, the fourteenth of the guide's then.
DEFAULT_PAGE = 15


def list_recipes(context: Context, params: dict) -> dict:
    """Of one domain, or all of them, by their names; a page without maxResults ends early, as recorded."""
    names: list[str] = []
    if params.get("recipeProvider", "SERVICE") == "SERVICE":
        names = sorted(BY_DOMAIN[params["domain"]] if "domain" in params else RECIPES)
    listed, token = page(names, params.get("nextToken"), params.get("maxResults", DEFAULT_PAGE))
    return {"recipes": [_view(name) for name in listed], "nextToken": token}


def describe_recipe(context: Context, params: dict) -> dict:
    name = params["recipeArn"].removeprefix(RECIPE_PREFIX)
    if name not in RECIPES:
        raise ServiceError("ResourceNotFoundException", f"The given recipe does not exist: {params['recipeArn']}")
    return {"recipe": _view(name)}


def _view(name: str) -> dict:
    if DOMAIN_OF[name]:
        more = {"domain": DOMAIN_OF[name]}
    else:
        more = {"algorithmArn": f"arn:aws:personalize:::algorithm/{name}"}
    if name in TRANSFORMATIONS:
        more["featureTransformationArn"] = f"arn:aws:personalize:::feature-transformation/{TRANSFORMATIONS[name]}"
    return more | {
        "name": name,
        "recipeArn": RECIPE_PREFIX + name,
        "recipeType": _type(RECIPES[name]),
        "status": STATES.done,
        "creationDateTime": RECIPES_SINCE,
        "lastUpdatedDateTime": RECIPES_SINCE,
    }


def _type(recipe: recommending.Recipe) -> str:
    """docs/aws-sources.md#personalize-API_Recipe."""
    if recipe.segments:
        return "USER_SEGMENTATION"
    if recipe.ranks:
        return "PERSONALIZED_RANKING"
    return "RELATED_ITEMS" if recipe.needs_item else "USER_PERSONALIZATION"
