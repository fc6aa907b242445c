"""Recommenders: create, update, stop, start."""

import uuid
from collections.abc import Callable
from functools import partial

from localaws.jobs import PERSONALIZE as STATES
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.personalize.api.datasets import imported_files
from localaws.services.personalize.api.recipes import check_config, recipe, recipe_of_domain, settings_of
from localaws.services.personalize.hyperparameters import Candidate
from localaws.services.personalize.resource_types import (
    children,
    create,
    get,
    in_use,
    invalid,
    limit,
    mark_update,
    remove,
)
from localaws.services.personalize.training_data import Selection, excluded_columns

MOST_PER_GROUP = 5


def create_recommender(context: Context, params: dict) -> dict:
    group = get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
    if "domain" not in group.record:
        raise invalid(
            f"Please use a domains-specific Dataset Group to create the Recommender: {group.arn} has no domain."
        )
    asked = recipe_of_domain(params["recipeArn"], group.record["domain"])
    check_config(asked, params.get("recommenderConfig", {}))
    excluded_columns(context, group.arn, params.get("recommenderConfig", {}))
    files = imported_files(context, group.arn)
    if asked.needs_items and "ITEMS" not in files:
        raise invalid(f"Dataset group {group.arn} has no Items dataset with imported data; {asked.name} needs one.")
    others = children(context, "Recommender", "datasetGroupArn", group.arn)
    if len(others) >= MOST_PER_GROUP and params["name"] not in [each.name for each in others]:
        raise limit(f"Dataset group {group.arn} has {MOST_PER_GROUP} recommenders, the most it may have.")
    config = {"minRecommendationRequestsPerSecond": 1} | params.get("recommenderConfig", {})
    recommender = create(context, "Recommender", params | {"recommenderConfig": config})
    _train(context, recommender, config, None)
    return {"recommenderArn": recommender.arn}


def _train(context: Context, recommender: Resource, config: dict, mark: Callable[..., None] | None) -> None:
    version, group_arn = uuid.uuid4().hex[:8], recommender.record["datasetGroupArn"]
    context.jobs.submit(
        recommender.arn,
        "localaws.services.personalize.jobs.training:train",
        {
            "files": imported_files(context, group_arn),
            "candidates": [Candidate(recipe(recommender.record["recipeArn"]).name, settings_of(config))],
            "selection": Selection(excluded=excluded_columns(context, group_arn, config)),
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
    check_config(recipe(recommender.record["recipeArn"]), config)
    excluded_columns(context, recommender.record["datasetGroupArn"], config)
    mark = partial(mark_update, context, recommender.arn, "latestRecommenderUpdate", {"recommenderConfig": config})
    mark(STATES.pending)
    _train(context, recommender, config, mark)
    return {"recommenderArn": recommender.arn}


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
