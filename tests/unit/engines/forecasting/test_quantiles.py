import numpy as np
import pytest

from storecast_engines.forecasting.fallback import with_fallback
from storecast_engines.forecasting.quantiles import check_levels, normal, uncrossed
from storecast_engines.forecasting.seasonal_naive import forecast


def test_normal_quantiles():
    quantiles = normal(np.array([[10.0]]), np.array([[2.0]]), (0.975, 0.5))
    assert quantiles.ravel() == pytest.approx([10 + 1.959964 * 2, 10])


def test_uncrossed_keeps_the_order_of_the_levels_asked_for():
    assert uncrossed(np.array([[3.0, 2.0, 1.0]]), (0.5, 0.9, 0.1)).tolist() == [[2, 3, 1]]


@pytest.mark.parametrize("level", [0, 1, -0.1, 50])
def test_levels_outside_zero_and_one_are_errors(level):
    with pytest.raises(ValueError, match=f"quantile level {level}"):
        check_levels((0.5, level))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e6, -1e6])
def test_a_series_with_an_unbelievable_forecast_gets_seasonal_naive(make_panel, bad):
    panel = make_panel([np.arange(14.0), np.arange(14.0)])
    mean = np.full((2, 3), 7.0)
    mean[1, 2] = bad
    prediction = with_fallback(panel, normal(mean, np.ones((2, 3)), (0.1, 0.9)), mean, (0.1, 0.9))
    naive = forecast(panel, 3, (0.1, 0.9))
    assert prediction.mean.tolist() == [[7, 7, 7], naive.mean[1].tolist()]
    assert np.array_equal(prediction.quantiles[1], naive.quantiles[1])


def test_a_quantile_alone_can_be_unbelievable(make_panel):
    panel = make_panel([np.arange(14.0)])
    mean = np.full((1, 3), 7.0)
    assert with_fallback(panel, normal(mean, np.full((1, 3), 1e3), (0.9,)), mean, (0.9,)).mean.tolist() == [[7, 8, 9]]


def test_a_series_without_history_only_has_to_be_finite(make_panel):
    panel = make_panel([[np.nan, np.nan]])
    assert with_fallback(panel, np.full((1, 1, 1), 5e9), np.full((1, 1), 4e9), (0.5,)).mean.item() == 4e9
