#!/usr/bin/env python3
"""The CDK entry: one dataset's config in, its stacks out. `cdk deploy --all -c dataset=NAME`."""

import os
from pathlib import Path

from aws_cdk import App, Tags
from aws_cdk import aws_iam as iam

from infra import checks, config, regions
from infra.forecasting import Forecasting
from infra.forecasting_on_glue import ForecastingOnGlue
from infra.operations import Operations
from infra.recommending import Recommending
from infra.storage import Storage
from infra.workshop import Workshop


def settings_of(app: App) -> config.Pipeline:
    """The config of the dataset that context `dataset` names.

    Context `learners` says how many the workshop is for, and context `engine` what forecasts, whatever the config says.
    """
    dataset = app.node.try_get_context("dataset") or "grocery"
    learners, engine = (app.node.try_get_context(name) for name in ("learners", "engine"))
    return config.of_dataset(Path(__file__).parent / "data", dataset, learners, engine)


def build(app: App, settings: config.Pipeline) -> None:
    """The stacks of a dataset."""
    operations = Operations(app, f"storecast-{settings.dataset}-operations", config=settings)
    storage = Storage(app, f"storecast-{settings.dataset}-storage", config=settings, operations=operations)
    if settings.forecasting:
        engine = ForecastingOnGlue if settings.forecasting.engine == "storecast" else Forecasting
        engine(
            app,
            f"storecast-{settings.dataset}-forecasting",
            config=settings,
            section=settings.forecasting,
            operations=operations,
            storage=storage,
        )
    if settings.recommending:
        Recommending(
            app,
            f"storecast-{settings.dataset}-recommending",
            config=settings,
            section=settings.recommending,
            operations=operations,
            storage=storage,
        )
    Workshop(app, f"storecast-{settings.dataset}-workshop", config=settings, operations=operations, storage=storage)
    for name, value in settings.tags.items():
        Tags.of(app).add(name, value)
    if settings.permissions_boundary:
        boundary = iam.ManagedPolicy.from_managed_policy_arn(operations, "Boundary", settings.permissions_boundary)
        iam.PermissionsBoundary.of(app).apply(boundary)


if __name__ == "__main__":
    storecast = App()
    checks.check(storecast)
    try:
        settings = settings_of(storecast)
        regions.check(
            settings, os.environ.get("CDK_DEFAULT_REGION")
        )  # set by the CDK CLI, from the credentials' region
        build(storecast, settings)
    except config.ConfigError as error:
        raise SystemExit(str(error)) from None
    storecast.synth()
