"""The forecasting pipeline: plan, ensure, load, train (algorithms side by side), compare, forecast, export, publish,
notify.

Each Lambda state runs the file of its name in lambdas/forecasting; each wait is a describe, a choice and a wait.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import Pipeline
from infra.pipeline import PipelineStack
from infra.rights import Right
from infra.schemas import FORECAST_DOMAINS
from infra.steps import State, chain, lambda_task, map_over, nothing_new, wait_for
from infra.storage import reading, writing

_ITEM = "{% $states.context.Map.Item.Value %}"


class Forecasting(PipelineStack):
    """The state machine, its steps, its trigger, and the Athena tables over what it exports."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Pipeline, **kwargs: Any) -> None:
        names = f"storecast_{config.identifier}"
        about = {"pipeline": "forecasting", "service": "forecast", "names": names, "config": config}
        super().__init__(scope, construct_id, **about, **kwargs)
        database, tables = self._tables()
        functions = self._functions(database, tables)
        self._run(
            self._steps(functions),
            functions,
            describes=[
                self._right(
                    "DescribeDatasetImportJob",
                    "DescribeAutoPredictor",
                    "DescribePredictor",
                    "DescribePredictorBacktestExportJob",
                    "DescribeForecast",
                    "DescribeForecastExportJob",
                )
            ],
            sweeping=[
                self._right("DeleteResourceTree", "StopResource"),
                self._listing("DatasetGroups", "Datasets", "Predictors", "Forecasts", "DatasetImportJobs"),
            ],
            by_the_clock=config.forecasting.schedule,
        )
        CfnOutput(self, "ForecastDatabase", value=database.ref, description="Athena: one table per kind of forecast")

    def _functions(self, database: glue.CfnDatabase, tables: list[glue.CfnTable]) -> dict[str, lambda_.CfnFunction]:
        data, results = self._storage.data_arn, self._storage.results_arn
        listing = self._listing(
            "DatasetGroups",
            "Datasets",
            "DatasetImportJobs",
            "Predictors",
            "Forecasts",
            "ForecastExportJobs",
            "PredictorBacktestExportJobs",
        )
        handing_over = self._handing_over(self._storage.forecast_role)
        catalog = [
            self.format_arn(service="glue", resource="catalog"),
            self.format_arn(service="glue", resource="database", resource_name=database.ref),
            *(
                self.format_arn(service="glue", resource="table", resource_name=f"{database.ref}/{table.ref}")
                for table in tables
            ),
        ]
        return {
            "plan": self._function(
                "plan",
                *reading(data, self._prefix),
                *reading(results, f"{self._prefix}newest.json"),
                self._listing("DatasetImportJobs"),
                self._right("ListTagsForResource"),
                timeout_seconds=300,
            ),
            "ensure": self._function(
                "ensure",
                listing,
                self._right(
                    "CreateDataset",
                    "DescribeDataset",
                    "CreateDatasetGroup",
                    "DescribeDatasetGroup",
                    "UpdateDatasetGroup",
                    "TagResource",
                    "DeleteResourceTree",
                    "DeleteDatasetImportJob",
                ),
            ),
            "load": self._function(
                "load",
                listing,
                handing_over,
                self._right("CreateDatasetImportJob", "TagResource"),
                reading(data, self._prefix)[0],
                *writing(results, f"{self._prefix}staged/"),
                timeout_seconds=900,
            ),
            "train": self._function(
                "train", listing, self._right("CreateAutoPredictor", "CreatePredictor", "TagResource")
            ),
            "compare": self._function("compare", self._right("GetAccuracyMetrics")),
            "forecast": self._function("forecast", listing, self._right("CreateForecast", "TagResource")),
            "export": self._function(
                "export",
                listing,
                handing_over,
                self._right("CreateForecastExportJob", "CreatePredictorBacktestExportJob", "TagResource"),
            ),
            "publish": self._function(
                "publish",
                *reading(data, f"{self._prefix}target/"),
                *reading(results, self._prefix),
                *writing(results, f"{self._prefix}newest.json", f"{self._prefix}report.html", f"{self._prefix}runs/"),
                Right(["glue:GetTable", "glue:CreatePartition"], catalog),
                timeout_seconds=600,
                memory_mb=1024,
            ),
        }

    def _steps(self, functions: dict[str, lambda_.CfnFunction]) -> State:
        storage, config = self._storage, self._config
        order = {
            "dataset": config.dataset,
            "config": config.forecasting.model_dump(mode="json", exclude={"schedule", "accuracy_floor"}),
            "domain": dict(zip(("item", "target"), FORECAST_DOMAINS[config.forecasting.domain], strict=True)),
            "execution": "{% $states.context.Execution.Id %}",
            "started": "{% $states.context.Execution.StartTime %}",
            "force": "{% $states.input.force = true %}",
            "dataBucket": storage.data.bucket_name,
            "resultsBucket": storage.results.bucket_name,
            "roleArn": storage.forecast_role.role_arn,
            "database": f"storecast_{config.identifier}",
        }
        load = chain(
            "Load",
            "Load",
            lambda_task("Load", functions["load"], next_state="Describe dataset import job"),
            wait_for("DatasetImportJob", service="forecast", arn="$states.input.importJobArn"),
        )
        train = chain(
            "Train",
            "Train",
            lambda_task("Train", functions["train"], next_state="Which training?"),
            {
                "Which training?": {
                    "Type": "Choice",
                    "Choices": [
                        {
                            "Condition": "{% $states.input.predictor.kind = 'auto_predictor' %}",
                            "Next": "Describe auto predictor",
                        }
                    ],
                    "Default": "Describe predictor",
                }
            },
            wait_for("AutoPredictor", service="forecast", arn="$states.input.predictorArn"),
            wait_for("Predictor", service="forecast", arn="$states.input.predictorArn"),
        )
        backtests = chain(
            "Backtests",
            "Export backtests",
            lambda_task(
                "Export backtests",
                functions["export"],
                next_state="Describe predictor backtest export job",
                payload={"export": "{% $states.input.backtests %}", "predictorArn": "{% $states.input.predictorArn %}"},
            ),
            wait_for("PredictorBacktestExportJob", service="forecast", arn="$states.input.exportJobArn"),
        )
        forecast = chain(
            "Forecast",
            "Forecast",
            lambda_task("Forecast", functions["forecast"], next_state="Describe forecast"),
            wait_for("Forecast", service="forecast", arn="$states.input.forecastArn", next_state="Export"),
            lambda_task("Export", functions["export"], next_state="Describe forecast export job"),
            wait_for("ForecastExportJob", service="forecast", arn="$states.input.exportJobArn"),
        )
        forecasts = chain(
            "Forecasts",
            "Forecasts",
            map_over(
                "Forecasts",
                "$states.input.forecasts",
                forecast,
                concurrency=3,
                selector={
                    "forecast": _ITEM,
                    "export": "{% $states.context.Map.Item.Value.export %}",
                    "predictorArn": "{% $states.input.servingArn %}",
                },
                output=_collected("forecasts", "$merge([$done.forecast, {'forecastArn': $done.forecastArn}])"),
            ),
        )
        return chain(
            "Pipeline",
            "Plan",
            lambda_task("Plan", functions["plan"], payload=order, next_state="Anything new?"),
            nothing_new(otherwise="Ensure"),
            lambda_task("Ensure", functions["ensure"], next_state="Import"),
            map_over("Import", "[$states.input.imports[changed]]", load, concurrency=3, next_state="Algorithms"),
            map_over(
                "Algorithms",
                "$states.input.predictors",
                train,
                concurrency=3,
                selector={"predictor": _ITEM, "groupArn": "{% $states.input.groupArn %}"},
                output=_collected(
                    "predictors", "{'algorithm': $done.predictor.algorithm, 'predictorArn': $done.predictorArn}"
                ),
                next_state="Compare",
            ),
            lambda_task("Compare", functions["compare"], next_state="Use the predictor"),
            {"Use the predictor": {"Type": "Parallel", "Branches": [forecasts, backtests], "Next": "Publish"}},
            lambda_task(
                "Publish",
                functions["publish"],
                payload="{% $states.input[0] %}",
                next_state="Notify",
                base="$states.input[0]",
            ),
            lambda_task(
                "Notify",
                self._operations.watch.notify,
                payload={
                    "pipeline": "forecasting",
                    "execution": "{% $states.context.Execution.Id %}",
                    "summary": "{% $states.input.summary %}",
                },
            ),
        )

    def _tables(self) -> tuple[glue.CfnDatabase, list[glue.CfnTable]]:
        """Athena reads each kind of forecast as a table, a partition per run. The service writes dates and keys in
        the order of the target's schema, then a column per forecast type."""
        forecasting, results = self._config.forecasting, self._storage.results.bucket_name
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=self.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(name=f"storecast_{self._config.identifier}"),
        )
        athena.CfnWorkGroup(
            self,
            "Queries",
            name=f"storecast-{self._config.dataset}",
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{results}/{self._prefix}queries/",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                ),
            ),
        )
        tables = []
        for name, types in forecasting.forecasts.items():
            columns = [
                (FORECAST_DOMAINS[forecasting.domain][0], "string"),
                *((d, "string") for d in forecasting.dimensions),
                ("date", "string"),
                *((quantile_column(q), "double") for q in types),
            ]
            tables.append(
                glue.CfnTable(
                    self,
                    f"Table{name.capitalize()}",
                    catalog_id=self.account,
                    database_name=database.ref,
                    table_input=glue.CfnTable.TableInputProperty(
                        name=name,
                        table_type="EXTERNAL_TABLE",
                        parameters={"skip.header.line.count": "1"},
                        partition_keys=[glue.CfnTable.ColumnProperty(name="run", type="string")],
                        storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                            columns=[glue.CfnTable.ColumnProperty(name=c, type=t) for c, t in columns],
                            location=f"s3://{results}/{self._prefix}exports/{name}/",
                            input_format="org.apache.hadoop.mapred.TextInputFormat",
                            output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                            serde_info=glue.CfnTable.SerdeInfoProperty(
                                serialization_library="org.apache.hadoop.hive.serde2.OpenCSVSerde"
                            ),
                        ),
                    ),
                )
            )
        return database, tables


def _collected(key: str, of_each: str) -> str:
    """The payload with what a Map brought under `key`: the JSONata expression `of_each` over each `$done`."""
    return f"{{% $merge([$states.input, {{'{key}': [$map($states.result, function($done) {{ {of_each} }})]}}]) %}}"


def quantile_column(quantile: str) -> str:
    """The column of a forecast type in exports: 0.1 -> p10, mean -> mean."""
    return quantile if quantile == "mean" else f"p{round(float(quantile) * 100):02d}"
