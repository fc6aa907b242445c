"""Recommenders: create, update, stop, start."""

import uuid
from collections.abc import Callable
from functools import partial

from localaws.errors import in_use, invalid
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.personalize.datasets import imported_files
from localaws.services.personalize.hyperparameters import Candidate
from localaws.services.personalize.jobs.solution_versions import Train, train
from localaws.services.personalize.recipes import check_config, recipe, recipe_of_domain, settings_of
from localaws.services.personalize.resource_types import PERSONALIZE, STATES
from localaws.services.personalize.training_data import Selection, excluded_columns


def create_recommender(context: Context, params: dict) -> dict:
    group = PERSONALIZE.get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
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
    config = {"minRecommendationRequestsPerSecond": 1} | params.get("recommenderConfig", {})
    recommender = PERSONALIZE.create(context, "Recommender", params | {"recommenderConfig": config})
    _train(context, recommender, config, None)
    return {"recommenderArn": recommender.arn}


def _train(context: Context, recommender: Resource, config: dict, mark: Callable[..., None] | None) -> None:
    version, group_arn = uuid.uuid4().hex[:8], recommender.record["datasetGroupArn"]
    arguments = Train(
        files=imported_files(context, group_arn),
        selection=Selection(excluded=excluded_columns(context, group_arn, config)),
        destination=context.store.folder(recommender.arn) / version,
        candidates=[Candidate(recipe(recommender.record["recipeArn"]).name, settings_of(config))],
    )
    context.jobs.submit(recommender.arn, train, arguments, mark=mark)


def update_recommender(context: Context, params: dict) -> dict:
    """Trains anew on what is imported now; the old model serves until the update is ACTIVE."""
    recommender = PERSONALIZE.get(context, "Recommender", params["recommenderArn"])
    update = recommender.record.get("latestRecommenderUpdate", {})
    if recommender.status != STATES.done or STATES.busy(update.get("status", "")):
        raise in_use(f"Recommender {recommender.arn} is {recommender.status}; it must be ACTIVE and not updating.")
    config = recommender.record["recommenderConfig"] | params["recommenderConfig"]
    check_config(recipe(recommender.record["recipeArn"]), config)
    excluded_columns(context, recommender.record["datasetGroupArn"], config)
    mark = partial(PERSONALIZE.mark_update, context, recommender.arn, {"recommenderConfig": config})
    mark(STATES.pending)
    _train(context, recommender, config, mark)
    return {"recommenderArn": recommender.arn}


def stop_recommender(context: Context, params: dict) -> dict:
    """Billing and retraining halt on AWS; the model stays, nothing is served."""
    return _move(context, params["recommenderArn"], STATES.done, "STOP", "INACTIVE")


def start_recommender(context: Context, params: dict) -> dict:
    return _move(context, params["recommenderArn"], "INACTIVE", "START", STATES.done)


def _move(context: Context, arn: str, source: str, verb: str, target: str) -> dict:
    recommender = PERSONALIZE.get(context, "Recommender", arn)
    if recommender.status != source:
        raise in_use(f"Recommender {arn} is {recommender.status}; it must be {source}.")
    PERSONALIZE.move(context, arn, f"{verb} PENDING", f"{verb} IN_PROGRESS", target)
    return {"recommenderArn": arn}
