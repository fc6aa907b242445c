"""Publish: recommendations for the most popular items and a sample of users, as JSON and as a report
(GetRecommendations, GetPersonalizedRanking)."""

from __future__ import annotations

from common import deliveries, results
from common.step import LambdaContext, step
from common.store import put_json
from recommending.payload import BatchResult, PreviousBatch, PublishAnswer, PublishRequest, Summary
from recommending.publishing import (
    ListedRecommender,
    ListedSolution,
    audience,
    campaign,
    filter_effects,
    lists,
    recommender,
)
from recommending.report import render


@step
def handler(event: PublishRequest, context: LambdaContext) -> PublishAnswer:
    """The summary; in S3 recommendations.json, report.html, summary.json of the run and the newest pointers."""
    bucket, folder = event["resultsBucket"], f"recommending/{event['dataset']}/"
    settings = event["publish"]
    people = audience(
        event,
        folder,
        head_items=settings["head_items"],
        sample_users=settings["sample_users"],
        name_column=settings.get("name_column"),
    )
    campaigns = [made for made in event["solutions"] if "campaignArn" in made]
    use_cases: list[ListedRecommender] = [
        {**made, "lists": lists(recommender(made), people, settings["results"])} for made in event["recommenders"]
    ]
    solutions: list[ListedSolution] = [
        {**made, "lists": lists(campaign(made), people, settings["results"])} for made in campaigns
    ]
    endpoints = [*map(recommender, event["recommenders"]), *map(campaign, campaigns)]
    filters = filter_effects(event["filters"], endpoints, people, settings["results"])
    run = f"{folder}runs/{event['run']}/"
    summary = _summary(event, f"s3://{bucket}/{run}", sum(len(made["lists"]) for made in (*use_cases, *solutions)))
    put_json(
        bucket,
        f"{run}recommendations.json",
        {
            **{key: summary[key] for key in ("dataset", "run", "execution")},
            "useCases": use_cases,
            "solutions": solutions,
            "filters": filters,
        },
    )
    note = " ".join([settings["note"], *summary["notes"]]).strip()
    page = render(event["dataset"], event["run"], use_cases, solutions, filters, event["batch"], note)
    results.save(bucket, folder, event["run"], summary, page)
    results.point_to(bucket, folder, summary, page)
    return {"summary": summary}


def _summary(event: PublishRequest, run: str, lists: int) -> Summary:
    """`run` is the URI of the run's folder, `lists` how many recommendations.json has."""
    summary: Summary = {
        "dataset": event["dataset"],
        "run": event["run"],
        "execution": event["execution"],
        "inputs": event["inputs"],
        "dataChanged": event["dataChanged"],
        "report": f"{run}report.html",
        "recommendations": f"{run}recommendations.json",
        "recommenders": event["recommenders"],
        "solutions": event["solutions"],
        "batch": {one["name"]: _without_name(one) for one in event["batch"]},
        "filters": {one["name"]: one["filterArn"] for one in event["filters"]},
        "lists": lists,
        "notes": deliveries.notes(event, f"recommending/{event['dataset']}/"),
    }
    if "eventTracker" in event:
        summary["trackingId"] = event["eventTracker"]["trackingId"]
    return summary


def _without_name(job: BatchResult) -> PreviousBatch:
    return {
        "settings": job["settings"],
        "solutionVersionArn": job["solutionVersionArn"],
        "batchInferenceJobArn": job["batchInferenceJobArn"],
        "output": job["output"],
        "requests": job["requests"],
    }
