"""The stack of the engine storecast: its Glue job, who may do what, and nothing of Amazon Forecast."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.infra.conftest import Assembly, flat, machine, shared
from tests.infra.test_machines import states_of


@pytest.fixture(scope="module", params=["storecast", "storecast_guarded"])
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return shared(tmp_path_factory, request.param)


@pytest.fixture(scope="module")
def guarded_ours(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return shared(tmp_path_factory, "storecast_guarded")


def _job(assembly: Assembly) -> dict[str, Any]:
    [job] = assembly.resources("AWS::Glue::Job").values()
    return job


def test_nothing_of_amazon_forecast_is_created_or_allowed(ours: Assembly) -> None:
    text = json.dumps(ours.templates["forecasting"]) + json.dumps(ours.templates["storage"])
    assert '"forecast:' not in text and "forecast.amazonaws.com" not in text and ":forecast:" not in text


def test_the_stack_has_at_most_30_resources(ours: Assembly) -> None:
    assert len(ours.templates["forecasting"]["Resources"]) <= 30


def test_the_job_scales_and_runs_once_at_a_time(ours: Assembly) -> None:
    job = _job(ours)
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 1} and job["MaxRetries"] == 0
    assert job["DefaultArguments"]["--enable-auto-scaling"] == "true" and job["GlueVersion"] == "5.0"
    assert {"project", "dataset", "owner"} == set(job["Tags"])


def test_its_size_and_timeout_are_those_of_the_config(guarded_ours: Assembly) -> None:
    job = _job(guarded_ours)
    assert (job["WorkerType"], job["NumberOfWorkers"], job["Timeout"]) == ("G.2X", 40, 120)


def test_the_engines_keep_the_ending_that_glue_goes_by(ours: Assembly) -> None:
    modules = flat(_job(ours)["DefaultArguments"]["--additional-python-modules"])
    assert modules.startswith("s3://") and modules.endswith(".gluewheels.zip")
    assert _job(ours)["DefaultArguments"]["--python-modules-installer-option"] == "--no-index"


def test_its_logs_are_kept_for_a_time_under_the_names_that_it_writes_to(ours: Assembly) -> None:
    prefix = _job(ours)["DefaultArguments"]["--custom-logGroup-prefix"]
    groups = {each["LogGroupName"]: each for each in ours.resources("AWS::Logs::LogGroup").values()}
    assert all(groups[f"{prefix}/{name}"]["RetentionInDays"] == 90 for name in ("output", "error"))


def test_with_a_key_all_that_it_keeps_is_under_it(guarded_ours: Assembly) -> None:
    [security] = guarded_ours.resources("AWS::Glue::SecurityConfiguration").values()
    assert _job(guarded_ours)["SecurityConfiguration"].keys() == {"Ref"}
    parts = security["EncryptionConfiguration"]
    keys = [parts["S3Encryptions"][0], parts["CloudWatchEncryption"], parts["JobBookmarksEncryption"]]
    assert len({json.dumps(each["KmsKeyArn"]) for each in keys}) == 1
    prefix = _job(guarded_ours)["DefaultArguments"]["--custom-logGroup-prefix"]
    groups = guarded_ours.resources("AWS::Logs::LogGroup").values()
    assert all("KmsKeyId" in each for each in groups if each["LogGroupName"].startswith(prefix))


def test_the_machine_may_run_this_job_alone(ours: Assembly) -> None:
    roles = ours.resources("AWS::IAM::Role")
    [role] = [each for name, each in roles.items() if name.startswith("forecasting/MachineRole")]
    [statement] = [
        each for each in role["Policies"][0]["PolicyDocument"]["Statement"] if "glue:StartJobRun" in each["Action"]
    ]
    assert set(statement["Action"]) == {
        f"glue:{name}" for name in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")
    }
    assert flat(statement["Resource"]).endswith(f":job/{_job(ours)['Name']}")


def test_each_job_state_retries_a_full_quota_and_catches_the_rest(ours: Assembly) -> None:
    states = {
        name: state
        for name, state in states_of(machine(ours, "forecasting"))
        if ":::glue:" in state.get("Resource", "")
    }
    assert set(states) == {"Train", "Forecast"}
    for state in states.values():
        errors = [error for rule in state["Retry"] for error in rule["ErrorEquals"]]
        assert "Glue.ConcurrentRunsExceededException" in errors and "Glue.ThrottlingException" in errors
        assert not {"States.ALL", "States.TaskFailed"} & set(errors), "a job that failed is not run again"
        assert state["Catch"][0]["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize(
    ("cause", "error", "message"),
    [
        (
            json.dumps({"Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "JobFailed: x"}),
            "Glue.FAILED",
            "JobFailed: x",
        ),
        (
            json.dumps({"Id": "jr_1", "JobRunState": "STOPPED"}),
            "Glue.STOPPED",
            "the job run ended STOPPED, and Glue returned no reason",
        ),
        ("Rate exceeded", "Glue.ThrottlingException", "Rate exceeded"),
    ],
)
def test_a_failure_carries_what_the_job_said(cause: str, error: str, message: str) -> None:
    from ministack.services import stepfunctions

    from infra.forecasting_job_states import _failure

    caught = {"Error": "States.TaskFailed" if cause.startswith("{") else "Glue.ThrottlingException", "Cause": cause}
    found = stepfunctions._evaluate_jsonata(_failure("Train"), {}, error_output=caught)
    assert (found["step"], found["error"], found["message"]) == ("Train", error, message)
