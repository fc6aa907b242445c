"""What costs money now: what is on by the hour, and what the last run used. Prices are not known here: the estimate of
`storecast cost` has them."""

from __future__ import annotations

import re
from typing import Any

from storecast.client import results
from storecast.client.aws import Aws
from storecast.client.model import CostDriver, Dataset


def drivers(aws: Aws, dataset: Dataset) -> list[CostDriver]:
    """What is on, and what each run adds, the dearest kinds first."""
    found: list[CostDriver] = []
    if "recommending" in dataset.pipelines:
        found += _recommending(aws, dataset)
    if "NotebookInstances" in dataset.outputs:
        found += _notebooks(aws, dataset.outputs["NotebookInstances"].split(","))
    if "forecasting" in dataset.pipelines and (newest := results.newest(aws, dataset, "forecasting")):
        found.append(_points(newest))
    return found


def _recommending(aws: Aws, dataset: Dataset) -> list[CostDriver]:
    personalize, ours = aws.client("personalize"), f"storecast-{dataset.name}-"

    def on(kind: str) -> list[str]:
        pages = personalize.get_paginator(f"list_{kind}s").paginate()
        return [
            re.sub(r"-[0-9a-f]{8}$", "", each["name"].removeprefix(ours))
            for page in pages
            for each in page[f"{kind}s"]
            if each["name"].startswith(ours) and each["status"] == "ACTIVE"
        ]

    found = [(kind, on(kind)) for kind in ("recommender", "campaign")]
    return [
        CostDriver(f"{kind}s ACTIVE", len(names), "per hour each", ", ".join(names)) for kind, names in found if names
    ]


def _notebooks(aws: Aws, names: list[str]) -> list[CostDriver]:
    sagemaker = aws.client("sagemaker")
    status = [sagemaker.describe_notebook_instance(NotebookInstanceName=name) for name in names]
    on = [each["NotebookInstanceName"] for each in status if each["NotebookInstanceStatus"] == "InService"]
    return [CostDriver("notebooks InService", len(on), "per hour each", ", ".join(on))] if on else []


def _points(newest: dict[str, Any]) -> CostDriver:
    """As the run's own metric counts them (lambdas/operations/figures.py); the engine `storecast`, which names its
    predictors by their folders, costs the time of a job."""
    if newest["predictorArn"].startswith("s3://"):
        detail = f"{newest['items']:,} series x {newest['horizon']} steps"
        return CostDriver("forecasting job of AWS Glue", 1, "per run", detail)
    kinds = [len(made["types"]) for made in newest["forecasts"].values()]
    types = sum(kinds) + kinds[0] * len(newest["whatIf"])
    points = newest["items"] * newest["horizon"] * types
    detail = f"{newest['items']:,} series x {newest['horizon']} steps x {types} types"
    return CostDriver("forecast points", points, "per run", detail)
