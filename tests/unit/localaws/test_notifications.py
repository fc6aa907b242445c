"""Which status of which resource is an event (docs/aws-sources.md#forecast-notifications)."""

import pytest

from localaws.resources import Resource
from localaws.services.forecast.notifications import event


def resource(kind: str, status: str, **record) -> Resource:
    return Resource("arn:aws:forecast:us-east-1:1:x/y", kind, "y", status, record, created=60.0, modified=60.0 + 150)


@pytest.mark.parametrize(
    ("kind", "status", "detail_type"),
    [
        ("Predictor", "CREATE_IN_PROGRESS", "Forecast Predictor Creation State Change"),
        ("Forecast", "CREATE_STOPPED", "Forecast Forecast Creation State Change"),
        ("ForecastExportJob", "ACTIVE", "Forecast Forecast Export Job State Change"),
        ("PredictorBacktestExportJob", "ACTIVE", "Forecast Predictor Backtest Export Job State Change"),
        ("Explainability", "ACTIVE", "Forecast Explainability Creation State Change"),
        ("ExplainabilityExport", "ACTIVE", "Forecast Explainability Export Job State Change"),
        ("WhatIfAnalysis", "ACTIVE", "Forecast What-If Analysis Creation State Change"),
        ("WhatIfForecastExport", "ACTIVE", "Forecast What-If Forecast Export Creation State Change"),
    ],
)
def test_a_creation_reports_its_minutes(kind: str, status: str, detail_type: str) -> None:
    found, detail = event(resource(kind, status))
    assert found == detail_type
    assert detail == {"Arn": "arn:aws:forecast:us-east-1:1:x/y", "Status": status, "Duration": 2}


def test_a_failure_reports_its_reason_and_a_deletion_no_minutes() -> None:
    assert event(resource("Predictor", "CREATE_FAILED", Message="too short"))[1]["Message"] == "too short"
    assert event(resource("Dataset", "DELETE_IN_PROGRESS")) == (
        "Forecast Dataset Deletion State Change",
        {"Arn": "arn:aws:forecast:us-east-1:1:x/y", "Status": "DELETE_IN_PROGRESS"},
    )


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("Predictor", "CREATE_PENDING"),
        ("Predictor", "CREATE_STOPPING"),
        ("DatasetGroup", "DELETE_IN_PROGRESS"),
        ("ForecastExportJob", "DELETE_IN_PROGRESS"),
        ("Dataset", "ACTIVE"),
    ],
)
def test_what_the_guide_lists_no_event_for_is_none(kind: str, status: str) -> None:
    assert event(resource(kind, status)) is None
