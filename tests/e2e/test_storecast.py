"""The forecasting pipeline with our own engine, as an account without Amazon Forecast has it: deploy, upload, a Glue
job that runs Spark, results, drift, a refused promotion, a failed job, destroy."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from rich.console import Console

from data.sample import prepare
from demo import deploy
from demo.watch import Run, Watcher
from infra import bundle
from localaws.faults import Fault, write
from localaws.settings import Settings, client_environment
from tests.e2e import clock, rights
from tests.e2e.observing import exported, facts, mailbox, next_message, quarantined, there
from tests.e2e.sources import changed_sources

DATASET = "anywhere"
NAMES = re.compile(f"storecast[-_/]{DATASET}")
FOLDER = f"forecasting/{DATASET}/"


class Shop:
    """The deployed app, and what its pipeline did."""

    def __init__(self, outputs: dict[str, str], files: Path, out: Path, environment: dict[str, str]) -> None:
        self.outputs, self.files, self.out, self.environment = outputs, files, out, environment
        self.machine = outputs["ForecastingStateMachine"]

    def text(self, kind: str) -> str:
        """The sample's file of a kind."""
        return (self.files / "forecasting" / "sample" / kind / f"{kind}.csv").read_text()

    def target(self, before: str) -> bytes:
        """What the sample sold before a day."""
        return "\n".join(line for line in self.text("target").splitlines() if line.split(",")[1] < before).encode()

    def upload(self, bad: bytes = b"", **files: bytes) -> Run:
        """Files by kind, a bad one of the target beside them, and the run that works on all of them."""
        watcher = Watcher({"forecasting": self.machine}, DATASET)
        known = watcher.newest()
        if bad:
            key = f"{FOLDER}target/bad.csv"
            boto3.client("s3").put_object(Bucket=self.outputs["DataBucket"], Key=key, Body=bad)
        for kind, body in files.items():
            ending = "csv.gz" if body.startswith(b"\x1f\x8b") else "csv"
            key = f"{FOLDER}{kind}/{kind}.{ending}"
            boto3.client("s3").put_object(Bucket=self.outputs["DataBucket"], Key=key, Body=body)
        watcher.wait({"forecasting"}, known, Console(file=io.StringIO()))
        return max(watcher.runs.values(), key=lambda run: "Publish" in run.states or "Train" in run.states)

    def start(self, **given: bool) -> Run:
        watcher = Watcher({"forecasting": self.machine}, DATASET)
        known = watcher.newest()
        started = boto3.client("stepfunctions").start_execution(stateMachineArn=self.machine, input=json.dumps(given))
        watcher.wait({"forecasting"}, known, Console(file=io.StringIO()))
        return watcher.runs[started["executionArn"]]

    def published(self, name: str = "newest.json") -> Any:
        key = f"{FOLDER}{name}"
        body = boto3.client("s3").get_object(Bucket=self.outputs["ResultsBucket"], Key=key)["Body"].read().decode()
        return json.loads(body) if name.endswith(".json") else body


def _ours(config: dict) -> None:
    config["dataset"] = DATASET
    del config["recommending"]
    config["forecasting"] |= {
        "engine": "storecast",
        "algorithms": ["LightGBM", "SeasonalNaive"],
        "drift": {"factor": 1.5, "metric": "WAPE"},
        "glue": {"number_of_workers": 2, "timeout": 30},
    }


