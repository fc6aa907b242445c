"""What a solutionConfig says of events and of an objective besides relevance."""

from collections.abc import Mapping
from typing import Any

from localaws.errors import invalid
from localaws.registration import Context
from localaws.services.personalize.datasets import fields_of, group_datasets
from storecast_engines import recommending

# docs/aws-sources.md#personalize-optimizing-solution-for-objective: none, less, equal and more emphasis than relevance.
SENSITIVITIES = {"OFF": 0.0, "LOW": 0.25, "MEDIUM": 0.5, "HIGH": 0.75}
OBJECTIVE_RECIPES = (recommending.USER_PERSONALIZATION, recommending.PERSONALIZED_RANKING)
WEIGHT_RECIPES = (recommending.USER_PERSONALIZATION_V2, recommending.PERSONALIZED_RANKING_V2)
NUMBERS = ("int", "long", "float", "double")


def settings_of_config(recipe: str, config: Mapping) -> dict[str, Any]:
    """Members of recommending.Settings. Raises InvalidInputException for a recipe that has no objective or weights."""
    settings: dict[str, Any] = {}
    if objective := config.get("optimizationObjective"):
        _check_recipe("optimizationObjective", recipe, OBJECTIVE_RECIPES)
        sensitivity = objective.get("objectiveSensitivity")
        if "itemAttribute" not in objective or sensitivity not in SENSITIVITIES:
            allowed = ", ".join(SENSITIVITIES)
            raise invalid(f"optimizationObjective needs itemAttribute, and objectiveSensitivity: one of {allowed}.")
        settings |= {"objective": objective["itemAttribute"], "objective_weight": SENSITIVITIES[sensitivity]}
    if events := _parameters(config):
        _check_recipe("eventsConfig", recipe, WEIGHT_RECIPES)
        settings["event_weights"] = {each["eventType"]: each.get("weight", 1.0) for each in events}
    return settings


def thresholds(config: Mapping) -> dict[str, float | None]:
    """By event type of an eventsConfig, the least event value that trains; all types train without an eventsConfig."""
    return {each["eventType"]: each.get("eventValueThreshold") for each in _parameters(config)}


def check_columns(context: Context, group_arn: str, record: Mapping) -> None:
    """Raises InvalidInputException where the datasets lack the columns that a solution's config needs."""
    config, datasets = record.get("solutionConfig", {}), group_datasets(context, group_arn)
    if objective := config.get("optimizationObjective"):
        fields = fields_of(context, datasets["ITEMS"]) if "ITEMS" in datasets else []
        able = [each.name for each in fields if each.kind in NUMBERS and not each.nullable]
        if objective["itemAttribute"] not in able:
            raise invalid(
                f"optimizationObjective: {objective['itemAttribute']} is no numeric column of the Items dataset that "
                f"does not allow null; those are {', '.join(able) or 'none'}."
            )
    if events := _parameters(config):
        names = (
            [each.name for each in fields_of(context, datasets["INTERACTIONS"])] if "INTERACTIONS" in datasets else []
        )
        needed = ["EVENT_TYPE"] + ["EVENT_VALUE"] * any("eventValueThreshold" in each for each in events)
        if missing := [name for name in needed if name not in names]:
            raise invalid(f"eventsConfig needs {', '.join(missing)} in the Interactions dataset.")
        if "eventType" in record or "eventValueThreshold" in config:
            raise invalid("eventsConfig takes the place of eventType and eventValueThreshold: leave these out.")


def _parameters(config: Mapping) -> list[dict]:
    found = config.get("eventsConfig", {}).get("eventParametersList", [])
    types = [each.get("eventType") for each in found]
    if None in types or len(set(types)) < len(types):
        raise invalid("eventsConfig: each member of eventParametersList needs an eventType that no other has.")
    return found


def _check_recipe(member: str, recipe: str, able: tuple[str, ...]) -> None:
    if recipe not in able:
        raise invalid(f"solutionConfig: {member} is for {', '.join(able)}, not for {recipe}.")
