"""Telling how a run ended, and cleaning up after a stack."""

from __future__ import annotations

import copy
import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from tests.unit.lambdas.conftest import arn, expect_history
from tests.unit.lambdas.personalize import Personalize

_EXECUTION = arn("states", "execution:storecast-corner-shop-forecasting:e1")


@pytest.mark.parametrize("length", [40, 60, 200])
def test_of_a_step_that_was_cut_off_in_its_message_the_words_are_read(length: int) -> None:
    """Lambda's errors are JSON, of which a state keeps the beginning."""
    from common.failures import in_words

    words = 'row 7, column "demand": \u00e9'
    whole = json.dumps({"errorMessage": words, "errorType": "ValueError", "stackTrace": ["x" * 90]})
    assert words.startswith(in_words(whole[:length])) and len(in_words(whole[:length])) >= 20


def test_a_failed_step_is_reported_with_step_resource_and_the_services_message(
    stub: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operations.notify import handler

    monkeypatch.setenv("TOPIC_ARN", arn("sns", "t"))
    sent: list[dict[str, Any]] = []
    stub("sns").add_response("publish", {"MessageId": "1"})
    expect_history(stub)
    stub("sns").client.meta.events.register(
        "before-parameter-build.sns.Publish", lambda params, **_: sent.append(dict(params))
    )
    cause = {
        "step": "Wait for auto predictor",
        "resource": arn("forecast", "predictor/p"),
        "error": "CREATE_FAILED",
        "message": "not enough data",
    }
    answer = handler(
        {
            "pipeline": "forecasting",
            "execution": _EXECUTION,
            "failure": {"Error": "CREATE_FAILED", "Cause": json.dumps(cause)},
        },
        context,
    )
    assert answer["failure"] == {
        "Error": "CREATE_FAILED",
        "Cause": f"Wait for auto predictor ({cause['resource']}): not enough data",
    }
    assert sent[0]["Subject"] == "Storecast: forecasting FAILED in Wait for auto predictor"
    told = json.loads(sent[0]["MessageAttributes"]["json"]["StringValue"])
    assert sent[0]["Message"].startswith(
        "A run of storecast-corner-shop-forecasting failed in Wait for auto predictor;"
    )
    assert "not enough data" in sent[0]["Message"] and "{" not in sent[0]["Message"].replace("with {}", "")
    assert told["message"] == "not enough data" and told["console"].endswith(_EXECUTION)
    assert told["what"].startswith("a run of storecast-corner-shop-forecasting failed in Wait for auto predictor;")
    assert told["since"] == "2026-11-22T09:00:00+00:00" and told["next"].startswith("fix the cause, then start")


def test_what_an_execution_did_is_counted_from_its_history(stub: Any) -> None:
    from operations.history import history

    expect_history(stub)
    assert history(_EXECUTION) == {
        "started": "2026-11-22T09:00:00+00:00",
        "stateTransitions": 4,
        "lambdaInvocations": 1,
        "seconds": {"Import": 20.0},
    }


@pytest.mark.parametrize(
    ("error", "message", "told"),
    [
        ("LimitExceededException", "too many", "the quota"),
        ("ClientError", "An error occurred (AccessDeniedException) when calling", "a permission was removed"),
        ("Storecast.BudgetSpent", "still CREATE_IN_PROGRESS", "see the job"),
        ("ValueError", "row 7", "fix the cause"),
    ],
)
def test_each_kind_of_failure_has_its_next_step(error: str, message: str, told: str) -> None:
    from common.failures import next_step

    assert told in next_step(f"{error} {message}")


@pytest.mark.parametrize(
    ("failure", "step", "message"),
    [
        (
            {
                "Error": "ValueError",
                "Cause": json.dumps(
                    {
                        "step": "Plan",
                        "error": "ValueError",
                        "message": json.dumps({"errorType": "ValueError", "errorMessage": "no target file"}),
                    }
                ),
            },
            "Plan",
            "no target file",
        ),
        ({"Error": "States.Runtime", "Cause": "something else"}, "an unnamed step", "something else"),
        ({"Error": "States.Timeout", "Cause": ""}, "an unnamed step", ""),
    ],
)
def test_explain_finds_the_message_where_each_kind_of_failure_keeps_it(
    failure: dict[str, str], step: str, message: str
) -> None:
    from operations.notify import explain

    told = explain(failure)
    assert (told["step"], told["message"]) == (step, message)


_STACK = arn("cloudformation", "stack/s/1")


def _event(kind: str, **properties: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "StackId": _STACK,
        "RequestId": "r",
        "LogicalResourceId": "Cleanup",
        "ResponseURL": "https://cfn/",
        "ResourceProperties": properties,
    }


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    from operations import cleanup

    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(
        cleanup, "_respond", lambda event, context, status, reason: answers.append({"Status": status, "Reason": reason})
    )
    monkeypatch.setattr(cleanup.time, "sleep", lambda seconds: None)
    return answers


def test_nothing_is_deleted_when_a_stack_is_made(answered: list[dict[str, Any]], context: Any, stub: Any) -> None:
    from operations.cleanup import handler

    handler(_event("Create", ForecastNames="storecast_corner_shop"), context)
    assert answered == [{"Status": "SUCCESS", "Reason": "done"}]


def _expect_jobs(service: Any, of: str, resource: str, **running: list[dict[str, str]]) -> None:
    """The lists of the jobs over a predictor or forecast; those that are running are stopped."""
    exports = "PredictorBacktestExportJobs" if of == "Predictor" else "ForecastExportJobs"
    for plural, member in (
        (exports, f"{of}Arn"),
        ("Explainabilities", "ResourceArn"),
        ("ExplainabilityExports", "ResourceArn"),
    ):
        operation = re.sub("(?<!^)([A-Z])", r"_\1", plural).lower()
        filters = {"Filters": [{"Key": member, "Value": resource, "Condition": "IS"}]}
        service.add_response(f"list_{operation}", {plural: running.get(plural, [])}, filters)
        for job in running.get(plural, []):
            service.add_response("stop_resource", {}, {"ResourceArn": next(iter(job.values()))})


def test_forecast_goes_as_trees_after_its_jobs_are_stopped(
    answered: list[dict[str, Any]], context: Any, stub: Any
) -> None:
    from operations.cleanup import handler

    service, group = stub("forecast"), arn("forecast", "dataset-group/storecast_corner_shop")
    ours, others = (
        arn("forecast", "dataset/storecast_corner_shop_target"),
        arn("forecast", "dataset/storecast_corner_shop_weekly_target"),
    )
    groups = {"DatasetGroups": [{"DatasetGroupArn": group, "DatasetGroupName": "storecast_corner_shop"}]}
    training = {
        "PredictorArn": arn("forecast", "predictor/p"),
        "PredictorName": "p",
        "DatasetGroupArn": group,
        "Status": "CREATE_IN_PROGRESS",
    }
    forecast = {
        "ForecastArn": arn("forecast", "forecast/f"),
        "ForecastName": "f",
        "DatasetGroupArn": group,
        "Status": "ACTIVE",
    }
    datasets = {
        "Datasets": [
            {"DatasetArn": ours, "DatasetName": "storecast_corner_shop_target"},
            {"DatasetArn": others, "DatasetName": "storecast_corner_shop_weekly_target"},
        ]
    }
    service.add_response("list_dataset_groups", copy.deepcopy(groups))
    service.add_response("list_predictors", {"Predictors": [training]})
    service.add_response("stop_resource", {}, {"ResourceArn": training["PredictorArn"]})
    explaining = {"ExplainabilityArn": arn("forecast", "explainability/e"), "Status": "CREATE_PENDING"}
    _expect_jobs(service, "Predictor", training["PredictorArn"], Explainabilities=[explaining])
    service.add_response("list_forecasts", {"Forecasts": [forecast]})
    exporting = {"ForecastExportJobArn": arn("forecast", "forecast-export-job/j"), "Status": "CREATE_IN_PROGRESS"}
    _expect_jobs(service, "Forecast", forecast["ForecastArn"], ForecastExportJobs=[exporting])
    service.add_client_error("delete_resource_tree", "ResourceInUseException")
    service.add_response("list_dataset_groups", copy.deepcopy(groups))
    service.add_response("list_predictors", {"Predictors": [{**training, "Status": "CREATE_STOPPED"}]})
    _expect_jobs(service, "Predictor", training["PredictorArn"])
    service.add_response("list_forecasts", {"Forecasts": []})
    service.add_response("delete_resource_tree", {}, {"ResourceArn": group})
    service.add_response("list_dataset_groups", {"DatasetGroups": []})
    service.add_response("list_datasets", datasets)
    service.add_response("list_dataset_import_jobs", {"DatasetImportJobs": []})
    service.add_response("delete_resource_tree", {}, {"ResourceArn": ours})
    service.add_response("list_dataset_groups", {"DatasetGroups": []})
    service.add_response("list_datasets", {"Datasets": datasets["Datasets"][1:]})
    _stack_is(stub, "DELETE_IN_PROGRESS")
    handler(_event("Delete", ForecastNames="storecast_corner_shop"), context)
    assert answered == [{"Status": "SUCCESS", "Reason": "done"}]


def test_personalize_goes_in_the_order_it_asks_for(
    answered: list[dict[str, Any]], context: Any, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operations import cleanup

    service = Personalize(
        ("dataset_group", "storecast-corner-shop", ""),
        *((kind, kind, "storecast-corner-shop") for kind in ("dataset", "solution", "filter", "recommender")),
        ("event_tracker", "tracker", "storecast-corner-shop"),
        ("campaign", "campaign", "solution"),
        ("dataset_group", "storecast-corner", ""),
        ("recommender", "another shop's", "storecast-corner"),
        ("schema", "storecast-corner-shop-items-1", ""),
        ("schema", "storecast-corner-items-1", ""),
    )
    _stack_is(stub, "DELETE_IN_PROGRESS")
    real = cleanup.client
    monkeypatch.setattr(cleanup, "client", lambda name: service if name == "personalize" else real(name))
    cleanup.handler(_event("Delete", PersonalizeNames="storecast-corner-shop"), context)
    assert answered == [{"Status": "SUCCESS", "Reason": "done"}]
    assert [name for kind, name in service.there if kind != "schema" or service.there[kind, name][1] == "ACTIVE"] == [
        "storecast-corner",
        "another shop's",
        "storecast-corner-items-1",
    ]
    assert service.deleted.index("campaign") < service.deleted.index("solution") < service.deleted.index("dataset")


def test_a_long_deletion_is_carried_on_by_another_invocation(
    answered: list[dict[str, Any]], context: Any, stub: Any
) -> None:
    from operations.cleanup import handler

    context.get_remaining_time_in_millis = lambda: 1_000
    service, group = stub("forecast"), arn("forecast", "dataset-group/g")
    service.add_response(
        "list_dataset_groups", {"DatasetGroups": [{"DatasetGroupArn": group, "DatasetGroupName": "n"}]}
    )
    service.add_response("list_predictors", {"Predictors": []})
    service.add_response("list_forecasts", {"Forecasts": []})
    service.add_response("delete_resource_tree", {})
    stub("lambda").add_response("invoke", {"StatusCode": 202})
    _stack_is(stub, "DELETE_IN_PROGRESS")
    handler(_event("Delete", ForecastNames="n"), context)
    assert answered == []


def test_what_cannot_be_deleted_fails_the_stack_in_words(
    answered: list[dict[str, Any]], context: Any, stub: Any
) -> None:
    from operations.cleanup import handler

    stub("forecast").add_client_error("list_dataset_groups", "AccessDeniedException", "not allowed to list")
    _stack_is(stub, "DELETE_IN_PROGRESS")
    handler(_event("Delete", ForecastNames="n"), context)
    assert answered[0]["Status"] == "FAILED" and "not allowed to list" in answered[0]["Reason"]


def test_a_destroy_during_a_training_says_what_happens_and_the_second_one_finishes(
    answered: list[dict[str, Any]], context: Any, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A solution version is stopped; a recommender in creation can't be stopped nor deleted, for hours."""
    from operations import cleanup

    service = Personalize(
        ("dataset_group", "storecast-corner-shop", ""),
        ("recommender", "training", "storecast-corner-shop"),
        ("solution", "solution", "storecast-corner-shop"),
        ("solution_version", "version", "solution"),
    )
    for busy in (("recommender", "training"), ("solution_version", "version")):
        service.there[busy][1] = "CREATE IN_PROGRESS"
    real = cleanup.client
    monkeypatch.setattr(cleanup, "client", lambda name: service if name == "personalize" else real(name))
    _stack_is(stub, "DELETE_IN_PROGRESS")
    long_ago = _event("Delete", PersonalizeNames="storecast-corner-shop") | {"Since": 0}
    cleanup.handler(long_ago, context)
    assert service.stopped == ["version"] and answered[-1]["Status"] == "FAILED"
    assert "run the same destroy again then, it deletes the rest" in answered[-1]["Reason"]
    service.there["recommender", "training"][1] = "ACTIVE"
    _stack_is(stub, "DELETE_IN_PROGRESS")
    cleanup.handler(_event("Delete", PersonalizeNames="storecast-corner-shop"), context)
    assert answered[-1]["Status"] == "SUCCESS" and not service.there


def _closed(s3: Any) -> None:
    """What a bucket hears before it is emptied: no access logs, no objects any more."""
    s3.add_response("put_bucket_logging", {}, {"Bucket": "data", "BucketLoggingStatus": {}})
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    s3.add_response("put_bucket_policy", {}, {"Bucket": "data", "Policy": policy})


def test_buckets_are_closed_and_lose_every_version_until_none_comes(
    answered: list[dict[str, Any]], context: Any, stub: Any
) -> None:
    from operations.cleanup import handler

    s3 = stub("s3")
    _closed(s3)
    for name in ("a", "late"):
        s3.add_response(
            "list_object_versions",
            {"Versions": [{"Key": name, "VersionId": "1"}], "DeleteMarkers": [{"Key": name, "VersionId": "2"}]},
        )
        objects = [{"Key": name, "VersionId": "1"}, {"Key": name, "VersionId": "2"}]
        s3.add_response("delete_objects", {}, {"Bucket": "data", "Delete": {"Quiet": True, "Objects": objects}})
    s3.add_response("list_object_versions", {})
    _stack_is(stub, "DELETE_IN_PROGRESS")
    handler(_event("Delete", Buckets=["data"]), context)
    assert answered == [{"Status": "SUCCESS", "Reason": "done"}]


def test_an_object_that_s3_does_not_delete_fails_the_clean_up(
    answered: list[dict[str, Any]], context: Any, stub: Any
) -> None:
    from operations.cleanup import handler

    s3 = stub("s3")
    _closed(s3)
    s3.add_response("list_object_versions", {"Versions": [{"Key": "a", "VersionId": "1"}]})
    refused = {"Key": "a", "VersionId": "1", "Code": "AccessDenied", "Message": "Access Denied"}
    s3.add_response("delete_objects", {"Errors": [refused]})
    _stack_is(stub, "DELETE_IN_PROGRESS")
    handler(_event("Delete", Buckets=["data"]), context)
    assert answered == [{"Status": "FAILED", "Reason": "S3 did not delete data/a: AccessDenied: Access Denied"}]


_STATUSES = boto3.client("cloudformation").meta.service_model.shape_for("StackStatus").enum
_OF_A_STACK_THAT_GOES = {
    "DELETE_IN_PROGRESS": "the stack is being deleted",
    "ROLLBACK_IN_PROGRESS": "the creation of the stack failed and is being rolled back",
}
_ALL_THERE_IS = {
    "StateMachine": arn("states", "stateMachine:m"),
    "ForecastNames": "storecast_corner_shop",
    "PersonalizeNames": "storecast-corner-shop",
    "LearnerNames": "lab_cornershop",
    "Buckets": ["data"],
    "Folders": ["data/workshop/"],
}


@pytest.mark.parametrize("status", sorted(set(_STATUSES) - set(_OF_A_STACK_THAT_GOES)))
def test_nothing_is_deleted_from_a_stack_that_stays(
    status: str, answered: list[dict[str, Any]], context: Any, stub: Any
) -> None:
    """An update that removes or replaces the resource, its rollback, and whatever else is no end of the stack. Any call
    but the one for the status fails in its stub, and the answer with it."""
    from operations.cleanup import handler

    _stack_is(stub, status)
    handler(_event("Delete", **_ALL_THERE_IS), context)
    reason = f"nothing was deleted: the stack is {status}, so it stays"
    assert answered == [{"Status": "SUCCESS", "Reason": reason}]


@pytest.mark.parametrize(("status", "why"), _OF_A_STACK_THAT_GOES.items())
def test_a_stack_that_goes_is_cleaned_up_and_each_step_says_why(
    status: str, why: str, answered: list[dict[str, Any]], context: Any, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operations.cleanup import handler, logger

    monkeypatch.setattr(logger.registered_handler, "stream", log := io.StringIO())
    assert status in _STATUSES
    execution, started = arn("states", "execution:m:e"), datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    running = {"executionArn": execution, "stateMachineArn": _ALL_THERE_IS["StateMachine"], "name": "e"}
    running |= {"status": "RUNNING", "startDate": started}
    _stack_is(stub, status)
    _closed(stub("s3"))
    for at in range(3):  # a second run that began meanwhile is stopped too, before the last look
        executions = [running] if at < 2 else []
        stub("stepfunctions").add_response("list_executions", {"executions": executions})
        if executions:
            stub("stepfunctions").add_response(
                "stop_execution", {"stopDate": started}, {"executionArn": execution, "cause": why}
            )
    stub("s3").add_response("list_object_versions", {"Versions": [{"Key": "a", "VersionId": "1"}]})
    stub("s3").add_response("delete_objects", {})
    for _ in range(2):
        stub("s3").add_response("list_object_versions", {})
    handler(_event("Delete", StateMachine=_ALL_THERE_IS["StateMachine"], Buckets=["data"]), context)
    assert answered == [{"Status": "SUCCESS", "Reason": "done"}]
    logged = [json.loads(line) for line in log.getvalue().splitlines()]
    steps = [line for line in logged if line["message"].startswith(("stopping", "deleting"))]
    assert {line["why"] for line in steps} == {why} and len(steps) == 6


@pytest.mark.parametrize("error", ["AccessDenied", "Throttling", "ValidationError"])
def test_nothing_is_deleted_where_the_status_cannot_be_read(
    error: str, answered: list[dict[str, Any]], context: Any, stub: Any
) -> None:
    """FAILED, so that a deletion is tried again and an update goes on without the resource."""
    from operations.cleanup import handler

    stub("cloudformation").add_client_error("describe_stacks", error, "the cause in CloudFormation's words")
    handler(_event("Delete", **_ALL_THERE_IS), context)
    assert answered[0]["Status"] == "FAILED"
    for said in ("nothing was deleted", "the cause in CloudFormation's words", "delete it again"):
        assert said in answered[0]["Reason"]


def test_an_invocation_that_carries_on_stops_where_the_stack_no_longer_goes(
    answered: list[dict[str, Any]], context: Any, stub: Any
) -> None:
    """CloudFormation gave up waiting, say, and the next deploy is at work."""
    from operations.cleanup import handler

    _stack_is(stub, "UPDATE_IN_PROGRESS")
    handler({**_event("Delete", **_ALL_THERE_IS), "Since": 0.0}, context)
    assert answered[0]["Status"] == "SUCCESS"


def _stack_is(stub: Any, status: str) -> None:
    """What CloudFormation answers about the stack of the events here."""
    described = {"StackName": "n", "CreationTime": datetime(2026, 11, 22, tzinfo=UTC), "StackStatus": status}
    stub("cloudformation").add_response("describe_stacks", {"Stacks": [described]}, {"StackName": _STACK})


@pytest.fixture
def sent(stub: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Notify publishes: one message."""
    monkeypatch.setenv("TOPIC_ARN", arn("sns", "t"))
    found: list[dict[str, Any]] = []
    stub("sns").add_response("publish", {"MessageId": "1"})
    stub("sns").client.meta.events.register(
        "before-parameter-build.sns.Publish", lambda params, **_: found.append(dict(params))
    )
    return found


@pytest.mark.parametrize("count, subject", [(1, "put f0.csv into quarantine"), (7, "put 7 files into quarantine")])
def test_the_mail_about_refused_files_says_each_thing_once(
    context: Any, sent: list[dict[str, Any]], count: int, subject: str
) -> None:
    from operations.notify import handler

    files = [
        {"kind": "target", "file": f"s3://b/f{at}.csv", "movedTo": f"s3://b/q/f{at}.csv", "message": f"row {at}"}
        for at in range(min(count, 5))
    ]
    refused = {"count": count, "files": files}
    handler({"pipeline": "forecasting", "execution": _EXECUTION, "refused": refused}, context)
    assert sent[0]["Subject"] == f"Storecast: forecasting {subject}"
    lines = sent[0]["Message"].splitlines()[2:]
    assert len(lines) == len(set(lines)) == 2 * len(files) + (count > 5) + 2, sent[0]["Message"]


def test_a_subject_is_printable_ascii_of_at_most_100_characters(context: Any, sent: list[dict[str, Any]]) -> None:
    """docs/aws-sources.md#sns-API_Publish: SNS refuses others, and the message would never come."""
    from operations.notify import handler

    refused = {"file": "recommending/x/Käufe\n2026.csv" + "y" * 200, "kind": "k", "movedTo": "m", "message": "m"}
    handler(
        {"pipeline": "recommending", "execution": _EXECUTION, "quarantined": refused | {"importJobArn": "i"}}, context
    )
    assert (
        sent[0]["Subject"].startswith("Storecast: recommending put K?ufe?2026.csvyyy")
        and len(sent[0]["Subject"]) == 100
    )
    assert "Käufe" in sent[0]["Message"]
