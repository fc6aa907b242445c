"""What the steps send to CloudWatch, in its embedded metric format."""

from __future__ import annotations

import json
from typing import Any

import pytest


def _sent(capsys: pytest.CaptureFixture) -> list[dict[str, Any]]:
    lines = [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    return [json.loads(line) for line in lines]


def test_figures_carry_their_dimensions_and_leave_out_what_is_unknown(capsys: pytest.CaptureFixture) -> None:
    from common import metrics

    metrics.put({"WAPE": 0.25, "MASE": None}, dataset="shop", pipeline="forecasting")
    metrics.put({"WAPE": None}, dataset="shop", pipeline="forecasting")
    [sent] = _sent(capsys)
    [about] = sent["_aws"]["CloudWatchMetrics"]
    assert about["Namespace"] == "Storecast" and about["Dimensions"] == [["dataset", "pipeline", "service"]]
    assert (sent["WAPE"], sent["dataset"], sent["service"]) == ([0.25], "shop", "storecast")
    assert "MASE" not in sent


def test_a_run_is_measured_by_its_own_predictor_not_by_the_yardstick() -> None:
    from operations.figures import figures

    run = {"stateTransitions": 200, "lambdaInvocations": 12, "seconds": {"Import": 20.0}}
    counted = [({"StateTransitions": 200, "LambdaInvocations": 12}, {}), ({"StepSeconds": 20.0}, {"step": "Import"})]
    board = [{"algorithm": "SeasonalNaive", "WAPE": 0.1}, {"algorithm": "ETS", "WAPE": 0.2, "RMSE": 3.0}]
    forecasts = {"planning": {"types": ["0.5", "mean"]}, "fan": {"types": ["0.9"]}}
    measured = {"AverageWeightedQuantileLoss": None, "WAPE": 0.2, "RMSE": 3.0}
    summary = {"accuracy": board, "forecasts": forecasts, "items": 10, "horizon": 7, "whatIf": [{"name": "cheaper"}]}
    assert figures(summary, run) == [
        *counted,
        (measured, {}),
        (measured, {"algorithm": "ETS"}),
        ({"ForecastPoints": 350}, {}),
    ]
    made = [{"useCase": "most-viewed", "metrics": {"coverage": 0.5}}]
    solutions = [{"name": "alike", "metrics": {"coverage": 0.4}, "campaignArn": "c"}, {"name": "b", "metrics": {}}]
    assert figures({"recommenders": made, "solutions": solutions}, run) == [
        *counted,
        ({"coverage": 0.5}, {"use_case": "most-viewed"}),
        ({"coverage": 0.4}, {"solution": "alike"}),
        ({}, {"solution": "b"}),
        ({"Recommenders": 1, "Campaigns": 1}, {}),
    ]


def test_the_age_of_the_newest_upload_is_reported(bucket: Any, capsys: pytest.CaptureFixture) -> None:
    from common import deliveries

    bucket.objects["forecasting/shop/target/a.csv"] = b"milk,2026-01-01,3\n"
    deliveries.Uploads.listed("data", "forecasting/shop/").report_age("shop")
    deliveries.Uploads.listed("data", "forecasting/empty/").report_age("empty")
    [sent] = _sent(capsys)
    assert sent["HoursSinceUpload"] == [pytest.approx(48, abs=0.1)] and sent["pipeline"] == "forecasting"
