"""Recommendations in real time: GetRecommendations with its filter and its promotion, GetPersonalizedRanking."""

import uuid
from functools import partial
from pathlib import Path

import numpy as np

from localaws.errors import invalid
from localaws.registration import Context
from localaws.resources import Resource
from localaws.services.personalize import domains, metadata
from localaws.services.personalize.answering import (
    DEFAULT_RESULTS,
    MOST_RESULTS,
    Asked,
    Deployed,
    check_results,
    served,
)
from localaws.services.personalize.api import filters
from localaws.services.personalize.api.metric_attributions import deployed_digits
from localaws.services.personalize.datasets import fields_of, group_datasets, stream_of
from localaws.services.personalize.recipes import recipe, settings_of, trained_settings
from localaws.services.personalize.records import records
from localaws.services.personalize.resource_types import PERSONALIZE, STATES
from storecast_engines import recommending


def get_recommendations(context: Context, params: dict) -> dict:
    group_arn, config, by = _deployed(context, params)
    if by.recipe.ranks:
        raise invalid(f"A campaign of {by.recipe.name} is asked by GetPersonalizedRanking.")
    asked = _asked(context, group_arn, by, params)
    results = check_results(params.get("numResults", DEFAULT_RESULTS))
    columns = metadata.check(context, group_arn, config, params)
    allowed = _allowed(context, group_arn, asked, params) if "filterArn" in params else None
    if params.get("promotions"):
        if by.recipe.name == recommending.VIDEO_TRENDING_NOW:
            # docs/aws-sources.md#personalize-promoting-items-domain-dsg
            raise invalid(f"promotions cannot be asked of {by.recipe.name}.")
        items = _with_promotion(context, group_arn, asked, results, allowed, params["promotions"][0])
    else:
        items = asked.listed(asked.ranking(results, allowed))
    if "recommenderArn" in params:  # none of the recorded recommenders has scores
        items = [{name: value for name, value in each.items() if name != "score"} for each in items]
    items = metadata.attach(context, group_arn, items, columns)
    return {"itemList": items, "recommendationId": _recommendation_id(params)}


def get_personalized_ranking(context: Context, params: dict) -> dict:
    """The input list in the user's order; items without interactions come last and have no score
    (docs/aws-sources.md#personalize-rankings)."""
    if len(params["inputList"]) > MOST_RESULTS:
        raise invalid(f"inputList has {len(params['inputList'])} items; it may have at most {MOST_RESULTS}.")
    group_arn, config, by = _deployed(context, params)
    if not by.recipe.ranks:
        raise invalid(
            f"The campaign is one of {by.recipe.name}; only {recommending.PERSONALIZED_RANKING} ranks a list."
        )
    columns = metadata.check(context, group_arn, config, params)
    asked = _asked(context, group_arn, by, params)
    allowed = _allowed(context, group_arn, asked, params) if "filterArn" in params else None
    items = metadata.attach(context, group_arn, asked.ranked(params["inputList"], allowed), columns)
    return {"personalizedRanking": items, "recommendationId": _recommendation_id(params)}


def _recommendation_id(params: dict) -> str:
    """RID-<the end of a UUID>-CID-<6 digits of what answered>, 40 characters in all, as recorded since 2024."""
    digits = deployed_digits(params.get("recommenderArn") or params["campaignArn"])
    return f"RID-{str(uuid.uuid4())[11:]}-CID-{digits}"


def _deployed(context: Context, params: dict) -> tuple[str, dict, Deployed]:
    """The dataset group and the configuration of what the request names, and what answers there.

    Raises InvalidInputException unless it names one recommender or campaign in service.
    """
    named = [member for member in ("recommenderArn", "campaignArn") if member in params]
    if len(named) != 1:
        raise invalid("A request needs either recommenderArn or campaignArn.")
    kind = {"recommenderArn": "Recommender", "campaignArn": "Campaign"}[named[0]]
    found = context.store.find(params[named[0]])
    if found is None or found.type != kind or found.status != STATES.done:
        raise invalid(f"{params[named[0]]} does not exist or is not active yet.")
    trained = found
    if kind == "Campaign":
        trained = PERSONALIZE.get(context, "SolutionVersion", found.record["solutionVersionArn"])
    group_arn = trained.record["datasetGroupArn"]
    config = found.record["recommenderConfig" if kind == "Recommender" else "campaignConfig"]
    by = Deployed(
        recipe(trained.record["recipeArn"]),
        served(Path(trained.private["model"])),
        settings_of(config, trained_settings(trained)),
        partial(records, context, group_arn),
    )
    return group_arn, config, by


def _asked(context: Context, group_arn: str, by: Deployed, params: dict) -> Asked:
    interactions = group_datasets(context, group_arn).get("INTERACTIONS")
    put = _put_since(context, interactions, params["userId"]) if "userId" in params and interactions else []
    if "context" in params:
        _check_context(context, interactions, by.recipe, params["context"])
    return by.asked(params, put, params.get("context"))


def _put_since(context: Context, interactions: Resource, user: str) -> list[tuple[str, str, int]]:
    """(item, event type, epoch seconds) of the user's events that were put, those of earlier trainings among them."""
    events = stream_of(context, interactions).by_user.of(user)
    return [(e["ITEM_ID"], e["EVENT_TYPE"], e["TIMESTAMP"]) for e in events if e["ITEM_ID"] is not None]


def _check_context(context: Context, interactions: Resource | None, asked: recommending.Recipe, given: dict) -> None:
    """The metadata fields of the Interactions dataset alone (docs/aws-sources.md#personalize-contextual-metadata)."""
    if not recommending.uses_features(asked):
        raise invalid(f"context cannot be given to recipe {asked.name}.")
    fields = fields_of(context, interactions) if interactions else []
    known = [field.name for field in fields if field.name not in domains.NO_METADATA_OF_EVENTS]
    if unknown := [name for name in given if name not in known]:
        raise invalid(
            f"context names {', '.join(unknown)}; the metadata fields of the Interactions dataset are "
            f"{', '.join(known) or 'none'}."
        )


def _allowed(context: Context, group_arn: str, asked: Asked, named: dict) -> np.ndarray:
    """(N,) bool by the filterArn and filterValues of a request or of a promotion."""
    found = filters.usable(context, named["filterArn"], group_arn)
    return asked.allowed(found.record["filterExpression"], named.get("filterValues", {}))


def _with_promotion(
    context: Context, group_arn: str, asked: Asked, results: int, allowed: np.ndarray | None, promotion: dict
) -> list[dict]:
    """Promoted items at random places among the others, each kind in its own order; as many as there are.

    The promotion's filter alone decides on promoted items, the request's filter on the others
    (docs/aws-sources.md#personalize-promoting-items).
    """
    missing = [member for member in ("name", "percentPromotedItems", "filterArn") if member not in promotion]
    if missing:
        raise invalid(f"A promotion needs {', '.join(missing)}.")
    wanted = _allowed(context, group_arn, asked, promotion)
    first = asked.ranking(round(results * promotion["percentPromotedItems"] / 100), wanted)
    promoted = asked.listed(first, promotionName=promotion["name"])
    rest = np.ones(len(asked.by.served.model["item_ids"]), dtype=bool) if allowed is None else allowed.copy()
    rest[first.items] = False
    others = asked.listed(asked.ranking(results - len(promoted), rest))
    size = len(promoted) + len(others)
    places = set(np.random.default_rng().choice(size, len(promoted), replace=False).tolist())
    return [promoted.pop(0) if place in places else others.pop(0) for place in range(size)]
