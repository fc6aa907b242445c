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
    from operations.notify import measured

    board = [{"algorithm": "SeasonalNaive", "WAPE": 0.1}, {"algorithm": "AutoPredictor", "WAPE": 0.2, "RMSE": 3.0}]
    assert measured({"dataset": "shop", "accuracy": board}) == [
        ({"AverageWeightedQuantileLoss": None, "WAPE": 0.2, "RMSE": 3.0}, {})
    ]
    made = [{"useCase": "most-viewed", "metrics": {"coverage": 0.5}}]
    assert measured({"dataset": "shop", "recommenders": made}) == [
        ({"coverage": 0.5}, {"use_case": "most-viewed"}),
        ({"Recommenders": 1}, {}),
    ]


def test_the_age_of_the_newest_upload_is_told(bucket: Any, capsys: pytest.CaptureFixture) -> None:
    from common import deliveries

    bucket.objects["forecasting/shop/target/a.csv"] = b"milk,2026-01-01,3\n"
    deliveries.tell_age("data", "forecasting/shop/", "shop")
    deliveries.tell_age("data", "forecasting/empty/", "empty")
    [sent] = _sent(capsys)
    assert sent["HoursSinceUpload"] == [pytest.approx(48, abs=0.1)] and sent["pipeline"] == "forecasting"
