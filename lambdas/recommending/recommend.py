"""Recommend: what answers requests, made or brought up to the data and the config (CreateRecommender,
UpdateRecommender, StartRecommender, CreateSolutionVersion, CreateCampaign, UpdateCampaign)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from common.clients import client
from common.payload import AwsJson
from common.resources import attempt, create, find
from common.step import LambdaContext, logger, step
from recommending.payload import (
    CampaignAnswer,
    CampaignRequest,
    RecommendAnswer,
    RecommenderAnswer,
    RecommenderRequest,
    RecommendRequest,
    VersionAnswer,
    VersionRequest,
)

_BUSY = ("PENDING", "IN_PROGRESS")


@step
def handler(event: RecommendRequest, context: LambdaContext) -> RecommendAnswer:
    """The ARN of what the part of the event asks for."""
    personalize = client("personalize")
    if event["part"] == "recommender":
        return _recommender(personalize, event)
    if event["part"] == "version":
        return _version(personalize, event)
    return _campaign(personalize, event)


def _recommender(personalize: Any, event: RecommenderRequest) -> RecommenderAnswer:
    """An update is due when it is ACTIVE if it was off and is started, or is busy with a request of before this run.
    What this run requested, it does not request twice."""
    request, group = event["request"], {"datasetGroupArn": event["groupArn"]}
    arn = find(personalize, "recommender", request["name"], **group)
    if arn is None:
        return {"recommenderArn": create(personalize, "recommender", {**request, **group}, **group), "updateDue": False}
    there = personalize.describe_recommender(recommenderArn=arn)["recommender"]
    update = there.get("latestRecommenderUpdate", {})
    requested = update.get("creationDateTime", there["creationDateTime"])
    outdated = event["dataChanged"] and requested < datetime.fromisoformat(event["started"])
    if there["status"] == "INACTIVE":
        attempt(personalize, personalize.start_recommender, recommenderArn=arn)
        return {"recommenderArn": arn, "updateDue": True}
    if there["status"].endswith(_BUSY) or update.get("status", "").endswith(_BUSY):
        return {"recommenderArn": arn, "updateDue": outdated}
    config = request["recommenderConfig"]
    if there.get("recommenderConfig", {}).get("trainingDataConfig", {}).get("excludedDatasetColumns"):
        # An update leaves alone what it does not name: columns come back by an empty map.
        config = {"trainingDataConfig": {"excludedDatasetColumns": {}}, **config}
    changed = {"recommenderArn": arn, "recommenderConfig": config}
    outdated = outdated or _needs_update(there, update, {"recommenderConfig": config})
    try:
        updated = outdated and attempt(personalize, personalize.update_recommender, **changed)
    except personalize.exceptions.InvalidInputException as error:
        if _differs(there.get("recommenderConfig"), config):
            raise
        # It would change nothing. A recommender takes up new data automatically, too
        # (docs/aws-sources.md#personalize-use-cases).
        logger.warning("the recommender was not updated", extra={"recommender": arn, "reason": str(error)})
        return {"recommenderArn": arn, "updateDue": False}
    return {"recommenderArn": arn, "updateDue": outdated and not updated}


def _version(personalize: Any, event: VersionRequest) -> VersionAnswer:
    """The newest version if this run made it or nothing changed since; if not, a new one."""
    arn = event["solutionArn"]
    newest = personalize.describe_solution(solutionArn=arn)["solution"].get("latestSolutionVersion")
    if newest and (
        newest["creationDateTime"] >= datetime.fromisoformat(event["started"])
        or (newest["status"] == "ACTIVE" and not event["dataChanged"])
    ):
        return {"solutionVersionArn": newest["solutionVersionArn"]}
    # Where the answer is lost, the retried step finds the version; a second one of this run is refused by its name.
    name = f"{hashlib.sha256(arn.encode()).hexdigest()[:8]}-{event['run']}"
    made = client("personalize", attempts=1).create_solution_version(
        name=name, solutionArn=arn, tags=event["request"]["tags"]
    )
    return {"solutionVersionArn": made["solutionVersionArn"]}


def _campaign(personalize: Any, event: CampaignRequest) -> CampaignAnswer:
    """While a campaign is updated, its version before answers (docs/aws-sources.md#personalize-update-campaigns)."""
    wanted: AwsJson = {**event["campaign"], "solutionVersionArn": event["solutionVersionArn"]}
    solution = {"solutionArn": event["solutionArn"]}
    arn = find(personalize, "campaign", wanted["name"], **solution)
    if arn is None:
        return {"campaignArn": create(personalize, "campaign", wanted, **solution)}
    there = personalize.describe_campaign(campaignArn=arn)["campaign"]
    changeable = {key: value for key, value in wanted.items() if key not in ("name", "tags")}
    if _needs_update(there, there.get("latestCampaignUpdate", {}), changeable):
        personalize.update_campaign(campaignArn=arn, **changeable)
    return {"campaignArn": arn}


def _needs_update(there: AwsJson, update: AwsJson, wanted: AwsJson) -> bool:
    """Whether a resource that is not busy differs from what is wanted, or its last update failed."""
    status = update.get("status", "")
    free = there["status"] == "ACTIVE" and not status.endswith(_BUSY)
    return free and (status.endswith("FAILED") or _differs(there, wanted))


def _differs(there: Any, wanted: Any) -> bool:
    """Whether a member is not there as it is wanted; where false is wanted, it may be missing."""
    if isinstance(wanted, dict) and wanted:
        return any(_differs((there or {}).get(key), value) for key, value in wanted.items())
    return (there or False) != (wanted or False)
