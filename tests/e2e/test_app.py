"""The whole line, in the order in which a team would live it: deploy, data, results, faults, destroy."""

import csv
import html
import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from demo import deploy
from localaws.faults import write
from localaws.settings import Settings
from tests.contract.helpers import eventually
from tests.e2e import clock, commands, rights
from tests.e2e.conftest import DATASET, App
from tests.e2e.leaving import leave_at_work
from tests.e2e.observing import (
    ask_athena,
    charted,
    emitted,
    exported,
    facts,
    imports_of,
    mailbox,
    next_message,
    ours,
    quarantined,
    result,
    there,
)
from tests.e2e.redeploying import deploy_over_a_run, look_at_what_changed, recommenders_are
from tests.e2e.sweeping import sweep_and_upload
from tests.e2e.tags import tags_by_arn

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EXPORTS = ["Export backtests", "Export forecast"]
FORECASTING = ["Plan", "Ensure", "Load", "Train", "Compare", "Forecast", *EXPORTS, "Publish", "Notify"]
RECOMMENDING = ["Plan", "Ensure", "Load", "Recommend", "Evaluate", "Publish", "Notify"]
USE_CASES = ["most-viewed", "best-sellers", "frequently-bought-together", "also-viewed", "recommended-for-you"]


@pytest.mark.parametrize(("pipeline", "steps"), [("forecasting", FORECASTING), ("recommending", RECOMMENDING)])
def test_an_upload_runs_the_pipeline_to_its_end(app: App, pipeline: str, steps: list[str]):
    run = app.first[pipeline]
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    assert set(steps) <= set(run.states)
    assert [state for state in run.states if state in ("Plan", "Ensure", "Publish", "Notify")] == [
        "Plan",
        "Ensure",
        "Publish",
        "Notify",
    ]


def test_each_waiting_is_visible(app: App):
    states = app.first["forecasting"].states
    for resource in ("dataset import job", "auto predictor", "predictor", "forecast", "forecast export job"):
        assert f"Describe {resource}" in states
        assert f"{resource.capitalize()} ready?" in states


def test_the_files_of_one_delivery_lead_to_one_working_run(app: App):
    executions = boto3.client("stepfunctions").list_executions(stateMachineArn=app.machine("forecasting"))["executions"]
    histories = [
        boto3.client("stepfunctions").get_execution_history(executionArn=each["executionArn"])["events"]
        for each in executions
    ]
    worked = [
        events
        for events in histories
        if any(event.get("stateEnteredEventDetails", {}).get("name") == "Plan" for event in events)
    ]
    assert len(executions) == 3
    assert len(worked) == 1


def test_forecasts_are_better_than_the_seasonal_naive(app: App):
    newest = app.newest("forecasting")
    board = {row["algorithm"]: row for row in newest["accuracy"]}
    assert list(board)[0] == newest["promotion"]["algorithm"]
    assert set(board) == {"AutoPredictor", "NPTS", "Seasonal naive"}
    assert (
        board["AutoPredictor"]["AverageWeightedQuantileLoss"] < board["Seasonal naive"]["AverageWeightedQuantileLoss"]
    )
    assert board["AutoPredictor"]["WAPE"] < board["Seasonal naive"]["WAPE"]


def test_a_forecast_can_be_queried_and_lies_in_the_bucket(app: App):
    made = app.newest("forecasting")["forecasts"]["planning"]
    answer = boto3.client("forecastquery").query_forecast(
        ForecastArn=made["forecastArn"], Filters={"item_id": "milk"}, EndDate="2024-07-25T00:00:00"
    )["Forecast"]["Predictions"]
    assert set(answer) == {"p10", "p50", "p90", "mean"}
    assert answer["p50"][0]["Timestamp"] == "2024-07-19T00:00:00"
    assert len(answer["p50"]) == 7
    rows = exported(made["exports"])
    of_milk = [row for row in rows if row["item_id"] == "milk"]
    assert len(of_milk) == 14
    assert float(of_milk[0]["p50"]) == pytest.approx(answer["p50"][0]["Value"], rel=1e-5)


