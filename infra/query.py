"""What answers an application's question for the forecast of one item: a function over the published files.

No database is kept in step with the forecasts and nothing runs while nobody asks: a question costs a function of 512 MB
for some 50 ms and two or three requests to S3.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from infra.functions import Toolbox, lambda_function
from infra.permissions import Permission
from infra.storage import Storage

# Of a dataset's folder: what serves, the index of each run, and the files that it points into.
_READ = ("newest.json", "runs/*/lookup/*", "tables/*")


def forecast_query(
    stack: Stack,
    toolbox: Toolbox,
    group: logs.CfnLogGroup,
    storage: Storage,
    folder: str,
    files: str = "exports/*",
) -> lambda_.CfnFunction:
    """The function `query`, which reads the forecasts below the results' `folder`, where `files` are the engine's, and
    can do nothing else."""
    made = lambda_function(
        stack,
        toolbox,
        group,
        "forecasting/query",
        permissions=[
            Permission(
                ["s3:GetObject"],
                [f"{storage.results_arn}/{folder}{name}" for name in (*_READ, files)],
                "published forecasts and their indexes: their names come at run time",
            )
        ],
        environment={"RESULTS_BUCKET": storage.results.bucket_name, "FOLDER": folder},
        timeout_seconds=10,
        memory_mb=512,  # Lambda gives CPU by memory, and most of an answer's time is signing, TLS and parsing
    )
    CfnOutput(stack, "ForecastQuery", value=made.ref, description="Invoke it for the forecast of one item")
    return made
