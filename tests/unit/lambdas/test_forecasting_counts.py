"""What a run says of the series that were delivered: how many it forecast, which not and why; the service's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.lambdas.conftest import FORECASTING, expect_history, expect_services_messages
from tests.unit.lambdas.test_forecasting_time_steps import _FOLDER, _days, _event, _midnight

_ITEMS = [f"SKU-{number}" for number in range(1, 8)]


@pytest.fixture
def event(bucket: Any) -> dict[str, Any]:
    """Seven items are delivered; the related files have rows of one alone, and that one is forecast."""
    days = _days("2026-01-01", 20)
    sold = {item: [(day, 1) for day in days] for item in _ITEMS}
    sold["SKU-2"][3] = (days[3], -4)
    ahead = {"sku-1": [("2026-01-21T00:00:00", 1)]}
    columns = {kind: FORECASTING["config"]["datasets"][kind] for kind in ("target", "related")}
    event = _event(bucket, sold, ahead, {"sku-1": [(when, 1) for when in _midnight(days[-2:])]}, datasets=columns)
    bucket.objects[f"{_FOLDER}related/a.csv"] = "".join(f"SKU-1,{day},2.5\n" for day in days).encode()
    bucket.objects[f"{_FOLDER}target/b.csv"] = b"SKU-8,2026-01-02,\n"
    bucket.plan(_FOLDER, event["run"])
    return event


def _publish(stub: Any, context: Any, event: dict[str, Any], **messages: str) -> dict[str, Any]:
    from forecasting.publish import handler

    expect_services_messages(stub, **messages)
    columns = [{"Name": name} for name in ("item_id", "date", "p50", "mean")]
    stub("glue").add_response("get_table", {"Table": {"Name": "t", "StorageDescriptor": {"Columns": columns}}})
    stub("glue").add_response("create_partition", {})
    return handler(event, context)["summary"]


def test_series_that_are_not_forecast_are_counted_and_named_with_the_reason(
    event: dict[str, Any], bucket: Any, stub: Any, context: Any
) -> None:
    summary = _publish(stub, context, event)
    without = {"reason": "no row in the related files", "series": 6, "named": _ITEMS[1:6]}
    empty = {"reason": "no row has a value of demand", "series": 1, "named": ["SKU-8"]}
    assert summary["series"] == {"delivered": 8, "forecast": 1, "withoutHistory": 0, "leftOut": [without, empty]}
    assert summary["items"] == 1
    report = bucket.objects[f"{_FOLDER}report.html"].decode()
    assert "<b>1 of 8</b>" in report and "no row in the related files" in report
    assert "SKU-2, SKU-3, SKU-4, SKU-5, SKU-6 and 1 more" in report


def test_an_item_that_is_forecast_from_similar_ones_was_not_delivered(
    event: dict[str, Any], bucket: Any, stub: Any, context: Any
) -> None:
    [export] = [key for key in bucket.objects if "/exports/" in key]
    bucket.objects[export] += b"new,2026-01-21T00:00:00Z,1,1\n"
    counts = _publish(stub, context, event)["series"]
    assert (counts["delivered"], counts["forecast"], counts["withoutHistory"]) == (8, 2, 1)
    assert sum(each["series"] for each in counts["leftOut"]) == 7


def test_every_message_of_the_service_reaches_summary_report_and_mail(
    event: dict[str, Any], bucket: Any, stub: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operations.notify import handler

    said = {"dataset_import_job": "row 9 is odd", "predictor": "ETS <failed>", "forecast": "one series is short"}
    summary = _publish(stub, context, event, **said)
    assert summary["notes"] == [
        "rows of the target with a demand below zero: 1; they are used unchanged, so returns, if intended, lower the "
        "forecasts",
        "rows of the target without a demand: 1; they count as missing, and forecasting.filling in pipeline.yaml says "
        "what fills them",
        "import of target: row 9 is odd",
        "predictor p: ETS <failed>",
        "forecast planning: one series is short",
    ]
    report = bucket.objects[f"{_FOLDER}report.html"].decode()
    assert all(message.replace("<", "&lt;").replace(">", "&gt;") in report for message in said.values())

    monkeypatch.setenv("TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:t")
    sent: list[dict[str, Any]] = []
    stub("sns").add_response("publish", {"MessageId": "1"})
    expect_history(stub)
    stub("sns").client.meta.events.register(
        "before-parameter-build.sns.Publish", lambda params, **_: sent.append(dict(params))
    )
    handler({"pipeline": "forecasting", "execution": event["execution"], "summary": summary}, context)
    [mail] = sent
    assert mail["Subject"] == "Storecast: forecasting succeeded; 1 of 8 series forecast"
    assert mail["Message"].startswith("The forecasting run of corner-shop succeeded.\n\nSeries:")
    assert "8 delivered, 1 forecast, 2 time steps ahead" in mail["Message"]
    assert "6 series: no row in the related files (SKU-2, SKU-3, SKU-4, SKU-5, SKU-6 and 1 more)" in mail["Message"]
    assert all(message in mail["Message"] for message in said.values())
    assert summary["report"] in mail["Message"] and "summary.json" in mail["Message"]
    assert len(mail["Message"].splitlines()) < 25 and "{" not in mail["Message"]
    assert summary.items() <= json.loads(mail["MessageAttributes"]["json"]["StringValue"]).items()


def test_published_results_carry_the_names_as_delivered(
    event: dict[str, Any], bucket: Any, stub: Any, context: Any
) -> None:
    from common.store import records

    summary = _publish(stub, context, event)
    exports = summary["forecasts"]["planning"]["exports"]
    assert exports == f"s3://results/{_FOLDER}tables/planning/run={event['run']}/"
    assert [each["item_id"] for each in records("results", exports.removeprefix("s3://results/"))] == ["SKU-1"]


def test_the_mail_of_recommendations_is_for_people(stub: Any, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from operations.messages import text

    summary = {
        "dataset": "shop",
        "recommenders": [{"useCase": "best-sellers", "metrics": {"coverage": 0.5, "precision_at_5": 0.25}}],
        "solutions": [{"name": "alike", "recipe": "aws-similar-items", "metrics": {}, "campaignArn": "c"}],
        "lists": 12,
        "notes": [],
        "batch": {"everyone": {}},
        "dataChanged": True,
        "report": "s3://results/report.html",
        "recommendations": "s3://results/recommendations.json",
    }
    assert text("recommending", summary, {"Run": "https://console"}).splitlines() == [
        "The recommending run of shop succeeded.",
        "",
        "Serving:       1 recommender, 1 campaign",
        "Published:     12 lists, 1 batch",
        "Measured:      best-sellers: coverage 0.5000, precision_at_5 0.2500",
        "Measured:      alike (aws-similar-items): the service returned no metrics",
        "Changed:       trained on new data",
        "Report:        s3://results/report.html",
        "Lists:         s3://results/recommendations.json",
        "Run:           https://console",
    ]
