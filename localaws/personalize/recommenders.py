"""Recommenders: create, update, stop, start; the recipes."""

import uuid
from functools import partial

from localaws.gateway import Context
from localaws.jobs import PERSONALIZE as STATES
from localaws.personalize import engine
from localaws.personalize.datasets import imported_files
from localaws.personalize.kinds import children, create, get, in_use, invalid, limit, remove
from localaws.resources import Resource, page
from localaws.wire import ServiceError

RECIPE_PREFIX = "arn:aws:personalize:::recipe/"
MOST_PER_GROUP = 5
# When the guide's history says the domain recipes came (2021-11-29).
RECIPES_SINCE = 1638144000.0


def create_recommender(context: Context, params: dict) -> dict:
    group = get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
    name = params["recipeArn"].removeprefix(RECIPE_PREFIX)
    if name not in engine.RECIPES:
        allowed = ", ".join(RECIPE_PREFIX + each for each in engine.RECIPES)
        raise invalid(f"Recipe {params['recipeArn']} is not one of {allowed}")
    _check_config(params.get("recommenderConfig", {}))
    imported_files(context, group.arn)
    others = children(context, "Recommender", "datasetGroupArn", group.arn)
    if len(others) >= MOST_PER_GROUP and params["name"] not in [each.name for each in others]:
        raise limit(f"Dataset group {group.arn} has {MOST_PER_GROUP} recommenders, the most it may have.")
    config = {"minRecommendationRequestsPerSecond": 1} | params.get("recommenderConfig", {})
    recommender = create(context, "Recommender", params | {"recommenderConfig": config})
    _train(context, recommender, config, None)
    return {"recommenderArn": recommender.arn}


def _check_config(config: dict) -> None:
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
    return engine.Settings(**{names[key]: float(value) for key, value in exploration.items()})


def _train(context: Context, recommender: Resource, config: dict, mark) -> None:
    version = uuid.uuid4().hex[:8]
    context.jobs.submit(
        recommender.arn,
        "localaws.personalize.work:train_recommender",
        {
            "files": imported_files(context, recommender.record["datasetGroupArn"]),
            "recipe_name": recommender.record["recipeArn"].removeprefix(RECIPE_PREFIX),
            "settings": settings_of(config),
            "destination": context.store.folder(recommender.arn) / version,
        },
        mark=mark,
    )


def update_recommender(context: Context, params: dict) -> dict:
    """Trains anew on what is imported now; the old model serves until the update is ACTIVE."""
    recommender = get(context, "Recommender", params["recommenderArn"])
    update = recommender.record.get("latestRecommenderUpdate", {})
    if recommender.status != STATES.done or update.get("status") in (STATES.pending, STATES.in_progress):
        raise in_use(f"Recommender {recommender.arn} is {recommender.status}; it must be ACTIVE and not updating.")
    config = recommender.record["recommenderConfig"] | params["recommenderConfig"]
    _check_config(config)
    mark = partial(_mark_update, context, recommender.arn, config)
    mark(STATES.pending)
    _train(context, recommender, config, mark)
    return {"recommenderArn": recommender.arn}


def _mark_update(context: Context, arn: str, config: dict, status: str, message: str | None = None) -> None:
    resource = context.store.find(arn)
    if resource is None:
        return
    update = {"recommenderConfig": config, "status": status, "failureReason": message}
    update |= {"creationDateTime": resource.created, "lastUpdatedDateTime": resource.modified}
    done = {"recommenderConfig": config} if status == STATES.done else {}
    context.store.update(arn, latestRecommenderUpdate=update, **done)


def stop_recommender(context: Context, params: dict) -> dict:
    """Billing and retraining halt on AWS; the model stays, nothing is served."""
    return _move(context, params["recommenderArn"], STATES.done, "STOP", "INACTIVE")


def start_recommender(context: Context, params: dict) -> dict:
    return _move(context, params["recommenderArn"], "INACTIVE", "START", STATES.done)


def _move(context: Context, arn: str, source: str, verb: str, target: str) -> dict:
    recommender = get(context, "Recommender", arn)
    if recommender.status != source:
        raise in_use(f"Recommender {arn} is {recommender.status}; it must be {source}.")
    context.store.update(arn, f"{verb} PENDING")
    context.jobs.later(context.store.update, arn, f"{verb} IN_PROGRESS")
    context.jobs.later(context.store.update, arn, target)
    return {"recommenderArn": arn}


def delete_recommender(context: Context, params: dict) -> None:
    remove(context, get(context, "Recommender", params["recommenderArn"]))


# --- recipes --------------------------------------------------------------------------------------------------------


def list_recipes(context: Context, params: dict) -> dict:
    ours = params.get("domain", "ECOMMERCE") == "ECOMMERCE" and params.get("recipeProvider", "SERVICE") == "SERVICE"
    listed, token = page(list(engine.RECIPES) if ours else [], params.get("nextToken"), params.get("maxResults"))
    return {"recipes": [_recipe(name) for name in listed], "nextToken": token}


def describe_recipe(context: Context, params: dict) -> dict:
    name = params["recipeArn"].removeprefix(RECIPE_PREFIX)
    if name not in engine.RECIPES:
        raise ServiceError("ResourceNotFoundException", f"Resource Arn {params['recipeArn']} does not exist.")
    return {"recipe": _recipe(name)}


def _recipe(name: str) -> dict:
    return {
        "name": name,
        "recipeArn": RECIPE_PREFIX + name,
        "status": STATES.done,
        "domain": "ECOMMERCE",
        "creationDateTime": RECIPES_SINCE,
        "lastUpdatedDateTime": RECIPES_SINCE,
    }
