import numpy as np
import pytest
from scipy.stats import norm

from storecast_engines.forecasting.seasonal_naive import forecast

NAN = np.nan


def test_the_last_season_is_repeated_and_the_intervals_grow_by_the_season(make_panel):
    history = np.concatenate([np.arange(7.0), np.arange(7.0) + [2, -2, 2, -2, 2, -2, 2]])
    prediction = forecast(make_panel([history]), 9, (0.9, 0.5))
    assert prediction.mean[0].tolist() == [*history[7:], *history[7:9]]
    assert prediction.quantiles[0, :, 1].tolist() == prediction.mean[0].tolist()
    width = prediction.quantiles[0, :, 0] - prediction.mean[0]
    assert width[:7] == pytest.approx(2 * norm.ppf(0.9)) and width[7:] == pytest.approx(2 * np.sqrt(2) * norm.ppf(0.9))


def test_places_without_a_value_take_the_newest_one(make_panel):
    panel = make_panel([[NAN, 5, NAN], [NAN, NAN, NAN], [1, 2, 3]])
    assert forecast(panel, 4, (0.5,)).mean.tolist() == [[5, 5, 5, 5], [0, 0, 0, 0], [1, 2, 3, 1]]


def test_an_older_season_fills_a_gap_in_the_newest(make_panel):
    history = [*range(7), 10, NAN, *range(12, 17)]
    assert forecast(make_panel([history]), 2, (0.5,)).mean.tolist() == [[10, 1]]
