"""Recommend: what answers requests, made or brought up to the data and the config (CreateRecommender,
UpdateRecommender, StartRecommender, CreateSolutionVersion, CreateCampaign, UpdateCampaign)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from common.clients import client
from common.resources import attempt, create, find
from common.step import step

_BUSY = ("PENDING", "IN_PROGRESS")


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The ARN of what the part `part` of the event asks for."""
    return _PARTS[event["part"]](client("personalize"), event)


def _recommender(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    """`recommenderArn`, and whether to come `again` when it is ACTIVE: it was off and is started, or is at work on what
    it was told before this run. What this run told it, it is not told twice."""
    request, group = event["request"], {"datasetGroupArn": event["groupArn"]}
    arn = find(personalize, "recommender", request["name"], **group)
    if arn is None:
        return {"recommenderArn": create(personalize, "recommender", {**request, **group}, **group), "again": False}
    there = personalize.describe_recommender(recommenderArn=arn)["recommender"]
    update = there.get("latestRecommenderUpdate", {})
    told = update.get("creationDateTime", there["creationDateTime"])
    wanting = event["dataChanged"] and told < datetime.fromisoformat(event["started"])
    if there["status"] == "INACTIVE":
        attempt(personalize, personalize.start_recommender, recommenderArn=arn)
        return {"recommenderArn": arn, "again": True}
    if there["status"].endswith(_BUSY) or update.get("status", "").endswith(_BUSY):
        return {"recommenderArn": arn, "again": wanting}
    config = request["recommenderConfig"]
    if there.get("recommenderConfig", {}).get("trainingDataConfig", {}).get("excludedDatasetColumns"):
        # An update leaves alone what it does not name: columns come back by an empty map.
        config = {"trainingDataConfig": {"excludedDatasetColumns": {}}, **config}
    changed = {"recommenderArn": arn, "recommenderConfig": config}
    wanting = wanting or _wanting(there, update, {"recommenderConfig": config})
    return {
        "recommenderArn": arn,
        "again": wanting and not attempt(personalize, personalize.update_recommender, **changed),
    }


def _version(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    """`solutionVersionArn`: the newest, if this run made it or nothing changed since; if not, a new one."""
    arn = event["solutionArn"]
    newest = personalize.describe_solution(solutionArn=arn)["solution"].get("latestSolutionVersion")
    if newest and (
        newest["creationDateTime"] >= datetime.fromisoformat(event["started"])
        or (newest["status"] == "ACTIVE" and not event["dataChanged"])
    ):
        return {"solutionVersionArn": newest["solutionVersionArn"]}
    # A version has no name to be found again by.
    made = client("personalize", attempts=1).create_solution_version(solutionArn=arn, tags=event["request"]["tags"])
    return {"solutionVersionArn": made["solutionVersionArn"]}


def _campaign(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    """`campaignArn`. While it is updated, the version before answers (update-campaigns.md)."""
    wanted = {**event["campaign"], "solutionVersionArn": event["solutionVersionArn"]}
    solution = {"solutionArn": event["solutionArn"]}
    arn = find(personalize, "campaign", wanted["name"], **solution)
    if arn is None:
        return {"campaignArn": create(personalize, "campaign", wanted, **solution)}
    there = personalize.describe_campaign(campaignArn=arn)["campaign"]
    changeable = {key: value for key, value in wanted.items() if key not in ("name", "tags")}
    if _wanting(there, there.get("latestCampaignUpdate", {}), changeable):
        personalize.update_campaign(campaignArn=arn, **changeable)
    return {"campaignArn": arn}


def _wanting(there: dict[str, Any], update: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether what is there differs from what is wanted, or its last `update` failed, while it is at work on none."""
    status = update.get("status", "")
    free = there["status"] == "ACTIVE" and not status.endswith(_BUSY)
    return free and (status.endswith("FAILED") or _differs(there, wanted))


def _differs(there: Any, wanted: Any) -> bool:
    """Whether a member is not there as it is wanted; where false is wanted, it may be missing."""
    if isinstance(wanted, dict) and wanted:
        return any(_differs((there or {}).get(key), value) for key, value in wanted.items())
    return (there or False) != (wanted or False)


_PARTS = {"recommender": _recommender, "version": _version, "campaign": _campaign}