def test_athena_reads_the_exports(app: App):
    database = app.outputs["ForecastDatabase"]
    run = app.newest("forecasting")["run"]
    newest = "select run, item_id, count(*) from planning where run = (select max(run) from planning) group by 1, 2"
    rows = ask_athena(newest, database)
    assert (run, "milk", "14") in rows and len(rows) == 12


def test_what_ifs_and_explainability_are_exported_and_reported(app: App):
    """Milk at four fifths of its price: more is expected of it and of nothing else; the price moves the forecast."""
    newest = app.newest("forecasting")
    [scenario] = newest["whatIf"]
    assert scenario["name"] == "cheaper_milk" and scenario["most"]["key"] == "milk"
    assert scenario["expected"] - scenario["baseline"] == pytest.approx(scenario["most"]["change"], rel=1e-3)
    assert scenario["most"]["change"] > 0
    assert {"price", "category", "brand"} <= {each["attribute"] for each in newest["impact"]}
    results = f"s3://{app.outputs['ResultsBucket']}/forecasting/{DATASET}"
    columns = exported(f"{results}/what-if/run={newest['run']}/")[0]
    assert [name for name in columns if name.endswith("cheaper_milk_" + newest["run"] + "_p50")]


def test_every_use_case_recommends(app: App):
    newest = app.newest("recommending")
    assert [made["useCase"] for made in newest["recommenders"]] == USE_CASES
    runtime = boto3.client("personalize-runtime")
    for made in newest["recommenders"]:
        answer = runtime.get_recommendations(
            recommenderArn=made["recommenderArn"], userId="u001", itemId="i01", numResults=5
        )
        assert len({item["itemId"] for item in answer["itemList"]}) == 5
        assert 0 < made["metrics"]["coverage"] <= 1


def test_the_personal_recommender_beats_plain_popularity(app: App, embedded_aws: Settings):
    """AWS answers with no baseline, so that of the embedded AWS is in its log."""
    [own] = [each for each in app.newest("recommending")["recommenders"] if each["useCase"] == "recommended-for-you"]
    name = "normalized_discounted_cumulative_gain_at_10"
    lines = [line for line in embedded_aws.log.read_text().splitlines() if own["recommenderArn"] in line]
    popularity = re.search(rf"plain popularity.* {name} ([0-9.]+)", lines[-1])
    assert popularity and own["metrics"][name] > float(popularity[1])


def test_filters_and_the_event_tracker_of_the_config_serve(app: App):
    """newest.json says where they are: a filter by its name, the tracker by its id."""
    newest, runtime = app.newest("recommending"), boto3.client("personalize-runtime")
    [arn] = [made["recommenderArn"] for made in newest["recommenders"] if made["useCase"] == "recommended-for-you"]

    def prices(**request) -> list[float]:
        answer = runtime.get_recommendations(
            recommenderArn=arn, userId="u001", numResults=10, metadataColumns={"ITEMS": ["PRICE"]}, **request
        )
        return [float(item["metadata"]["price"]) for item in answer["itemList"]]

    assert max(prices()) > 3 > max(prices(filterArn=newest["filters"]["cheap"]))
    event = {"eventType": "View", "itemId": "i01", "sentAt": 1_720_000_000}
    boto3.client("personalize-events").put_events(
        trackingId=newest["trackingId"], userId="u001", sessionId="s", eventList=[event]
    )


def test_solutions_of_the_config_are_trained_and_their_campaigns_answer(app: App):
    made = {each["name"]: each for each in app.newest("recommending")["solutions"]}
    assert all(0 < each["metrics"]["coverage"] <= 1 for each in made.values())
    runtime = boto3.client("personalize-runtime")
    similar = runtime.get_recommendations(campaignArn=made["similar"]["campaignArn"], itemId="i01", numResults=5)
    assert len(similar["itemList"]) == 5
    ranked = runtime.get_personalized_ranking(
        campaignArn=made["ranking"]["campaignArn"], userId="u001", inputList=["i01", "i02", "i03"]
    )
    assert sorted(item["itemId"] for item in ranked["personalizedRanking"]) == ["i01", "i02", "i03"]


