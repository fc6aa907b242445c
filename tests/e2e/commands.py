"""The command line on the deployed app, as a script calls it."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from storecast.cli.app import app as commands
from tests.e2e.conftest import DATASET, App


def said(*given: str, code: int = 0) -> str:
    """What a command prints; it must end with this code."""
    found = CliRunner().invoke(commands, [given[0], DATASET, *given[1:]], env={"COLUMNS": "80"})
    assert found.exit_code == code, (given, found.output, found.exception)
    return found.stdout


def asked(*given: str, code: int = 0) -> Any:
    """The same as JSON."""
    return json.loads(said(*given, "--json", code=code))


def look_at_a_dataset(app: App) -> None:
    """Status, runs and a run know what was published, and their text fits 80 columns."""
    [status] = asked("status")
    newest = {pipeline: app.newest(pipeline) for pipeline in ("forecasting", "recommending")}
    series, shop = status["pipelines"]
    assert series["last"]["run"] == newest["forecasting"]["run"] and not series["quarantine"]
    assert series["serving"][0]["arn"] == newest["forecasting"]["predictorArn"]
    assert {each["status"] for each in shop["serving"]} == {"ACTIVE"} and len(shop["serving"]) == 7
    assert {each["kind"]: each["files"] for each in series["folders"]} == {"target": 1, "related": 1, "metadata": 1}
    assert [each["name"] for each in series["starts"]] == [f"storecast-{DATASET}-forecasting-sweep"]
    assert {each["what"]: each["quantity"] for each in status["costs"]} == {
        "recommenders ACTIVE": 5,
        "campaigns ACTIVE": 2,
        "forecast points": 12 * 14 * 8,
    }
    assert max(map(len, said("status").splitlines())) <= 80
    [run] = asked("runs", "--pipeline", "forecasting")
    assert (run["trigger"], run["outcome"], run["run"]) == ("upload", "published", newest["forecasting"]["run"])
    detail = asked("run", run["run"])
    steps = {each["name"]: each for each in detail["steps"]}
    assert {"Plan", "Train", "Wait for auto predictor", "Publish"} <= set(steps)
    assert {each["status"] for each in steps.values()} == {"succeeded"}
    assert detail["summary"]["accuracy"] == newest["forecasting"]["accuracy"]
    assert max(map(len, said("run", run["run"]).splitlines())) <= 80


def look_up_forecasts_and_recommendations(app: App) -> None:
    """What the commands say is what the services answer, with names beside ids."""
    made = app.newest("forecasting")["forecasts"]["planning"]
    answer = boto3.client("forecastquery").query_forecast(ForecastArn=made["forecastArn"], Filters={"item_id": "milk"})[
        "Forecast"
    ]["Predictions"]
    found = asked("forecast", "MILK")
    assert [each["values"]["p90"] for each in found["ahead"]] == pytest.approx(
        [each["Value"] for each in answer["p90"]], rel=1e-5
    )
    delivered = (app.folder / f"forecasting/{DATASET}/target/target.csv").read_text().splitlines()
    sold = [float(line.rpartition(",")[2]) for line in delivered if line.startswith("milk,")]
    assert [each["value"] for each in found["past"]] == sold
    assert found["backtest"] and set(found["scenarios"]) == {"cheaper_milk"}
    assert len(said("forecast", "milk", "--csv").splitlines()) == 1 + len(sold) + 14
    assert len(asked("forecast")) == 12
    [arn] = [
        each["recommenderArn"]
        for each in app.newest("recommending")["recommenders"]
        if each["useCase"] == "recommended-for-you"
    ]
    listed = boto3.client("personalize-runtime").get_recommendations(recommenderArn=arn, userId="u001", numResults=3)
    mine = asked("recommend", "recommended-for-you", "--user", "u001", "--results", "3")
    assert [each["item"]["id"] for each in mine["items"]] == [each["itemId"] for each in listed["itemList"]]
    assert all(each["item"]["name"] != each["item"]["id"] for each in mine["items"])
    cheap = asked("recommend", "recommended-for-you", "--user", "u001", "--filter", "cheap")
    assert all(float(each["item"]["about"]["PRICE"]) < 3 for each in cheap["items"])
    assert len(asked("recommend", "also-viewed", "--item", "Coffee", "--results", "4")["items"]) == 4
    assert len(asked("recommend")) == 7


def look_at_a_failure(app: App) -> None:
    """After a run that failed: the step, its cause, what to do, and an exit code for scripts."""
    [status] = asked("status", code=1)
    series = status["pipelines"][0]
    assert series["last"]["failed_step"] == "Plan" and series["quarantine"] == 1
    assert "row 7, demand: 'many'" in series["quarantined"][0]["reason"]
    detail = asked("run", series["last"]["run"], code=1)
    assert detail["next_step"].startswith("fix the cause, then run storecast start sample")
    [failed] = [each for each in detail["steps"] if each["status"] == "failed"]
    assert failed["name"] == "Plan" and "row 7, demand: 'many'" in failed["cause"]
