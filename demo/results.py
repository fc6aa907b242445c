"""What the pipelines left in the results bucket, read as any customer would read it: boto3 and the files themselves."""

import csv
import io
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3

YARDSTICK = "yardstick"


@dataclass(frozen=True)
class Results:
    """The newest results of both pipelines; a pipeline that the dataset has not is None."""

    forecasting: dict | None
    recommending: dict | None
    recommendations: dict | None


def load(bucket: str, dataset: str, out: Path) -> Results:
    """The newest pointers; the reports go to `out` as <pipeline>.html."""
    s3 = boto3.client("s3")

    def newest(pipeline: str) -> dict | None:
        try:
            body = s3.get_object(Bucket=bucket, Key=f"{pipeline}/{dataset}/newest.json")["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        s3.download_file(bucket, f"{pipeline}/{dataset}/report.html", str(out / f"{pipeline}.html"))
        return json.loads(body)

    recommending = newest("recommending")
    lists = json.loads(_body(s3, recommending["recommendations"])) if recommending else None
    return Results(newest("forecasting"), recommending, lists)


def _body(s3: Any, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def size(forecasting: dict) -> tuple[int, int]:
    """(items, time steps) that were forecast, counted in the exported files of the first kind of forecast."""
    s3 = boto3.client("s3")
    bucket, _, prefix = next(iter(forecasting["forecasts"].values()))["exports"].removeprefix("s3://").partition("/")
    items, dates = set(), set()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", []):
            for row in csv.DictReader(io.StringIO(_body(s3, f"s3://{bucket}/{each['Key']}").decode())):
                items.add(row[next(iter(row))])
                dates.add(row["date"])
    return len(items), len(dates)


def jobs_at_work(begin: datetime, end: datetime) -> float:
    """Seconds between two moments in which a job of any service ran (or was queued for a core)."""
    forecast, personalize = boto3.client("forecast"), boto3.client("personalize")
    jobs = [
        *forecast.list_dataset_import_jobs()["DatasetImportJobs"],
        *forecast.list_predictors()["Predictors"],
        *forecast.list_forecasts()["Forecasts"],
        *forecast.list_forecast_export_jobs()["ForecastExportJobs"],
        *forecast.list_predictor_backtest_export_jobs()["PredictorBacktestExportJobs"],
    ]
    spans = [(job["CreationTime"], job["LastModificationTime"]) for job in jobs]
    jobs = [
        *personalize.list_dataset_import_jobs()["datasetImportJobs"],
        *personalize.list_recommenders()["recommenders"],
        *personalize.list_solution_versions()["solutionVersions"],
    ]
    spans += [(job["creationDateTime"], job["lastUpdatedDateTime"]) for job in jobs]
    glue = boto3.client("glue")
    for job in glue.get_jobs()["Jobs"]:
        runs = glue.get_job_runs(JobName=job["Name"])["JobRuns"]
        spans += [(run["StartedOn"], run.get("CompletedOn", end)) for run in runs]
    busy, reached = 0.0, begin
    for start, stop in sorted(spans):
        start, stop = max(start, reached), min(stop, end)
        busy += max(0.0, (stop - start).total_seconds())
        reached = max(reached, stop)
    return busy


def ahead(forecasting: dict, item_key: str, item: str) -> dict[str, list[dict]]:
    """The forecast of one item by forecast type (p10, p50, ...), from QueryForecast, or from the files of our own
    engine."""
    query = boto3.client("forecastquery")
    predictions: dict[str, list[dict]] = {}
    for made in forecasting["forecasts"].values():
        if not made["forecastArn"].startswith("arn:"):
            predictions |= _in_files(made["exports"], item_key, item)
            continue
        answer = query.query_forecast(ForecastArn=made["forecastArn"], Filters={item_key: item})
        predictions |= answer["Forecast"]["Predictions"]
    return predictions


def _in_files(exports: str, item_key: str, item: str) -> dict[str, list[dict]]:
    """The same as QueryForecast answers, of an item that has one series."""
    s3, (bucket, _, prefix) = boto3.client("s3"), exports.removeprefix("s3://").partition("/")
    found: dict[str, list[dict]] = defaultdict(list)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", []):
            for row in csv.DictReader(io.StringIO(_body(s3, f"s3://{bucket}/{each['Key']}").decode())):
                if row[item_key].lower() == item.lower():
                    for kind in row.keys() & {"mean", *(f"p{at:02d}" for at in range(1, 100))}:
                        found[kind].append({"Timestamp": row["date"], "Value": float(row[kind])})
    return {kind: sorted(steps, key=lambda step: step["Timestamp"]) for kind, steps in found.items()}


def past(folder: Path, dataset: str) -> dict[str, dict[str, float]]:
    """Demand by item and day, from the target files that were uploaded: item id, timestamp, ..., value."""
    demand: dict[str, dict[str, float]] = defaultdict(dict)
    for path in sorted((folder / "forecasting" / dataset / "target").glob("*.csv")):
        with path.open(newline="") as file:
            for row in csv.reader(file):
                demand[row[0]][row[1][:10]] = demand[row[0]].get(row[1][:10], 0.0) + float(row[-1])
    return demand


def actuals(folder: Path) -> dict[str, dict[str, float]]:
    """What really happened in the forecast's time, where the dataset holds it back (actuals.csv)."""
    path = folder / "actuals.csv"
    found: dict[str, dict[str, float]] = defaultdict(dict)
    if path.exists():
        with path.open(newline="") as file:
            rows = csv.reader(file)
            next(rows)
            for row in rows:
                found[row[0]][row[1][:10]] = float(row[-1])
    return found