@pytest.fixture(scope="module")
def shop(embedded_aws: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    out, files, root = (tmp_path_factory.mktemp(name) for name in ("out", "sample", "sources"))
    environment = client_environment(embedded_aws)
    changed_sources(root, "sample", _ours)
    (root / "data" / "sample").rename(root / "data" / DATASET)
    # In place of 200 MB of wheels: the embedded AWS runs the job in this environment, whatever the bundle has.
    with pytest.MonkeyPatch.context() as patch:
        made = root / "build" / "glue" / bundle._fingerprint() / bundle.NAME
        made.parent.mkdir(parents=True)
        bundle._zip(root, made)
        patch.setattr(deploy, "ROOT", root)
        deploy.deploy(DATASET, environment, out)
        clock.hold(f"storecast-{DATASET}-")
        prepare.prepare(files, full=False, seed=0)
        yield Shop(deploy.outputs(DATASET), files, out, environment)


@pytest.fixture(scope="module")
def first(shop: Shop) -> Run:
    """Related series come compressed, with a header in another order."""
    rows = [line.split(",") for line in shop.text("related").splitlines()]
    text = "\n".join(["price,timestamp,item_id", *(f"{price},{day},{item}" for item, day, price in rows)])
    files = {"metadata": shop.text("metadata").encode(), "related": gzip.compress(text.encode())}
    return shop.upload(b"milk,2024-01-01,many\n", **files, target=shop.target("2024-07-12"))


def test_an_upload_trains_and_forecasts_with_a_job_on_glue(shop: Shop, first: Run) -> None:
    assert (first.status, first.cause) == ("SUCCEEDED", "")
    states = [state for state in first.states if state in ("Copy", "Train", "Compare", "Forecast", "Publish")]
    assert states == ["Copy", "Train", "Compare", "Publish"]
    newest = shop.published()
    board = {row["algorithm"]: row["AverageWeightedQuantileLoss"] for row in newest["accuracy"]}
    assert list(board)[0] == "AutoPredictor" and set(board) == {"AutoPredictor", "LightGBM", "SeasonalNaive"}
    assert board["AutoPredictor"] < board["SeasonalNaive"]
    assert newest["series"]["forecast"] == 12 and newest["series"]["leftOut"] == []
    assert DATASET in shop.published("report.html")
    rows = [row for row in exported(newest["forecasts"]["planning"]["exports"]) if row["item_id"] == "milk"]
    assert len(rows) == 14 and {"p10", "p50", "p90", "mean"} <= set(rows[0])


def test_a_bad_file_is_put_into_quarantine_and_the_rest_goes_on(shop: Shop, first: Run) -> None:
    [place] = quarantined(shop.outputs["DataBucket"], "forecasting")
    assert place.startswith(f"quarantine/{FOLDER}target/") and place.endswith("/bad.csv")


def test_what_ifs_and_impact_are_in_the_report(shop: Shop, first: Run) -> None:
    newest = shop.published()
    [scenario] = newest["whatIf"]
    assert scenario["name"] == "cheaper_milk" and scenario["most"]["key"] == "milk" and scenario["most"]["change"] > 0
    assert {"price", "category", "brand"} <= {each["attribute"] for each in newest["impact"]}


def test_athena_reads_the_forecasts(shop: Shop, first: Run) -> None:
    athena, run = boto3.client("athena"), shop.published()["run"]
    query = f"select item_id, count(*) from planning where run = '{run}' group by 1"
    started = athena.start_query_execution(
        QueryString=query,
        QueryExecutionContext={"Database": shop.outputs["ForecastDatabase"]},
        WorkGroup=f"storecast-{DATASET}",
    )["QueryExecutionId"]
    while (found := athena.get_query_execution(QueryExecutionId=started)["QueryExecution"])["Status"]["State"] in (
        "QUEUED",
        "RUNNING",
    ):
        pass
    assert found["Status"]["State"] == "SUCCEEDED", found["Status"]
    rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"][1:]
    assert ["milk", "14"] in [[cell["VarCharValue"] for cell in row["Data"]] for row in rows] and len(rows) == 12


def test_its_log_says_how_far_the_job_is(first: Run) -> None:
    group = f"/aws/vendedlogs/storecast/{DATASET}/storecast-{DATASET}-forecasting/output"
    events = boto3.client("logs").filter_log_events(logGroupName=group)["events"]
    lines = [event["message"] for event in events]
    assert any(re.search("read {", line) for line in lines) and any(re.search("local: done", line) for line in lines), (
        lines
    )
    [found] = [each for each in boto3.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]]
    assert found["retentionInDays"] == 90


