"""Publish: recommendations for the head items and a sample of users, as JSON and as a report (GetRecommendations)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from common.step import step
from common.store import put_json, put_text
from recommending.audience import Audience, audience
from recommending.report import render

# use case: what its lists are made for; an item list also needs a user where the service filters by one
_FOR_EVERYBODY, _PER_ITEM, _PER_USER = "everybody", "item", "user"
_SUBJECTS = {
    "most-viewed": _FOR_EVERYBODY,
    "best-sellers": _FOR_EVERYBODY,
    "frequently-bought-together": _PER_ITEM,
    "also-viewed": _PER_ITEM,
    "recommended-for-you": _PER_USER,
}


@step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`summary`, and in S3 recommendations.json, report.html, summary.json of the run and the newest pointers."""
    bucket, folder = event["resultsBucket"], f"recommending/{event['dataset']}/"
    settings = event["config"]["publish"]
    people = audience(
        event["dataBucket"],
        folder,
        head_items=settings["head_items"],
        sample_users=settings["sample_users"],
        name_column=settings.get("name_column"),  # absent, not null: CDK drops nulls from definitions
    )
    use_cases = [{**made, "lists": lists(made, people, settings["results"])} for made in event["recommenders"]]
    head = {key: event[key] for key in ("dataset", "run", "execution")}
    run = f"{folder}runs/{event['run']}/"
    summary = {
        **head,
        "covers": event["covers"],
        "report": f"s3://{bucket}/{run}report.html",
        "recommendations": f"s3://{bucket}/{run}recommendations.json",
        "recommenders": event["recommenders"],
        "lists": sum(len(made["lists"]) for made in use_cases),
    }
    put_json(bucket, f"{run}recommendations.json", {**head, "useCases": use_cases})
    put_json(bucket, f"{run}summary.json", summary)
    page = render(event["dataset"], event["run"], use_cases, settings["note"])
    put_text(bucket, f"{run}report.html", page)
    put_text(bucket, f"{folder}report.html", page)
    put_json(bucket, f"{folder}newest.json", summary)
    return {"summary": summary}


def lists(made: dict[str, Any], people: Audience, results: int) -> list[dict[str, Any]]:
    """The use case's recommendations: `[{"for": {...}, "items": [{"itemId", "name", "score"?}]}]`."""
    subject = _SUBJECTS[made["useCase"]]
    anybody = people.sample_users[0]
    if subject == _FOR_EVERYBODY:
        asked = [({}, {"userId": anybody})]
    elif subject == _PER_ITEM:
        asked = [
            ({"itemId": item, "name": people.names.get(item, item)}, {"itemId": item, "userId": anybody})
            for item in people.head_items
        ]
    else:
        asked = [({"userId": user}, {"userId": user}) for user in people.sample_users]
    return [
        {"for": about, "items": _recommendations(made["recommenderArn"], people, results, request)}
        for about, request in asked
    ]


def _recommendations(arn: str, people: Audience, results: int, request: dict[str, str]) -> list[dict[str, Any]]:
    answer = client("personalize-runtime").get_recommendations(recommenderArn=arn, numResults=results, **request)
    return [
        {
            "itemId": item["itemId"],
            "name": people.names.get(item["itemId"], item["itemId"]),
            **({"score": item["score"]} if "score" in item else {}),
        }
        for item in answer["itemList"]
    ]
