"""How long a million rows take to import into the embedded Forecast, and one item's forecast to query."""

import argparse
import io
import statistics
import time
from dataclasses import dataclass
from typing import Any

import boto3
import numpy as np
import pandas as pd

from benchmarks.embedded import BUCKET, ROLE, active, cpu_seconds, embedded_aws, make_bucket_and_role
from storecast_engines.files import Layout, time_series
from storecast_engines.files.statistics import Statistics

DAYS, HORIZON = 1000, 28
COLUMNS = {"item_id": "string", "timestamp": "timestamp", "demand": "float"}


@dataclass(frozen=True)
class Reading:
    seconds: float
    cpu_seconds: float


def sales(items: int, days: int = DAYS) -> bytes:
    """A CSV file of daily Poisson demand."""
    rng = np.random.default_rng(5)
    rows = pd.DataFrame(
        {
            "item_id": np.repeat([f"item{at:05d}" for at in range(items)], days),
            "timestamp": np.tile(pd.date_range("2022-01-01", periods=days).strftime("%Y-%m-%d"), items),
            "demand": rng.poisson(5, items * days),
        }
    )
    return rows.to_csv(index=False, header=False).encode()


def read(body: bytes) -> Reading:
    """Reading, checking, counting and keeping the file, as the import's process does it."""
    layout = Layout(COLUMNS, "yyyy-MM-dd", ["item_id"], "demand")
    began, used = time.perf_counter(), time.process_time()
    frame = time_series.read_csv("sales.csv", body, layout)
    time_series.below_zero("sales.csv", frame["demand"])
    Statistics().add(frame)
    frame.to_parquet(io.BytesIO(), index=False)
    return Reading(time.perf_counter() - began, time.process_time() - used)


def imported_group(forecast: Any, body: bytes, name: str) -> tuple[str, float]:
    """A dataset group with the file imported, and how many seconds the import took, its request included."""
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{name}/sales.csv", Body=body)
    dataset = forecast.create_dataset(
        DatasetName=name,
        Domain="RETAIL",
        DatasetType="TARGET_TIME_SERIES",
        DataFrequency="D",
        Schema={"Attributes": [{"AttributeName": name, "AttributeType": kind} for name, kind in COLUMNS.items()]},
    )["DatasetArn"]
    began = time.perf_counter()
    job = forecast.create_dataset_import_job(
        DatasetImportJobName=name,
        DatasetArn=dataset,
        DataSource={"S3Config": {"Path": f"s3://{BUCKET}/{name}/", "RoleArn": ROLE}},
        TimestampFormat="yyyy-MM-dd",
    )["DatasetImportJobArn"]
    active(lambda: forecast.describe_dataset_import_job(DatasetImportJobArn=job))
    seconds = time.perf_counter() - began
    group = forecast.create_dataset_group(DatasetGroupName=name, Domain="RETAIL", DatasetArns=[dataset])
    return group["DatasetGroupArn"], seconds


def forecast_of(forecast: Any, group: str) -> str:
    predictor = forecast.create_predictor(
        PredictorName="npts",
        AlgorithmArn="arn:aws:forecast:::algorithm/NPTS",
        ForecastHorizon=HORIZON,
        InputDataConfig={"DatasetGroupArn": group},
        FeaturizationConfig={"ForecastFrequency": "D"},
    )["PredictorArn"]
    active(lambda: forecast.describe_predictor(PredictorArn=predictor))
    arn = forecast.create_forecast(ForecastName="npts", PredictorArn=predictor)["ForecastArn"]
    active(lambda: forecast.describe_forecast(ForecastArn=arn))
    return arn


def query_readings(arn: str, items: int, queries: int, server: int) -> tuple[list[float], float]:
    """Seconds of each query over HTTPS, by boto3, one after the other, and the server's CPU seconds of all.

    Items come in random order; the first query, which loads the forecast, is left out.
    """
    client = boto3.client("forecastquery")
    filters = [{"item_id": f"item{at:05d}"} for at in np.random.default_rng(1).integers(items, size=queries)]
    client.query_forecast(ForecastArn=arn, Filters=filters[0])
    seconds, used = [], cpu_seconds(server)
    for each in filters:
        began = time.perf_counter()
        client.query_forecast(ForecastArn=arn, Filters=each)
        seconds.append(time.perf_counter() - began)
    return seconds, cpu_seconds(server) - used


def measure_service(body: bytes, items: int, queries: int, server: int) -> None:
    make_bucket_and_role()
    forecast = boto3.client("forecast")
    _, seconds = imported_group(forecast, body, "large")
    print(f"import job from request to ACTIVE: {seconds:.1f} s")
    group, _ = imported_group(forecast, sales(items, 120), "queried")
    times, used = query_readings(forecast_of(forecast, group), items, queries, server)
    median, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"QueryForecast, {items} items: median {median * 1e3:.1f} ms, 95th percentile {high * 1e3:.1f} ms")
    print(f"CPU of the embedded AWS: {used / queries * 1e3:.1f} ms per query")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=1000, help="in the forecast that is queried")
    parser.add_argument("--queries", type=int, default=500)
    given = parser.parse_args(arguments)
    body = sales(given.rows // DAYS)
    reading = read(body)
    print(f"{given.rows:,} rows ({len(body) / 1e6:.0f} MB): read, checked, counted and kept in {reading.seconds:.1f} s")
    print(f"CPU of that {reading.cpu_seconds:.1f} s")
    with embedded_aws() as (_, server):
        measure_service(body, given.items, given.queries, server)


if __name__ == "__main__":
    main()
