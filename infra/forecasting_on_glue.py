"""The forecasting pipeline whose engine is storecast: its stack, and what each of its steps may do. Nothing of Amazon
Forecast is in it."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput
from aws_cdk import aws_glue as glue
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import Pipeline
from infra.config.forecasting import Forecasting as Section
from infra.config.forecasting import Glue
from infra.forecasting import catalog, plan_request
from infra.forecasting_job_states import pipeline
from infra.glue_job import ForecastingJob
from infra.operations import Operations
from infra.permissions import Permission
from infra.pipeline import PipelineStack
from infra.query import forecast_query
from infra.storage import Storage, reading, reading_versions, writing
from infra.tables import forecast_tables

_PUBLISHED = ("newest.json", "report.html", "scores.json", "runs/", "tables/")
# docs/aws-sources.md#step-functions-connect-glue
_OF_RUNS = ("glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun")


class ForecastingOnGlue(PipelineStack):
    """The state machine, its steps, its trigger, the Glue job, and the Athena tables over what that writes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Pipeline,
        section: Section,
        operations: Operations,
        storage: Storage,
    ) -> None:
        super().__init__(
            scope, construct_id, pipeline="forecasting", config=config, operations=operations, storage=storage
        )
        database, tables = forecast_tables(
            self, config, section, self._storage.results.bucket_name, self._prefix, self._key
        )
        job = ForecastingJob(
            self, "ForecastingJob", config=config, section=section.glue or Glue(), storage=storage, key=self._key
        )
        functions = self._functions(database, tables)
        self._run(
            pipeline(plan_request(section, config, self._plan_basics()), job.name, functions, operations.watch.notify),
            functions,
            describes=[Permission(_OF_RUNS, [job.arn])],
            sweeping=[],
            by_the_clock=section.schedule,
        )
        if section.query:
            forecast_query(self, operations.toolbox, self._group, storage, self._prefix, "jobs/*/forecast/*")
        CfnOutput(self, "ForecastDatabase", value=database.ref, description="Athena: one table per kind of forecast")

    def _functions(self, database: glue.CfnDatabase, tables: list[glue.CfnTable]) -> dict[str, lambda_.CfnFunction]:
        data, results = self._storage.data_arn, self._storage.results_arn
        staged, jobs = f"{self._prefix}staged/", f"{self._prefix}jobs/"
        large: dict[str, Any] = {"timeout_seconds": 600, "memory_mb": 1024}
        return {
            "plan": self._function(
                "plan", *self._checking(), *writing(results, staged), timeout_seconds=900, memory_mb=1769
            ),
            "load": self._function(
                "load",
                *reading_versions(data, self._prefix),
                reading(results, staged)[0],
                *writing(results, staged),
                timeout_seconds=900,
                memory_mb=1024,
            ),
            "compare": self._function(
                "compare", *reading_versions(data, f"{self._prefix}target/"), *reading(results, self._prefix), **large
            ),
            "publish": self._function(
                "publish",
                *reading_versions(data, self._prefix),
                *reading(results, self._prefix),
                *writing(results, *(f"{self._prefix}{name}" for name in _PUBLISHED)),
                Permission(
                    ["s3:DeleteObject"], [f"{results}/{jobs}*"], "predictors of old runs: their names are theirs"
                ),
                Permission(["glue:GetTable", "glue:CreatePartition"], catalog(self, database, tables)),
                **large,
            ),
        }
