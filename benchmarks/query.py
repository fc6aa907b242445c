"""How long the function `query` takes for one item's forecast on the embedded AWS, invoked by boto3 as an application
does, over the files of many series."""

import argparse
import io
import json
import os
import statistics
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pandas as pd

from benchmarks.embedded import BUCKET, cpu_seconds, embedded_aws
from infra.layer import assemble

LAMBDAS = Path(__file__).resolve().parent.parent / "lambdas"
FOLDER, FUNCTION, ROLE = "forecasting/shop/", "storecast-shop-forecasting-query", "query"
HORIZON, FILES = 28, 50


def published(series: int) -> None:
    """A run's forecast of so many items in FILES files, its index and the pointer to it."""
    sys.path.insert(0, str(LAMBDAS))
    from forecasting import lookup

    s3, columns = boto3.client("s3"), ["item_id", "date", "mean", "p10", "p50", "p90"]
    dates = pd.date_range("2026-01-01", periods=HORIZON).strftime("%Y-%m-%dT%H:%M:%SZ")
    keys = [f"{FOLDER}exports/planning/run=r/part{at:04d}.csv" for at in range(FILES)]
    for key, part in zip(keys, np.array_split(np.arange(series), FILES)):
        items = np.repeat([f"item{at:07d}" for at in part], HORIZON)
        rows = pd.DataFrame({"item_id": items, "date": np.tile(dates, len(part))})
        for at, name in enumerate(columns[2:]):
            rows[name] = np.arange(len(rows)) + at / 4
        s3.put_object(Bucket=BUCKET, Key=key, Body=rows.to_csv(index=False).encode())
    began = time.process_time()
    index = lookup.write(BUCKET, keys, columns, [], f"{FOLDER}runs/r/lookup/planning/")
    print(f"the index of {series:,} series: {time.process_time() - began:.1f} CPU s, {index['parts']} parts")
    newest = {"run": "r", "forecasts": {"planning": {}}, "lookups": {"planning": index}}
    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}newest.json", Body=json.dumps(newest).encode())


def deployed() -> None:
    """The function as infra/query.py has it."""
    iam, functions = boto3.client("iam"), boto3.client("lambda")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/{FOLDER}*"}
    role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="reads", PolicyDocument=_policy(reads))
    layer = functions.publish_layer_version(LayerName="storecast", Content={"ZipFile": _zipped(assemble())})
    functions.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.14",
        Handler="forecasting.query.handler",
        Role=role,
        Code={"ZipFile": _zipped(LAMBDAS)},
        Layers=[layer["LayerVersionArn"]],
        MemorySize=512,
        Timeout=60,  # of which a first start on a busy machine takes several
        Environment={"Variables": {"RESULTS_BUCKET": BUCKET, "FOLDER": FOLDER}},
    )


def asked(series: int, queries: int) -> Iterator[float]:
    """Seconds of each answer, of items in random order; the first one, which starts the function, is left out."""
    functions = boto3.client("lambda")
    for at, item in enumerate(np.random.default_rng(1).integers(series, size=queries + 1)):
        began = time.perf_counter()
        payload = json.dumps({"Filters": {"item_id": f"item{item:07d}"}})
        answer = json.load(functions.invoke(FunctionName=FUNCTION, Payload=payload)["Payload"])
        if at:
            yield time.perf_counter() - began
        assert "Forecast" in answer, answer
        assert answer["Forecast"]["Predictions"]["mean"][0]["Value"] == item % (-(-series // FILES)) * HORIZON


def _policy(statement: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _zipped(folder: Path) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(folder))
    return body.getvalue()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.query", description=__doc__)
    parser.add_argument("--series", type=int, default=10_000, help=f"a multiple of {FILES}")
    parser.add_argument("--queries", type=int, default=300)
    given = parser.parse_args(arguments)
    with embedded_aws() as (_, server):
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        published(given.series)
        deployed()
        used = cpu_seconds(server)
        seconds = list(asked(given.series, given.queries))
        used = cpu_seconds(server) - used
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
    high = statistics.quantiles(seconds, n=20)[-1]
    print(f"one item of {given.series:,}: p50 {statistics.median(seconds) * 1e3:.1f} ms, p95 {high * 1e3:.1f} ms")
    print(f"CPU of the embedded AWS and the function: {used / given.queries * 1e3:.1f} ms per answer")


if __name__ == "__main__":
    main()
