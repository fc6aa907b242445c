"""Custom solutions: what to train, how, and when."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localaws.errors import in_use, invalid
from localaws.registration import Context
from localaws.services.personalize import hyperparameters
from localaws.services.personalize.api.solution_config import check_columns, settings_of_config, thresholds
from localaws.services.personalize.domains import CUSTOM
from localaws.services.personalize.hyperparameters import Candidate
from localaws.services.personalize.recipes import RECIPE_PREFIX, recipe_of_domain
from localaws.services.personalize.resource_types import BATCH_STATES, PERSONALIZE, STATES
from localaws.services.personalize.training_data import PERCENTILES, Selection, excluded_columns, percentiles, threshold
from storecast_engines import recommending

# docs/aws-sources.md#personalize-native-recipe-trending-now
FREQUENCIES = {"30 minutes": 1800, "1 hour": 3600, "3 hours": 10_800, "1 day": 86_400}
BUILT_CONFIG = (
    "algorithmHyperParameters",
    "autoMLConfig",
    "autoTrainingConfig",
    "eventValueThreshold",
    "eventsConfig",
    "featureTransformationParameters",
    "hpoConfig",
    "optimizationObjective",
    "trainingDataConfig",
)
AUTO_ML_RECIPES = (recommending.USER_PERSONALIZATION, "aws-popularity-count")  # those of type USER_PERSONALIZATION
DEFAULT_DAYS, MOST_DAYS = 7, 30  # between two automatic trainings
METRIC = "normalized_discounted_cumulative_gain_at_25"  # the guide does not say what is optimized


def create_solution(context: Context, params: dict) -> dict:
    """ACTIVE at once: recorded solutions were last updated in the millisecond of their creation, and took a version in
    the same second."""
    PERSONALIZE.get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
    config = params.get("solutionConfig", {})
    _check_training(params, config)
    if unbuilt := [name for name, value in config.items() if value and name not in BUILT_CONFIG]:
        raise invalid(f"solutionConfig: {', '.join(unbuilt)} is not built in Storecast's embedded AWS.")
    record = {"performHPO": False, "performAutoML": False, "performAutoTraining": True} | params
    if record["performAutoML"]:
        if "recipeArn" in params:
            raise invalid("performAutoML chooses the recipe; recipeArn must be left out.")
        record["performHPO"] = True
    else:
        if recipe_of_domain(params.get("recipeArn"), CUSTOM).segments and record["performHPO"]:
            raise invalid(f"performHPO is not for recipe {params['recipeArn']}, whose page of the guide has it so.")
    if record.get("recipeArn") == RECIPE_PREFIX + recommending.USER_PERSONALIZATION:
        record = {"solutionConfig": {}} | record  # recorded of this recipe alone
    candidates(record)
    selection(context, record)
    solution = PERSONALIZE.create(context, "Solution", record, STATES.done)
    return {"solutionArn": solution.arn}


def days_of(config: Mapping[str, Any]) -> int:
    """Between two automatic trainings, by a solutionConfig or a solutionUpdateConfig
    (docs/aws-sources.md#personalize-API_AutoTrainingConfig).

    Raises ServiceError InvalidInputException.
    """
    expression = config.get("autoTrainingConfig", {}).get("schedulingExpression", f"rate({DEFAULT_DAYS} days)")
    days = int(expression.removeprefix("rate(").split(" ")[0])  # botocore's pattern: rate\(\d+ days?\)
    if not 1 <= days <= MOST_DAYS:
        raise invalid(f"schedulingExpression is {expression!r}; it must be rate(1 day) to rate({MOST_DAYS} days).")
    return days


def _check_training(params: dict, config: dict) -> None:
    days_of(config)
    if params.get("performIncrementalUpdate"):
        raise invalid(
            "performIncrementalUpdate is supported only for solutions that use the recipe aws-semantic-similarity, "
            "which Storecast's embedded AWS lacks."
        )


def candidates(record: dict) -> list[Candidate]:
    """What a version of the solution tries. Raises InvalidInputException."""
    config = record.get("solutionConfig", {})
    if not record["performAutoML"]:
        recipe = record["recipeArn"].removeprefix(RECIPE_PREFIX)
        return hyperparameters.candidates(recipe, config, record["performHPO"], _settings(recipe, config))
    chosen = config.get("autoMLConfig", {})
    if chosen.get("metricName", METRIC) not in recommending.METRICS:
        raise invalid(f"metricName is {chosen['metricName']!r}; it must be one of {', '.join(recommending.METRICS)}.")
    named = chosen.get("recipeList") or [RECIPE_PREFIX + each for each in AUTO_ML_RECIPES]
    recipes = [each.removeprefix(RECIPE_PREFIX) for each in named]
    if wrong := [each for each in recipes if each not in AUTO_ML_RECIPES]:
        raise invalid(f"recipeList names {', '.join(wrong)}; it may name {', '.join(AUTO_ML_RECIPES)}.")
    return [each for name in recipes for each in hyperparameters.candidates(name, {}, True, recommending.Settings())]


def _settings(recipe: str, config: dict) -> recommending.Settings:
    parameters = config.get("featureTransformationParameters", {})
    known = {
        recommending.TRENDING_NOW: ("trend_discovery_frequency",),
        recommending.USER_PERSONALIZATION: PERCENTILES,
        recommending.PERSONALIZED_RANKING: PERCENTILES,
        recommending.SIMS: PERCENTILES,
        **dict.fromkeys(recommending.HRNN, PERCENTILES),
    }.get(recipe, ())
    if unknown := sorted(set(parameters) - set(known)):
        allowed = f"; it has {', '.join(known)}" if known else ""
        raise invalid(f"featureTransformationParameters of {recipe}: {', '.join(unknown)} is not known{allowed}.")
    frequency = parameters.get("trend_discovery_frequency", "3 hours")
    if frequency not in FREQUENCIES:
        raise invalid(f"trend_discovery_frequency is {frequency!r}; it must be one of {', '.join(FREQUENCIES)}.")
    given = settings_of_config(recipe, config)
    try:
        return replace(recommending.Settings(), trend_discovery_seconds=FREQUENCIES[frequency], **given)
    except ValueError as error:
        raise invalid(f"solutionConfig: {error}.") from None


def selection(context: Context, record: dict) -> Selection:
    """The data that a version of the solution trains on. Raises InvalidInputException."""
    config = record.get("solutionConfig", {})
    check_columns(context, record["datasetGroupArn"], record)
    return Selection(
        record.get("eventType"),
        threshold(config),
        excluded_columns(context, record["datasetGroupArn"], config),
        percentiles(config.get("featureTransformationParameters", {})),
        thresholds(config),
    )


def describe_solution(context: Context, params: dict) -> dict:
    solution = PERSONALIZE.get(context, "Solution", params["solutionArn"])
    versions = PERSONALIZE.having(context, "SolutionVersion", solutionArn=solution.arn)
    latest = {"latestSolutionVersion": PERSONALIZE.view(versions[-1])} if versions else {}
    return {"solution": PERSONALIZE.view(solution) | latest}


def update_solution(context: Context, params: dict) -> dict:
    """Automatic training on or off, or another schedule (docs/aws-sources.md#personalize-API_UpdateSolution)."""
    solution = PERSONALIZE.get(context, "Solution", params["solutionArn"], active=True)
    update = params.get("solutionUpdateConfig", {})
    _check_training(params, update)
    if unbuilt := [name for name, value in update.items() if value and name not in BUILT_CONFIG]:
        raise invalid(f"solutionUpdateConfig: {', '.join(unbuilt)} is not built in Storecast's embedded AWS.")
    config = solution.record.get("solutionConfig", {}) | update
    changed_record = {**solution.record, "solutionConfig": config}
    candidates(changed_record)
    selection(context, changed_record)
    before = solution.record.get("performAutoTraining", False)
    automatic = params.get("performAutoTraining", before)
    changed = {
        "performAutoTraining": automatic,
        "performIncrementalUpdate": False,
        "solutionUpdateConfig": update,
        "solutionConfig": config,
    }
    if automatic and not before:
        changed["automaticSince"] = time.time()
    PERSONALIZE.update_soon(context, solution.arn, changed)
    return {"solutionArn": solution.arn}


def delete_solution(context: Context, params: dict) -> None:
    """With all its versions; not while a campaign or a batch job uses one
    (docs/aws-sources.md#personalize-API_DeleteSolution)."""
    solution = PERSONALIZE.get(context, "Solution", params["solutionArn"])
    for version in PERSONALIZE.made_from(context, "SolutionVersion", solution.arn):
        for kind in ("BatchInferenceJob", "BatchSegmentJob"):
            for job in PERSONALIZE.having(context, kind, solutionVersionArn=version.arn):
                if not BATCH_STATES.busy(job.status):
                    continue
                raise in_use(f"Solution {solution.arn} is in use by {job.arn}, which is {job.status}.")
    PERSONALIZE.remove(context, solution)