def test_reports_and_summaries_are_published(app: App):
    s3 = boto3.client("s3")
    for pipeline in ("forecasting", "recommending"):
        newest = app.newest(pipeline)
        bucket, _, key = newest["report"].removeprefix("s3://").partition("/")
        page = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        assert DATASET in page
        assert "http" not in page.replace("http://www.w3.org", ""), "the report must open without a network"


def test_the_command_line_shows_what_was_deployed_ran_and_came_out(app: App):
    commands.look_at_a_dataset(app)
    commands.look_up_forecasts_and_recommendations(app)


def test_the_shop_and_the_console_show_what_is_deployed(app: App, browser: "Browser"):
    from tests.e2e.pages import visit_the_console, visit_the_shop

    visit_the_shop(browser, DATASET)
    visit_the_console(browser, DATASET, "milk")


def test_what_a_run_makes_is_tagged_with_project_dataset_and_owner(app: App):
    tags = tags_by_arn()
    assert {"predictor", "solution", "filter", "event-tracker"} <= {arn.split(":")[5].partition("/")[0] for arn in tags}
    wanted = {"project": "storecast", "dataset": DATASET, "owner": "shop team"}
    assert {arn: found for arn, found in tags.items() if not wanted.items() <= found.items()} == {}


def test_a_bad_row_fails_the_run_in_words_and_keeps_the_data(app: App):
    key = f"forecasting/{DATASET}/target/target.csv"
    s3, bucket = boto3.client("s3"), app.outputs["DataBucket"]
    good = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    lines = good.decode().splitlines()
    lines[6] = lines[6].rpartition(",")[0] + ",many"
    topic = mailbox(app.outputs["NotificationsTopic"])
    before = app.newest("forecasting")
    run = app.upload(key, "\n".join(lines).encode())
    assert run.status == "FAILED"
    assert f"s3://{bucket}/{key}, row 7, demand: 'many'" in run.cause
    assert app.newest("forecasting") == before, "the old results keep serving"
    assert next_message(topic)["Subject"] == "Storecast: forecasting put target.csv into quarantine"
    told = next_message(topic)
    assert "FAILED" in told["Subject"]
    message = facts(told)
    assert message["pipeline"] == "forecasting"
    assert message["step"] == "Plan" and "row 7, demand: 'many'" in message["message"]
    assert s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"][1]["Size"] == len(good)
    [place] = quarantined(bucket, "forecasting")
    assert message["message"].endswith(f"s3://{bucket}/{place}")
    commands.look_at_a_failure(app)
    assert app.start("forecasting").states.keys() >= {"Plan", "Nothing new"}, "it waits for a target file"
    back = app.upload(key, good)
    assert back.status == "SUCCEEDED" and "Nothing new" in back.states, "what was imported before is not imported again"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("short.csv", b"USER_ID,AGE\nu001\n"),  # refused by the plan
        ("long.csv", b"age,user_id\n" + b"x" * 1_001 + b",u001\n"),  # by the service, of the copy that it reads
    ],
)
def test_a_bad_file_among_good_ones_goes_into_quarantine(app: App, name: str, body: bytes):
    topic = mailbox(app.outputs["NotificationsTopic"])
    before = app.newest("recommending")
    run = app.upload(f"recommending/{DATASET}/users/{name}", body)
    assert run.status == "SUCCEEDED", run.cause
    assert "Nothing new" in run.states, "what is left was imported before"
    assert app.newest("recommending") == before
    places = quarantined(app.outputs["DataBucket"], "recommending")
    [place] = [each for each in places if each.endswith(f"/{name}")]
    assert place.startswith(f"quarantine/recommending/{DATASET}/users/")
    told = next_message(topic)
    assert told["Subject"] == f"Storecast: recommending put {name} into quarantine"
    [file] = facts(told).get("files", [facts(told)])
    assert "row 2" in file["message"] and "row 2" in told["Message"]


