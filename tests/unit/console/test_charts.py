"""The charts' choices: which interval and which line, and that Vega-Lite gets what it needs."""

from __future__ import annotations

import pytest

pytest.importorskip("streamlit")
from storecast.console import charts
from storecast.console.views import forecasts
from tests.unit.console.made_up import DAY, MadeUp


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["p05", "p10", "p25", "p75", "p90", "p95"], ["90% interval", "50% interval"]),
        (["p10", "p50", "p90"], ["80% interval"]),
        (["mean"], []),
    ],
)
def test_the_widest_interval_and_half_of_the_cases_are_drawn(columns: list[str], names: list[str]) -> None:
    assert [name for _, _, name in charts.bands(columns)] == names


@pytest.mark.parametrize(("columns", "line"), [(["p10", "p50", "mean"], "p50"), (["mean"], "mean"), (["p30"], "p30")])
def test_the_line_is_the_median_or_what_is_nearest(columns: list[str], line: str) -> None:
    assert charts.middle(columns) == line


def test_the_forecast_has_past_backtest_intervals_and_scenarios() -> None:
    found = MadeUp().forecast(None, MadeUp().dataset, "milk", {"store": "north"})
    spec = charts.forecast(found, scenarios=["cheaper"]).to_dict()
    rows = [row for data in spec["datasets"].values() for row in data]
    assert {row["series"] for row in rows if "series" in row} == {"sold", "backtest", "forecast", "cheaper"}
    assert {row["interval"] for row in rows if "interval" in row} == {"90% interval", "50% interval"}


def test_a_range_cuts_the_past_and_the_future() -> None:
    found = MadeUp().forecast(None, MadeUp().dataset, "milk", {"store": "north"})
    part = forecasts.within(found, (DAY.date(), DAY.date()))
    assert (len(part.past), len(part.ahead), len(part.backtest)) == (0, 1, 0)
    charts.forecast(part).to_dict()


def test_the_csv_has_the_past_then_the_forecast() -> None:
    found = MadeUp().forecast(None, MadeUp().dataset, "milk", {"store": "north"})
    lines = forecasts.as_csv(forecasts.table(found)).splitlines()
    assert lines[0] == "time,sold,p05,p25,p50,p75,p95,mean"
    assert lines[200] == "2026-11-19T00:00:00,10.0,,,,,," and lines[201].startswith("2026-11-20T00:00:00,,5.0,8.0,10.0")
    assert len(lines) == 1 + 200 + 14
