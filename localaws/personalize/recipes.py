"""The recipes that the service lists, and what a configuration says to them."""

from localaws.gateway import Context
from localaws.jobs import PERSONALIZE as STATES
from localaws.personalize import engine
from localaws.personalize.kinds import invalid
from localaws.resources import page
from localaws.wire import ServiceError

RECIPE_PREFIX = "arn:aws:personalize:::recipe/"
# When the guide's history says the domain recipes came (2021-11-29).
RECIPES_SINCE = 1638144000.0


def list_recipes(context: Context, params: dict) -> dict:
    names = []
    if params.get("recipeProvider", "SERVICE") == "SERVICE":
        by_domain = {"ECOMMERCE": list(engine.RECIPES), None: [*engine.RECIPES, *engine.CUSTOM_RECIPES]}
        names = by_domain.get(params.get("domain"), [])
    listed, token = page(names, params.get("nextToken"), params.get("maxResults"))
    return {"recipes": [_recipe(name) for name in listed], "nextToken": token}


def describe_recipe(context: Context, params: dict) -> dict:
    name = params["recipeArn"].removeprefix(RECIPE_PREFIX)
    if name not in engine.RECIPES and name not in engine.CUSTOM_RECIPES:
        raise ServiceError("ResourceNotFoundException", f"Resource Arn {params['recipeArn']} does not exist.")
    return {"recipe": _recipe(name)}


def _recipe(name: str) -> dict:
    return {
        "name": name,
        "recipeArn": RECIPE_PREFIX + name,
        "status": STATES.done,
        "creationDateTime": RECIPES_SINCE,
        "lastUpdatedDateTime": RECIPES_SINCE,
        **({"domain": "ECOMMERCE"} if name in engine.RECIPES else {}),
    }


def check_config(recipe: engine.Recipe, config: dict) -> None:
    """The itemExplorationConfig of a recommender, campaign or batch job. Raises InvalidInputException."""
    if config.get("itemExplorationConfig") and not recipe.explores:
        able = [each.name for each in (engine.RECIPES | engine.CUSTOM_RECIPES).values() if each.explores]
        raise invalid(f"itemExplorationConfig is for {', '.join(able)}, not for {recipe.name}.")
    try:
        settings_of(config)
    except ValueError as error:
        raise invalid(str(error)) from None


def settings_of(config: dict) -> engine.Settings:
    """The engine's settings of a recommenderConfig. Raises ValueError naming the key and what is allowed."""
    exploration = config.get("itemExplorationConfig", {})
    names = {
        "explorationWeight": "exploration_weight",
        "explorationItemAgeCutOff": "exploration_item_age_cut_off",
    }
    unknown = set(exploration) - set(names)
    if unknown:
        raise ValueError(f"itemExplorationConfig knows {', '.join(names)}, not {', '.join(sorted(unknown))}")
    return engine.Settings(**{names[key]: _number(key, value) for key, value in exploration.items()})


def _number(key: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{key} is {value!r}; it must be a number") from None
