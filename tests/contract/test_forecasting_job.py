"""The forecasting job on the embedded AWS: the script that Glue runs, on files in S3, under a role that may no more."""

import io
import json
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest

from localaws.settings import Settings
from storecast_engines.distributed import Request, Result, Source
from storecast_engines.forecasting.algorithms import ALGORITHMS
from storecast_engines.forecasting.panel import build_panel
from tests.contract.helpers import SPARK_SECONDS, eventually, files, put_csv, role, statement, unique

SCRIPT = Path(__file__).parents[2] / "infra" / "glue" / "forecast_job.py"
LEVELS = (0.1, 0.5, 0.9)


def sales() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    days = pd.date_range("2024-01-01", periods=60)
    rows = [pd.DataFrame({"item_id": f"i{at}", "timestamp": days, "demand": rng.poisson(9, 60)}) for at in range(6)]
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="module")
def place(embedded_aws: Settings) -> str:
    """A bucket with the script and two files, one of them bad."""
    name = unique("forecasting-job").replace("_", "-")
    boto3.client("s3").create_bucket(Bucket=name)
    boto3.client("s3").upload_file(str(SCRIPT), name, "job/forecast_job.py")
    put_csv(name, "data/target/a.csv", sales())
    boto3.client("s3").put_object(Bucket=name, Key="data/target/b.csv", Body=b"i0,2024-02-01,many\n")
    return name


def ran(place: str, run: str, *writing: str) -> dict:
    """The end of a run whose role may write below these prefixes."""
    request = Request(
        output=f"s3://{place}/results/{run}",
        name=run,
        item="item_id",
        value="demand",
        frequency="D",
        horizon=7,
        types=["mean", *map(str, LEVELS)],
        target=Source(
            [f"s3://{place}/data/target/{name}.csv" for name in "ab"],
            {"item_id": "string", "timestamp": "timestamp", "demand": "float"},
            "yyyy-MM-dd",
        ),
        algorithms=["NPTS"],
        sample=4,
    )
    s3, glue = boto3.client("s3"), boto3.client("glue")
    s3.put_object(Bucket=place, Key=f"job/{run}.json", Body=request.to_json().encode())
    bucket = f"arn:aws:s3:::{place}"
    may_write = [statement("s3:PutObject", on=[f"{bucket}/{prefix}*" for prefix in writing])] if writing else []
    may = role(
        "glue",
        statement("s3:GetObject", on=[f"{bucket}/job/*", f"{bucket}/data/*"]),
        statement("s3:ListBucket", on=bucket, Condition={"StringLike": {"s3:prefix": f"results/{run}*"}}),
        statement("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        *may_write,
    )
    name = unique("forecasting")
    command = {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": f"s3://{place}/job/forecast_job.py"}
    capacity: dict[str, Any] = {"GlueVersion": "5.0", "WorkerType": "G.1X", "NumberOfWorkers": 2}
    arguments = {"--request": f"s3://{place}/job/{run}.json"}
    glue.create_job(Name=name, Role=may, Command=command, DefaultArguments=arguments, **capacity)
    started = glue.start_job_run(JobName=name)["JobRunId"]
    return eventually(
        lambda: glue.get_job_run(JobName=name, RunId=started)["JobRun"],
        lambda found: found["JobRunState"] in ("SUCCEEDED", "FAILED"),
        SPARK_SECONDS,
    )


def test_the_job_reads_and_writes_s3_and_reports(place: str) -> None:
    run = ran(place, "first", "results/first/")
    assert run["JobRunState"] == "SUCCEEDED", run["ErrorMessage"]
    s3 = boto3.client("s3")
    written = [each["Key"] for each in s3.list_objects_v2(Bucket=place, Prefix="results/first/")["Contents"]]
    assert "results/first/predictor/weights/part000000.parquet" in written
    result = Result.from_json(files(place, "results/first/result")[".json"])
    assert result.series == 6 and [each["file"] for each in result.quarantined] == [f"s3://{place}/data/target/b.csv"]
    panel = build_panel(sales(), None, None, item_key="item_id", target_name="demand", freq="D", horizon=7)
    expected = ALGORITHMS["NPTS"](panel, 7, LEVELS)
    parts = files(place, "results/first/forecast/")
    assert len(parts) > 1  # the sample's, written by the driver, and those of executors
    found = pd.concat([pd.read_csv(io.StringIO(text)) for text in parts.values()])
    found = found.sort_values(["item_id", "date"])
    assert found["mean"].to_numpy() == pytest.approx(expected.mean.ravel())
    assert found["p90"].to_numpy() == pytest.approx(expected.quantiles[:, :, 2].ravel())
    assert json.loads(files(place, "results/first/predictor/predictor")[".json"])["version"] == 1
    log = boto3.client("logs").get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run["Id"])
    lines = [event["message"] for event in log["events"]]
    assert any(line.startswith("left out: ") and "'many'" in line for line in lines), lines
    assert any(line.startswith("local: done in") for line in lines)


def test_a_role_that_may_not_write_the_results_fails_the_job_with_what_it_lacks(place: str) -> None:
    run = ran(place, "second", "results/elsewhere/")
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith(f"JobFailed: s3:PutObject on s3://{place}/results/second/"), run
    assert "AccessDenied" in run["ErrorMessage"]
