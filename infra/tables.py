"""What Athena reads: each kind of forecast as a table, a partition per run."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue

from infra.config import Pipeline
from infra.config.forecast import FORECAST_DOMAINS
from infra.config.forecasting import Forecasting


def forecast_tables(
    scope: Stack, config: Pipeline, section: Forecasting, results: str, prefix: str, key: str | None
) -> tuple[glue.CfnDatabase, list[glue.CfnTable]]:
    """A database, a work group for queries, and a table per kind of forecast over the bucket `results`.

    The tables know the files' columns by their places. The service writes the item, the date, the dimensions, then the
    quantiles from low to high (recorded; the mean before them, as in backtests). Publish rewrites files that differ.
    """
    database = glue.CfnDatabase(
        scope,
        "Database",
        catalog_id=scope.account,
        database_input=glue.CfnDatabase.DatabaseInputProperty(name=f"storecast_{config.identifier}"),
    )
    athena.CfnWorkGroup(
        scope,
        "Queries",
        name=f"storecast-{config.dataset}",
        recursive_delete_option=True,
        work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
            enforce_work_group_configuration=True,
            publish_cloud_watch_metrics_enabled=True,
            result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                output_location=f"s3://{results}/{prefix}queries/",
                encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                    encryption_option="SSE_KMS" if key else "SSE_S3", kms_key=key
                ),
            ),
        ),
    )
    tables = []
    for name in section.forecasts:
        tables.append(
            glue.CfnTable(
                scope,
                f"Table{name.capitalize()}",
                catalog_id=scope.account,
                database_name=database.ref,
                table_input=glue.CfnTable.TableInputProperty(
                    name=name,
                    table_type="EXTERNAL_TABLE",
                    parameters={"skip.header.line.count": "1"},
                    partition_keys=[glue.CfnTable.ColumnProperty(name="run", type="string")],
                    storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                        columns=[glue.CfnTable.ColumnProperty(name=c, type=t) for c, t in columns(section, name)],
                        location=f"s3://{results}/{prefix}exports/{name}/",
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


def columns(section: Forecasting, name: str) -> list[tuple[str, str]]:
    """Of the table of a kind of forecast, with their types in Athena."""
    return [
        (FORECAST_DOMAINS[section.domain][0], "string"),
        ("date", "string"),
        *((d, "string") for d in section.dimensions),
        *((quantile_column(q), "double") for q in sorted(section.forecasts[name], key=_place)),
    ]


def _place(quantile: str) -> float:
    return -1.0 if quantile == "mean" else float(quantile)


def quantile_column(quantile: str) -> str:
    """The column of a forecast type in exports: 0.1 -> p10, mean -> mean."""
    return quantile if quantile == "mean" else f"p{round(float(quantile) * 100):02d}"
