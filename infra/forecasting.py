"""The forecasting pipeline over Amazon Forecast: its stack, and what each of its steps may do."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from forecasting.config import Config, DomainColumns
from forecasting.payload import PlanRequest
from infra.config import Pipeline
from infra.config.forecast import FORECAST_DOMAINS
from infra.config.forecasting import Forecasting as Section
from infra.expressions import configured, record
from infra.forecasting_states import pipeline
from infra.importing import quarantining
from infra.operations import Operations
from infra.permissions import Permission
from infra.pipeline import PipelineStack, check_settings
from infra.query import forecast_query
from infra.steps import State
from infra.storage import Storage, reading, reading_versions, writing
from infra.tables import forecast_tables

# What a clean-up lists of Forecast to stop it, beside predictors and forecasts.
FORECAST_JOBS = ("PredictorBacktestExportJobs", "ForecastExportJobs", "Explainabilities", "ExplainabilityExports")
_PUBLISHED = ("newest.json", "report.html", "scores.json", "runs/", "tables/")


class Forecasting(PipelineStack):
    """The state machine, its steps, its trigger, and the Athena tables over what it exports."""

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
        names = f"storecast_{config.identifier}"
        super().__init__(
            scope,
            construct_id,
            pipeline="forecasting",
            service="forecast",
            names=names,
            config=config,
            operations=operations,
            storage=storage,
        )
        self._section = section
        database, tables = forecast_tables(
            self, config, section, self._storage.results.bucket_name, self._prefix, self._key
        )
        functions = self._functions(database, tables)
        self._run(
            pipeline(
                section,
                plan_request(section, config, self._plan_basics(storage.forecast_role)),
                functions,
                operations.watch.notify,
            ),
            functions,
            describes=[
                self._permission(
                    "DescribeDatasetImportJob",
                    "DescribeAutoPredictor",
                    "DescribePredictor",
                    "DescribePredictorBacktestExportJob",
                    "DescribeForecast",
                    "DescribeForecastExportJob",
                    *(f"Describe{kind}" for kind in self._extras()),
                )
            ],
            sweeping=[
                self._permission("DeleteResourceTree", "StopResource"),
                self._listing(
                    "DatasetGroups", "Datasets", "Predictors", "Forecasts", "DatasetImportJobs", *FORECAST_JOBS
                ),
            ],
            by_the_clock=section.schedule,
        )
        if section.query:
            forecast_query(self, operations.toolbox, self._group, storage, self._prefix)
        CfnOutput(self, "ForecastDatabase", value=database.ref, description="Athena: one table per kind of forecast")

    def _functions(self, database: glue.CfnDatabase, tables: list[glue.CfnTable]) -> dict[str, lambda_.CfnFunction]:
        data, results = self._storage.data_arn, self._storage.results_arn
        extras = self._extras()
        exports = {kind: plural for kind, plural in extras.items() if kind.endswith("Export")}
        forecasted = {
            kind: extras[kind] for kind in ("WhatIfAnalysis", "WhatIfForecast", "Explainability") if kind in extras
        }
        what_if_forecasts = [plural for kind, plural in extras.items() if kind == "WhatIfForecast"]
        handing_over = self._handing_over(self._storage.forecast_role)
        encrypting = handing_over if self._key else []  # with a key goes the role that may use it
        return {
            "plan": self._function(
                "plan",
                *self._planning(),
                *writing(results, f"{self._prefix}staged/"),
                timeout_seconds=900,
                memory_mb=1769,
            ),
            "ensure": self._function(
                "ensure",
                *self._making({"Dataset": "Datasets", "DatasetGroup": "DatasetGroups"}),
                self._listing("DatasetImportJobs", "Predictors", "Forecasts"),
                *encrypting,
                self._permission(
                    "DescribeDataset",
                    "DescribeDatasetGroup",
                    "UpdateDatasetGroup",
                    "DeleteResourceTree",
                    "DeleteDatasetImportJob",
                ),
            ),
            "load": self._function(
                "load",
                *self._making({"DatasetImportJob": "DatasetImportJobs"}),
                *handing_over,
                *quarantining(data, self._prefix),
                *reading_versions(data, self._prefix),
                reading(results, f"{self._prefix}staged/")[0],
                *writing(results, f"{self._prefix}staged/"),
                timeout_seconds=900,
                memory_mb=1024,
            ),
            "train": self._function(
                "train",
                *self._making({"Predictor": "Predictors"}),
                Permission(
                    ["forecast:CreateAutoPredictor"],
                    ["*"],
                    "IAM knows no resources of this action",
                    {"StringEquals": {f"aws:RequestTag/{name}": value for name, value in self._config.tags.items()}},
                ),
                *encrypting,
            ),
            "compare": self._function(
                "compare",
                self._permission("GetAccuracyMetrics"),
                *reading_versions(data, f"{self._prefix}target/"),
                *reading(results, self._prefix),  # exports, and the copies that tables read
                timeout_seconds=600,
                memory_mb=1024,
            ),
            "forecast": self._function("forecast", *self._making({"Forecast": "Forecasts"} | forecasted)),
            "export": self._function(
                "export",
                *self._making(
                    {
                        "ForecastExportJob": "ForecastExportJobs",
                        "PredictorBacktestExportJob": "PredictorBacktestExportJobs",
                    }
                    | exports
                ),
                *handing_over,
            ),
            "publish": self._function(
                "publish",
                *reading_versions(data, self._prefix),
                *reading(results, self._prefix),
                *writing(
                    results,
                    *(f"{self._prefix}{name}" for name in _PUBLISHED),
                ),
                Permission(["glue:GetTable", "glue:CreatePartition"], catalog(self, database, tables)),
                self._listing("DatasetImportJobs", "Predictors", "Forecasts", *what_if_forecasts),
                timeout_seconds=600,
                memory_mb=1024,
            ),
        }

    def _extras(self) -> dict[str, str]:
        """The kinds of resources beside those that every run makes, and their plurals."""
        what_if = {
            "WhatIfAnalysis": "WhatIfAnalyses",
            "WhatIfForecast": "WhatIfForecasts",
            "WhatIfForecastExport": "WhatIfForecastExports",
        }
        explained = {"Explainability": "Explainabilities", "ExplainabilityExport": "ExplainabilityExports"}
        config = self._section
        return (what_if if config.what_if else {}) | (explained if config.explainability else {})


def plan_request(section: Section, config: Pipeline, basics: State) -> State:
    """What Plan works from, whatever the engine."""
    item, target = FORECAST_DOMAINS[section.domain]
    return record(
        PlanRequest,
        **basics,
        config=check_settings("forecasting", configured(Config, section)),
        domain=record(DomainColumns, item=item, target=target),
        database=f"storecast_{config.identifier}",
    )


def catalog(stack: Stack, database: glue.CfnDatabase, tables: list[glue.CfnTable]) -> list[str]:
    """The ARNs of the tables, and of what they are in."""
    return [
        stack.format_arn(service="glue", resource="catalog"),
        stack.format_arn(service="glue", resource="database", resource_name=database.ref),
        *(
            stack.format_arn(service="glue", resource="table", resource_name=f"{database.ref}/{table.ref}")
            for table in tables
        ),
    ]
