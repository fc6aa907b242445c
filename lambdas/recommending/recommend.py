"""Recommend: a use case's recommender, made or brought up to the data (CreateRecommender, UpdateRecommender)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.resources import create, find
from common.step import step

_BUSY = ("PENDING", "IN_PROGRESS")


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`recommenderArn`. A recommender that was stopped is started; one at work on a change already is left to it."""
    personalize, request = client("personalize"), event["request"]
    arn = find(personalize, "recommender", request["name"], datasetGroupArn=event["groupArn"])
    if arn is None:
        return {
            "recommenderArn": create(
                personalize,
                "recommender",
                {**request, "datasetGroupArn": event["groupArn"]},
                datasetGroupArn=event["groupArn"],
            )
        }
    there = personalize.describe_recommender(recommenderArn=arn)["recommender"]
    update = there.get("latestRecommenderUpdate", {}).get("status", "")
    if there["status"] == "INACTIVE":
        personalize.start_recommender(recommenderArn=arn)
    elif there["status"] == "ACTIVE" and not update.endswith(_BUSY):
        personalize.update_recommender(recommenderArn=arn, recommenderConfig=there.get("recommenderConfig", {}))
    return {"recommenderArn": arn}