def test_where_the_forecasts_in_use_did_not_drift_nothing_is_trained(shop: Shop, first: Run) -> None:
    before = shop.published()
    run = shop.upload(target=shop.target("2024-07-16"))
    assert run.status == "SUCCEEDED" and "Train" not in run.states and "Forecast" in run.states, run.cause
    newest = shop.published()
    assert newest["predictorArn"] == before["predictorArn"] and newest["promotion"] is None
    assert newest["history"]["to"] == "2024-07-15T00:00:00" > before["history"]["to"]
    assert newest["forecasts"]["planning"]["forecastArn"] != before["forecasts"]["planning"]["forecastArn"]
    assert newest["score"]["measured"]["WAPE"] > 0 and newest["accuracy"] == before["accuracy"]


def test_a_worse_predictor_does_not_serve_and_the_one_in_use_forecasts(shop: Shop, first: Run) -> None:
    before, noise = shop.published(), random.Random(0)
    rows = list(csv.reader(io.StringIO(shop.text("target"))))
    noisy = [[item, day, noise.randrange(500) if day >= "2024-05-18" else sold] for item, day, sold in rows]
    run = shop.upload(target="".join(f"{item},{day},{sold}\n" for item, day, sold in noisy).encode())
    assert run.status == "SUCCEEDED" and {"Train", "Forecast"} <= run.states.keys(), run.cause
    newest = shop.published()
    assert not newest["promotion"]["promoted"]
    assert newest["predictorArn"] == before["predictorArn"] != newest["promotion"]["trainedPredictorArn"]
    assert newest["forecasts"]["planning"]["exports"].endswith(f"run={newest['run']}/forecast/forecast/")
    assert newest["backtests"].endswith(f"run={newest['run']}/train/backtest/")


def test_a_job_that_fails_is_reported_in_its_own_words_and_what_serves_stays(shop: Shop, first: Run) -> None:
    before, topic = shop.published(), mailbox(shop.outputs["NotificationsTopic"])
    job = boto3.client("glue").get_job(JobName=f"storecast-{DATASET}-forecasting")["Job"]
    with rights.role_without(job["Role"].rpartition("/")[2], "s3:PutObject"):
        run = shop.start(force=True)
    assert run.status == "FAILED"
    message = facts(next_message(topic))
    assert (message["step"], message["error"]) == ("Train", "Glue.FAILED") and message["resource"].startswith("jr_")
    assert message["message"].startswith(f"s3:PutObject on s3://{shop.outputs['ResultsBucket']}/{FOLDER}jobs/run=")
    assert "the job's role needs it" in message["message"] and "the job's role needs it" in run.cause
    assert shop.published() == before


@pytest.fixture(scope="module")
def granted(shop: Shop, first: Run) -> dict[rights.Right, str]:
    return rights.granted(rights.roles_of(f"storecast-{DATASET}-"))


def test_nothing_of_amazon_forecast_is_there(shop: Shop, granted: dict[rights.Right, str]) -> None:
    assert [right for right in granted if right[1].startswith("forecast:")] == []
    assert {what for what, found in there(NAMES).items() if found and what.startswith("forecast")} == set()


def test_destroy_leaves_nothing(shop: Shop, granted: dict[rights.Right, str], embedded_aws: Settings) -> None:
    """Also while a job runs."""
    write(embedded_aws.faults, [Fault("job:glue:JobRun", delay=600)])
    boto3.client("stepfunctions").start_execution(stateMachineArn=shop.machine, input='{"force": true}')
    deploy.destroy(DATASET, shop.environment, shop.out)
    write(embedded_aws.faults, [])
    assert {what: found for what, found in there(NAMES).items() if found} == {}
    assert [each for each in boto3.client("glue").get_jobs()["Jobs"] if NAMES.search(each["Name"])] == []


def test_every_right_was_used(granted: dict[rights.Right, str], embedded_aws: Settings) -> None:
    rights.walk(granted, embedded_aws, rights.OF_STORECAST)
