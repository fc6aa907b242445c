"""ETS, ARIMA and MSTL against what R's forecast package answers for the classic airline series."""

import numpy as np
import pytest
from statsforecast.mstl import mstl as library_mstl
from statsforecast.utils import AirPassengers

from storecast_engines.forecasting import ALGORITHMS, arima, ets, mstl

JANUARY_TO_MARCH_1961 = {"ARIMA": [445.63, 420.40, 449.20], "ETS": [441.80, 434.12, 496.63]}  # auto.arima, ets


@pytest.fixture
def airline(make_panel):
    return make_panel([AirPassengers], freq="M", start="1949-01-01")


@pytest.mark.parametrize("name", ["ARIMA", "ETS"])
def test_the_airline_forecast_is_that_of_r(airline, name):
    assert ALGORITHMS[name](airline, 3, (0.5,)).mean[0] == pytest.approx(JANUARY_TO_MARCH_1961[name], rel=0.015)


def test_arima_intervals_are_those_of_r(airline):
    prediction = arima.forecast(airline, 1, (0.1, 0.9))  # R: 430.89 and 460.38 at 80%
    assert prediction.quantiles[0, 0] == pytest.approx([430.89, 460.38], rel=0.01)


@pytest.mark.parametrize("algorithm", [ets.forecast, mstl.forecast, arima.forecast])
def test_a_season_and_a_trend_are_carried_on(make_panel, algorithm):
    step = np.arange(77)
    noise = np.random.default_rng(1).normal(0, 0.1, 77)
    signal = 50 + 0.5 * step + 10 * np.sin(2 * np.pi * step / 7)
    prediction = algorithm(make_panel([(signal + noise)[:70]]), 7, (0.5,))
    assert prediction.mean[0] == pytest.approx(signal[70:], abs=1.5)


def test_arima_uses_fourier_terms_for_a_long_season(make_panel):
    step = np.arange(240)
    signal = 20 + 5 * np.sin(2 * np.pi * step / 24) + np.random.default_rng(1).normal(0, 0.1, 240)
    prediction = arima.forecast(make_panel([signal[:216]], freq="H"), 24, (0.5,))
    assert prediction.mean[0] == pytest.approx(signal[216:], abs=0.6)


def test_arima_can_use_related_series_and_says_when_they_end_too_early(make_panel):
    rng = np.random.default_rng(2)
    promotion = rng.integers(0, 2, (1, 90, 1)).astype(float)
    target = 10 + 20 * promotion[:, :80, 0] + rng.normal(0, 0.5, (1, 80))
    panel = make_panel(target, related=promotion)
    mean = arima.forecast(panel, 10, (0.5,), use_related=True).mean[0]
    assert mean == pytest.approx(10 + 20 * promotion[0, 80:, 0], abs=2)
    with pytest.raises(ValueError, match="related series for 11 steps ahead, there are 10"):
        arima.forecast(panel, 11, (0.5,), use_related=True)


def test_mstl_takes_two_seasons_apart_as_the_library_does_without_jumps(make_panel):
    step, rng = np.arange(24 * 7 * 4), np.random.default_rng(5)
    day, week = 10 * np.sin(2 * np.pi * step / 24), 6 * np.sin(2 * np.pi * step / 168)
    y = 50 + day + week + rng.normal(0, 1, len(step))
    parts, exact = mstl._seasonal_parts(y, (24, 168)), library_mstl(y, [24, 168])
    for part, name in zip(parts, ("seasonal24", "seasonal168"), strict=True):
        assert np.abs(part - exact[name]).max() < 0.03 * y.std()
    mean = mstl.forecast(make_panel([y], freq="H"), 48, (0.5,)).mean[0]
    ahead = np.arange(len(step), len(step) + 48)
    truth = 50 + 10 * np.sin(2 * np.pi * ahead / 24) + 6 * np.sin(2 * np.pi * ahead / 168)
    assert mean == pytest.approx(truth, abs=3.5)
