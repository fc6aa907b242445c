"""Public holidays as features, and their effect on forecasts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting import holidays, lightgbm, prophet


def test_days_around_christmas() -> None:
    days = pd.date_range("2024-12-24", "2024-12-28")
    expected = [[0, 1, 7], [1, 0, 0], [0, 6, 1], [0, 5, 2], [0, 4, 3]]
    assert holidays.features(days, "D", "US").tolist() == expected


def test_a_week_counts_its_holidays_and_an_hour_those_of_its_day() -> None:
    weeks = pd.date_range("2024-12-16", periods=2, freq="W-MON")
    assert holidays.features(weeks, "W", "DE")[:, 0].tolist() == [0, 2]
    hours = pd.date_range("2024-12-25 22:00", periods=4, freq="h")
    assert holidays.features(hours, "H", "US").tolist() == [[1, 0, 0], [1, 0, 0], [0, 6, 1], [0, 6, 1]]


@pytest.fixture
def closed_on_holidays(make_panel):
    """Three years of daily sales of 20, none on public holidays of the USA; Christmas lies in the horizon."""
    days = pd.date_range("2021-12-20", "2024-12-19")
    on_holiday = holidays.features(days, "D", "US")[:, 0] > 0
    noise = np.random.default_rng(3).normal(0, 1, (4, len(days)))
    return make_panel(np.where(on_holiday, 0, 20 + noise), start="2021-12-20")


def test_lightgbm_uses_the_holidays_of_the_country(closed_on_holidays) -> None:
    christmas = 5  # 25 December, counted from the first step ahead
    without = lightgbm.forecast(closed_on_holidays, 10, ()).mean[:, christmas]
    aware = lightgbm.forecast(replace(closed_on_holidays, country="US"), 10, ()).mean[:, christmas]
    assert aware == pytest.approx(0, abs=2) and (without > 5).all()


def test_prophet_uses_them_too(closed_on_holidays) -> None:
    pytest.importorskip("prophet")
    mean = prophet.forecast(replace(closed_on_holidays, country="US"), 10, ()).mean
    assert mean[:, 5] == pytest.approx(0, abs=3) and mean[:, 4] == pytest.approx(20, abs=3)