@pytest.mark.parametrize("pipeline", ["forecasting", "recommending"])
def test_a_start_by_hand_with_nothing_new_says_so_and_ends(app: App, pipeline: str):
    run = app.start(pipeline)
    assert run.status == "SUCCEEDED" and "Ensure" not in run.states
    output = boto3.client("stepfunctions").describe_execution(executionArn=run.arn)["output"]
    said = json.loads(output)["summary"]["nothingNew"]
    assert f"s3://{app.outputs['DataBucket']}/{pipeline}/{DATASET}/ are unchanged since" in said


def test_the_sweep_starts_both_pipelines_and_an_upload_meanwhile_one_more_run(app: App, embedded_aws: Settings):
    runs = sweep_and_upload(app, embedded_aws)
    assert {run.status for run in runs} == {"SUCCEEDED"}
    planned = [run.pipeline for run in runs if "Nothing new" in run.states]
    assert sorted(planned) == ["forecasting", "forecasting", "recommending"]


def test_a_worse_predictor_does_not_serve(app: App):
    """The last two months turned into noise and a week cut off: only that file is imported, and the predictor in use
    forecasts from it. The file has a header, which Forecast does not get to see."""
    before, key = app.newest("forecasting"), f"forecasting/{DATASET}/target/target.csv"
    rows, noise = list(csv.reader((app.folder / key).read_text().splitlines())), random.Random(0)
    noisy = [[item, day, noise.randrange(500) if day >= "2024-05-18" else sold] for item, day, sold in rows]
    noisy = [row for row in noisy if row[1] < "2024-07-12"]
    text = "".join(f"{item},{day},{sold}\n" for item, day, sold in noisy)
    run = app.upload(key, f"Item_ID,timestamp,demand\n{text}".encode())
    assert run.status == "SUCCEEDED", run.cause
    newest = app.newest("forecasting")
    promotion = newest["promotion"]
    assert not promotion["promoted"] and promotion["new"] > 1.05 * promotion["inUse"]
    assert newest["predictorArn"] == before["predictorArn"] != promotion["trainedPredictorArn"]
    assert newest["forecasts"]["planning"]["forecastArn"] != before["forecasts"]["planning"]["forecastArn"]
    assert imports_of(newest["run"]) == [f"storecast_{DATASET}_target_{newest['run']}"]
    report = result(app, "report.html")
    assert f"{promotion['new']:.4f} against {promotion['inUse']:.4f} of the predictor in use" in report


def test_a_file_put_back_is_imported_and_old_runs_are_pruned(app: App):
    """The first run's forecasts go; its predictor stays, as it made those of the second. Five days have come in of the
    time that these are about."""
    before, key = app.newest("forecasting"), f"forecasting/{DATASET}/target/target.csv"
    rows = (app.folder / key).read_text().splitlines()
    run = app.upload(key, "\n".join(row for row in rows if row.split(",")[1] < "2024-07-17").encode())
    assert run.status == "SUCCEEDED", run.cause
    newest = app.newest("forecasting")
    assert newest["promotion"]["promoted"] and imports_of(newest["run"]) == [
        f"storecast_{DATASET}_target_{newest['run']}"
    ]
    served = [found["forecasts"]["planning"]["forecastArn"] for found in (newest, before)]
    assert [each["ForecastArn"] for each in ours("forecast", "Forecasts")] == served
    predictors = {each["PredictorArn"]: each["PredictorName"] for each in ours("forecast", "Predictors")}
    assert {before["predictorArn"], before["promotion"]["trainedPredictorArn"], newest["predictorArn"]} <= set(
        predictors
    )
    del predictors[before["predictorArn"]]
    of_runs = sorted(name.removeprefix("storecast_sample_") for name in predictors.values())
    assert of_runs == sorted(f"{name}_{run['run']}" for name in ("auto", "npts") for run in (before, newest))
    assert len(ours("forecast", "ForecastExportJobs")) == 2
    for arn in served:
        boto3.client("forecastquery").query_forecast(ForecastArn=arn, Filters={"item_id": "milk"})
    exports = boto3.client("s3").list_objects_v2(
        Bucket=app.outputs["ResultsBucket"], Prefix=f"forecasting/{DATASET}/exports/planning/", Delimiter="/"
    )
    assert len(exports["CommonPrefixes"]) == 3, "exported files stay"
    [score] = json.loads(result(app, "scores.json"))
    assert (score["from"], score["to"], score["series"]) == ("2024-07-12T00:00:00", "2024-07-16T00:00:00", 12)
    measured, tested = (score[what]["AverageWeightedQuantileLoss"] for what in ("measured", "backtest"))
    assert tested == pytest.approx(before["promotion"]["inUse"]) and measured > tested, "noise is no guide"


