"""Recommend: what answers requests, made or brought up to the data and the config (CreateRecommender,
UpdateRecommender, StartRecommender, CreateSolutionVersion, CreateCampaign, UpdateCampaign)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from common.clients import client
from common.resources import create, find
from common.step import step

_BUSY = ("PENDING", "IN_PROGRESS")


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The ARN of what the part `part` of the event asks for."""
    return _PARTS[event["part"]](client("personalize"), event)


def _recommender(personalize: Any, event: dict[str, Any]) -> dict[str, Any]:
    """`recommenderArn`, and whether it `wasOff`: it is started then, and takes an update when it is on again. One at
    work on a change already is left to it."""
    request, group = event["request"], {"datasetGroupArn": event["groupArn"]}
    arn = find(personalize, "recommender", request["name"], **group)
    if arn is None:
        return {"recommenderArn": create(personalize, "recommender", {**request, **group}, **group), "wasOff": False}
    there = personalize.describe_recommender(recommenderArn=arn)["recommender"]
    off = there["status"] == "INACTIVE"
    if off:
        personalize.start_recommender(recommenderArn=arn)
    else:
        update = there.get("latestRecommenderUpdate", {}).get("status", "")
        config = request["recommenderConfig"]
        if there.get("recommenderConfig", {}).get("trainingDataConfig", {}).get("excludedDatasetColumns"):
            # An update leaves alone what it does not name: columns come back by an empty map.
            config = {"trainingDataConfig": {"excludedDatasetColumns": {}}, **config}
        wanted = {"recommenderConfig": config}
        _update(personalize.update_recommender, there, update, wanted, event["dataChanged"], recommenderArn=arn)
    return {"recommenderArn": arn, "wasOff": off}


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
    update = there.get("latestCampaignUpdate", {}).get("status", "")
    changeable = {key: value for key, value in wanted.items() if key not in ("name", "tags")}
    _update(personalize.update_campaign, there, update, changeable, False, campaignArn=arn)
    return {"campaignArn": arn}


def _update(
    call: Callable[..., Any], there: dict[str, Any], update: str, wanted: dict[str, Any], anyhow: bool, **arn: str
) -> None:
    """Where what is there differs from what is wanted, or its last update failed; not while it is at work on one."""
    free = there["status"] == "ACTIVE" and not update.endswith(_BUSY)
    if free and (anyhow or update.endswith("FAILED") or _differs(there, wanted)):
        call(**arn, **wanted)


def _differs(there: Any, wanted: Any) -> bool:
    """Whether a member is not there as it is wanted; where false is wanted, it may be missing."""
    if isinstance(wanted, dict) and wanted:
        return any(_differs((there or {}).get(key), value) for key, value in wanted.items())
    return (there or False) != (wanted or False)


_PARTS = {"recommender": _recommender, "version": _version, "campaign": _campaign}
