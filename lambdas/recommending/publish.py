"""Publish: recommendations for the head items and a sample of users, as JSON and as a report (GetRecommendations,
GetPersonalizedRanking)."""

from __future__ import annotations

from typing import Any

from common.step import step
from common.store import put_json, put_text
from recommending.audience import audience
from recommending.filtered import filtered
from recommending.lists import lists
from recommending.report import render


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
    campaigns = [made for made in event["solutions"] if "campaignArn" in made]
    use_cases, solutions = (
        [{**made, "lists": lists(made, people, settings["results"])} for made in serving]
        for serving in (event["recommenders"], campaigns)
    )
    filters = filtered(event["filters"], [*event["recommenders"], *campaigns], people, settings["results"])
    head = {key: event[key] for key in ("dataset", "run", "execution")}
    run = f"{folder}runs/{event['run']}/"
    summary = {
        **head,
        "inputs": event["inputs"],
        "report": f"s3://{bucket}/{run}report.html",
        "recommendations": f"s3://{bucket}/{run}recommendations.json",
        "recommenders": event["recommenders"],
        "solutions": event["solutions"],
        "batch": {one["name"]: {key: one[key] for key in one if key != "name"} for one in event["batch"]},
        "filters": {one["name"]: one["filterArn"] for one in event["filters"]},
        **({"trackingId": event["eventTracker"]["trackingId"]} if "eventTracker" in event else {}),
        "lists": sum(len(made["lists"]) for made in (*use_cases, *solutions)),
    }
    put_json(
        bucket,
        f"{run}recommendations.json",
        {**head, "useCases": use_cases, "solutions": solutions, "filters": filters},
    )
    put_json(bucket, f"{run}summary.json", summary)
    page = render(event["dataset"], event["run"], [*use_cases, *solutions], filters, event["batch"], settings["note"])
    put_text(bucket, f"{run}report.html", page)
    put_text(bucket, f"{folder}report.html", page)
    put_json(bucket, f"{folder}newest.json", summary)
    return {"summary": summary}
