"""The reports that a mail links to, in a browser: on a desktop and a phone, in light and in dark."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, too_wide

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lambdas"))

_KEY = "frozen-vegetables-mixed-family-pack-with-a-long-name / store-of-the-northern-region"


def _forecasting() -> str:
    from forecasting.report import render

    days = [str(date(2026, 1, 1) + timedelta(days=day)) + "T00:00:00" for day in range(60)]
    item: Any = {
        "key": _KEY,
        "volume": 12_345.0,
        "error": 0.2,
        "bias": -0.1,
        "past": [(day, float(i % 7)) for i, day in enumerate(days[:46])],
        "ahead": {
            column: [(day, value) for day in days[46:]] for column, value in (("p10", 2), ("p50", 3), ("p90", 5))
        },
        "behind": {column: [(day, value) for day in days[32:46]] for column, value in (("p10", 1), ("p50", 3))},
    }
    metrics = {
        name: 0.12345 for name in ("AverageWeightedQuantileLoss", "wQL[0.1]", "wQL[0.5]", "WAPE", "RMSE", "MASE")
    }
    summary: Any = {
        "accuracy": [{"algorithm": "AutoPredictor", **metrics}, {"algorithm": "Seasonal naive", "yardstick": True}],
        "bias": 0.01,
        "horizon": 14,
        "history": {"from": days[0], "to": days[45], "steps": 46},
        "series": {"delivered": 2, "forecast": 1, "withoutHistory": 0, "leftOut": []},
        "training": {"trained": True, "reason": "it is the first"},
        "promotion": {"promoted": True, "reason": "it is the first"},
        "failed": [],
        "whatIf": [{"name": "cheaper", "baseline": 1.0, "expected": 2.0, "most": {"key": _KEY, "change": 1.0}}],
        "impact": [{"attribute": "price", "score": -0.8}, {"attribute": "brand", "score": 0.4}],
        "notes": [],
    }
    event: Any = {"dataset": "shop", "run": "r1", "config": {"horizon": 14, "frequency": "D", "quantiles": ["0.5"]}}
    return render(event, [item, {**item, "key": "tea"}], summary, [])


def _recommending() -> str:
    from recommending.report import render

    items: Any = [{"itemId": "1", "name": "Frozen vegetables, a family pack with a name that goes on and on"}] * 3
    lists: Any = [{"for": {"itemId": "1", "name": _KEY}, "items": items}, {"for": {"userId": "u1"}, "items": items}]
    metrics = {"coverage": 0.5, "precision_at_5": 0.1, "precision_at_10": 0.1, "precision_at_25": 0.1}
    made: Any = {"useCase": "also-viewed", "recommenderArn": "a", "metrics": metrics, "lists": lists}
    effect: Any = {"name": "cheap", "expression": "INCLUDE ItemID WHERE Items.PRICE < 3 AND Items.CATEGORY IN ($A)"}
    return render("shop", "r1", [made], [], [effect], [], "Page views are simulated.")


def test_the_text_of_the_chart_is_readable(page: Page) -> None:
    """Not smaller than 11 pixels, and no date over the next one."""
    page.set_content(_forecasting())
    boxes = [text.bounding_box() for text in page.locator("#chart text").all()]
    assert len(boxes) > 5 and min(box["height"] for box in boxes if box) >= 11
    dates = [text.bounding_box() for text in page.locator("#chart text", has_text="2026-").all()]
    assert all(left and right and left["x"] + left["width"] < right["x"] for left, right in zip(dates, dates[1:]))


@pytest.mark.parametrize("report", [_forecasting, _recommending])
def test_a_report_fits_the_width_of_the_screen(page: Page, report: Any) -> None:
    page.set_content(report())
    assert too_wide(page) == []


def test_the_step_under_the_pointer_is_read_out(page: Page) -> None:
    page.set_content(_forecasting())
    box = page.locator("#chart").bounding_box()
    assert box
    at = (box["x"] + box["width"] * 0.95, box["y"] + box["height"] / 2)
    phone = page.viewport_size == PHONE
    (page.touchscreen.tap if phone else page.mouse.move)(*at)
    assert "P10 2" in page.locator("#readout").inner_text()
    page.locator("#item").select_option(label="tea")
    assert page.locator("#readout").inner_text() == ""
