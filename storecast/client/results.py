"""What the runs published: the newest results, every run's summary, accuracy over time, and what serves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from storecast.client import files
from storecast.client.aws import Aws, NotThere, at_once
from storecast.client.model import Accuracy, Dataset, Pipeline, Scored, Serving


def newest(aws: Aws, dataset: Dataset, pipeline: Pipeline) -> dict[str, Any] | None:
    """newest.json: the summary of the run whose results are in use; None where no run has published."""
    found: dict[str, Any] | None = files.json_of(aws, dataset.results_bucket, f"{dataset.folder(pipeline)}newest.json")
    return found


def needed(aws: Aws, dataset: Dataset, pipeline: Pipeline) -> dict[str, Any]:
    """The same. Raises NotThere where no run has published."""
    if pipeline not in dataset.pipelines:
        raise NotThere(f"{dataset.name} has no {pipeline} pipeline", f"add the section {pipeline} to pipeline.yaml")
    if (found := newest(aws, dataset, pipeline)) is None:
        raise NotThere(
            f"{dataset.name}: no {pipeline} run has published results yet",
            f"upload files (storecast upload {dataset.name} FILES...), or see storecast runs {dataset.name}",
        )
    return found


def summary(aws: Aws, dataset: Dataset, pipeline: Pipeline, run: str) -> dict[str, Any] | None:
    """What a run published."""
    found: dict[str, Any] | None = files.json_of(
        aws, dataset.results_bucket, f"{dataset.folder(pipeline)}runs/{run}/summary.json"
    )
    return found


def runs(aws: Aws, dataset: Dataset, pipeline: Pipeline, most: int = 30) -> list[str]:
    """The ids of the newest runs that have a folder of results, the newest first."""
    return sorted(files.folders(aws, dataset.results_bucket, f"{dataset.folder(pipeline)}runs/"), reverse=True)[:most]


def report(dataset: Dataset, pipeline: Pipeline) -> tuple[str, str]:
    """Bucket and key of the newest report.html."""
    return dataset.results_bucket, f"{dataset.folder(pipeline)}report.html"


def history(aws: Aws, dataset: Dataset, pipeline: Pipeline, most: int = 30) -> list[Accuracy]:
    """How good each of the newest runs was, the oldest first."""
    found = at_once(lambda run: summary(aws, dataset, pipeline, run), runs(aws, dataset, pipeline, most))
    return sorted((accuracy(each) for each in found if each), key=lambda each: each.run)


def accuracy(published: Mapping[str, Any]) -> Accuracy:
    """How good the models of a run are, from its summary."""
    run = published["run"]
    if "recommenders" in published:
        board = [Scored(each["useCase"], each["metrics"]) for each in published["recommenders"]]
        board += [Scored(each["name"], each["metrics"]) for each in published["solutions"]]
        return Accuracy(run, moment(run), tuple(board))
    promotion = published.get("promotion")
    board = [
        Scored(
            row["algorithm"],
            {name: value for name, value in row.items() if isinstance(value, float)},
            bool(row.get("yardstick")),
        )
        for row in published["accuracy"]
    ]
    return Accuracy(
        run,
        moment(run),
        tuple(board),
        promoted=promotion["promoted"] if promotion else None,
        reason=promotion["reason"] if promotion else published["training"]["reason"],
        bias=published.get("bias"),
        measured=published.get("score", {}).get("measured", {}),
    )


def moment(run: str) -> datetime:
    """When a run started: 20261122T211700_abc."""
    return datetime.strptime(run[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def serving(aws: Aws, dataset: Dataset, pipeline: Pipeline, published: Mapping[str, Any] | None) -> list[Serving]:
    """What answers now, with the status that the service gives it; `published` is newest.json."""
    if published is None:
        return []
    run = published["run"]
    if pipeline == "forecasting":
        arn = published["predictorArn"]
        best: Mapping[str, Any] = next((row for row in published["accuracy"] if not row.get("yardstick")), {})
        metrics = {name: value for name, value in best.items() if isinstance(value, float)}
        promotion = published.get("promotion") or {}
        name = promotion.get("algorithm") or best.get("algorithm", "")
        return [Serving("predictor", name, arn, run, "ACTIVE", metrics)]
    personalize = aws.client("personalize")
    ours = f"storecast-{dataset.name}-"
    status = {
        each[f"{kind}Arn"]: each["status"]
        for kind in ("recommender", "campaign")
        for page in personalize.get_paginator(f"list_{kind}s").paginate()
        for each in page[f"{kind}s"]
        if each["name"].startswith(ours)
    }
    found = [
        Serving("recommender", each["useCase"], each["recommenderArn"], run, "", each["metrics"])
        for each in published["recommenders"]
    ]
    found += [
        Serving("campaign", each["name"], each["campaignArn"], run, "", each["metrics"])
        for each in published["solutions"]
        if "campaignArn" in each
    ]
    return [
        Serving(each.kind, each.name, each.arn, each.run, status.get(each.arn, "missing"), each.metrics)
        for each in found
    ]