def test_where_the_forecasts_in_use_did_not_drift_nothing_is_trained(app: App):
    """Another config is another payload of Plan, which is all that a deploy of it changes."""
    before, states, machine = app.newest("forecasting"), boto3.client("stepfunctions"), app.machine("forecasting")
    definition = json.loads(states.describe_state_machine(stateMachineArn=machine)["definition"])
    plan = definition["States"]["Pipeline"]["Branches"][0]["States"]["Plan"]["Arguments"]["Payload"]
    plan["config"]["drift"] = {"factor": 10, "metric": "WAPE"}
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))
    key = f"forecasting/{DATASET}/target/target.csv"
    run = app.upload(key, (app.folder / key).read_bytes())
    assert run.status == "SUCCEEDED" and "Load" in run.states and "Train" not in run.states, run.cause
    newest = app.newest("forecasting")
    assert newest["predictorArn"] == before["predictorArn"] and newest["promotion"] is None
    assert newest["history"]["to"] > before["history"]["to"]
    assert newest["forecasts"]["planning"]["forecastArn"] != before["forecasts"]["planning"]["forecastArn"]
    assert [each["trained"] for each in json.loads(result(app, "scores.json"))] == [True, False]
    assert html.escape(newest["training"]["reason"]) in result(app, "report.html")


def test_the_dashboard_and_the_alarms_look_at_metrics_that_were_sent(app: App):
    groups = [f"/aws/vendedlogs/storecast/{DATASET}/{each}" for each in ("forecasting", "recommending", "operations")]
    sent = set().union(*map(emitted, groups))
    sent |= {("", dimensions) for _, dimensions in sent}
    alarms = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
    ours = [alarm for alarm in alarms if alarm["Namespace"] == "Storecast"]
    looked_at = {(alarm["MetricName"], frozenset(each["Name"] for each in alarm["Dimensions"])) for alarm in ours}
    assert looked_at and looked_at <= sent
    region = boto3.client("cloudwatch").meta.region_name
    assert charted(f"storecast-{DATASET}-{region}") <= sent


def test_a_run_that_is_stopped_by_hand_is_reported_and_so_is_an_alarm(app: App):
    topic, states = mailbox(app.outputs["NotificationsTopic"]), boto3.client("stepfunctions")
    run = states.start_execution(stateMachineArn=app.machine("forecasting"))["executionArn"]
    states.stop_execution(executionArn=run)
    told = json.loads(next_message(topic)["Message"])
    assert (told["status"], told["execution"]) == ("ABORTED", run)
    assert told["console"].endswith(run) and told["since"] and "takes over the lock" in told["next"]
    name = f"storecast-{DATASET}-dead-letters"
    boto3.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    told = json.loads(next_message(topic)["Message"])
    assert told["AlarmName"] == name and "Next: read the error in the message's attributes" in told["AlarmDescription"]


def test_what_the_config_gains_or_loses_is_made_or_deleted_and_the_rest_left_alone(app: App):
    """Another config is another payload of Plan, which is all that a deploy of it changes."""
    states, personalize = boto3.client("stepfunctions"), boto3.client("personalize")
    machine = app.machine("recommending")
    before = states.describe_state_machine(stateMachineArn=machine)["definition"]
    definition = json.loads(before)
    config = definition["States"]["Pipeline"]["Branches"][0]["States"]["Plan"]["Arguments"]["Payload"]["config"]
    del config["use_cases"]["most-viewed"]
    config["filters"] = {"cheap": "INCLUDE ItemID WHERE Items.PRICE < 2"}

    def run(definition: str) -> dict[str, tuple]:
        states.update_state_machine(stateMachineArn=machine, definition=definition)
        ended = app.start("recommending")
        assert ended.status == "SUCCEEDED", ended.cause
        assert "Load" not in ended.states, "the data is as it was"
        made = ours("personalize", "recommenders") + ours("personalize", "Filters")
        return {each["name"].removeprefix(f"storecast-{DATASET}-"): each["lastUpdatedDateTime"] for each in made}

    whole = {
        made["recommenderArn"].partition(f"{DATASET}-")[2]: personalize.describe_recommender(
            recommenderArn=made["recommenderArn"]
        )["recommender"]["lastUpdatedDateTime"]
        for made in app.newest("recommending")["recommenders"]
    }
    fewer = run(json.dumps(definition))
    kept = {name: whole[name] for name in USE_CASES if name != "most-viewed"}
    assert {name: made for name, made in fewer.items() if name in USE_CASES} == kept
    [cheap] = [name for name in fewer if name not in USE_CASES]
    assert app.newest("recommending")["filters"]["cheap"].endswith(cheap)
    again = run(before)
    assert set(again) - set(fewer) >= {"most-viewed"} and cheap not in again
    assert {name: made for name, made in again.items() if name in kept} == kept


def test_an_action_taken_away_makes_the_run_fail(app: App):
    with rights.without(f"storecast-{DATASET}-forecasting-load", "iam:PassRole"):
        run = app.start("forecasting", force=True)
    assert run.status == "FAILED"
    assert "is not authorized to perform: iam:PassRole" in run.cause


def test_an_algorithm_that_fails_leaves_the_others_to_serve(app: App):
    with rights.without(f"storecast-{DATASET}-forecasting-train", "forecast:CreateAutoPredictor"):
        run = app.start("forecasting", force=True)
    assert run.status == "SUCCEEDED", run.cause
    newest = app.newest("forecasting")
    [failed] = newest["failed"]
    assert (failed["algorithm"], failed["step"]) == ("AutoPredictor", "Train")
    assert "is not authorized to perform: forecast:CreateAutoPredictor" in failed["message"]
    assert newest["accuracy"][0]["algorithm"] == "NPTS" and newest["promotion"]["algorithm"] == "NPTS"


def test_a_second_deploy_of_the_same_sources_does_nothing(app: App):
    assert deploy.deploy(DATASET, app.environment, app.out) is False


def test_a_deploy_during_a_run_loses_nothing(
    app: App, embedded_aws: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """That run goes on as it began; one run after it serves what came during the deploy, as the changed config says."""
    before = app.newest("recommending")
    runs = deploy_over_a_run(app, embedded_aws, tmp_path, monkeypatch)
    assert [(run.status, run.cause) for run in runs] == [("SUCCEEDED", "")] * len(runs)
    assert len([run for run in runs if "Ensure" in run.states]) == 2
    look_at_what_changed(before, app.newest("recommending"))


@pytest.mark.parametrize(("verb", "status"), [("stop", "INACTIVE"), ("start", "ACTIVE")])
def test_the_clock_stops_and_starts_the_recommenders(app: App, verb: str, status: str):
    clock.strike(f"storecast-{DATASET}-recommending-hours-{verb}")
    eventually(lambda: recommenders_are(status))


@pytest.fixture(scope="module")
def granted(app: App) -> dict[rights.Right, str]:
    """The rights of all roles, while they are there."""
    return rights.granted(rights.roles_of(f"storecast-{DATASET}-"))


def test_destroy_leaves_nothing(app: App, granted: dict[rights.Right, str], embedded_aws: Settings):
    before = {what for what, found in there().items() if found}
    assert before >= {"s3 Buckets", "forecast Predictors", "personalize recommenders", "log groups", "databases"}
    leave_at_work(app, embedded_aws)
    deploy.destroy(DATASET, app.environment, app.out)
    write(embedded_aws.faults, [])
    assert {what: found for what, found in there().items() if found} == {}


def test_every_right_was_used(granted: dict[rights.Right, str], embedded_aws: Settings):
    """By the tests above, the destroy included; a right that is missing had failed them."""
    rights.walk(granted, embedded_aws, rights.OF_THE_APP)
