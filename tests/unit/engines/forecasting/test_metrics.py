from dataclasses import astuple

import numpy as np
import pytest

from storecast_engines.forecasting.metrics import average, per_item, pooled, seasonal_error, totals
from storecast_engines.forecasting.panel import Prediction

# two series, two steps; by hand: e = (2, -1), (0, 4) for the mean
ACTUAL = np.array([[10.0, 4.0], [0.0, 6.0]])
MEAN = np.array([[8.0, 5.0], [0.0, 2.0]])
QUANTILES = np.stack([MEAN - 1, MEAN + 1], axis=2)
SCALE = np.array([3.0, 0.5])


def test_pooled_by_hand():
    m = pooled(ACTUAL, Prediction(QUANTILES, MEAN), (0.1, 0.9), SCALE)
    # level .1, forecasts 7 4 | -1 1: under by 3 0 1 5 -> 2 * .1 * 9 / 20
    # level .9, forecasts 9 6 | 1 3: under by 1 . . 3, over by . 2 1 . -> 2 * (.9 * 4 + .1 * 3) / 20
    assert m.wql == pytest.approx([0.09, 0.39])
    assert m.average_wql == pytest.approx(0.24)
    assert m.wape == pytest.approx(7 / 20)
    assert m.rmse == pytest.approx(np.sqrt((4 + 1 + 0 + 16) / 4))
    assert m.mape == pytest.approx((2 / 10 + 1 / 4 + 4 / 6) / 3)  # the zero actual has no percentage
    assert m.mase == pytest.approx((1.5 / 3 + 2 / 0.5) / 2)


def test_per_item_by_hand():
    m = per_item(ACTUAL, Prediction(QUANTILES, MEAN), (0.1, 0.9), SCALE)
    assert m.wql == pytest.approx(np.array([[0.6 / 14, 2 * (0.9 + 0.2) / 14], [1.2 / 6, 2 * (2.7 + 0.1) / 6]]))
    assert m.wape == pytest.approx([3 / 14, 4 / 6])
    assert m.rmse == pytest.approx([np.sqrt(2.5), np.sqrt(8)])
    assert m.mape == pytest.approx([(0.2 + 0.25) / 2, 4 / 6])
    assert m.mase == pytest.approx([0.5, 4.0])


def test_the_median_quantile_loss_is_the_wape_of_the_median():
    m = pooled(ACTUAL, Prediction(MEAN[:, :, None], MEAN), (0.5,), SCALE)
    assert m.wql[0] == pytest.approx(m.wape)


def test_where_actual_values_sum_to_zero_the_loss_is_not_weighted():
    zeros = np.zeros((1, 2))
    m = pooled(zeros, Prediction(np.ones((1, 2, 1)), np.ones((1, 2))), (0.9,), np.array([1.0]))
    assert m.wql == pytest.approx([2 * 0.1 * 2])
    assert m.wape == pytest.approx(2)
    assert np.isnan(m.mape)


def test_a_series_with_a_missing_actual_value_is_excluded():
    actual = np.vstack([ACTUAL, [[np.nan, 1e6]]])
    prediction = Prediction(np.concatenate([QUANTILES, QUANTILES[:1]]), np.concatenate([MEAN, MEAN[:1]]))
    scale = np.append(SCALE, 1.0)
    assert pooled(actual, prediction, (0.1, 0.9), scale).rmse == pytest.approx(np.sqrt(21 / 4))
    item = per_item(actual, prediction, (0.1, 0.9), scale)
    assert all(np.isnan(values[2]).all() for values in vars(item).values())


def test_summary_is_the_mean_over_windows_where_defined():
    one = per_item(ACTUAL, Prediction(QUANTILES, MEAN), (0.1, 0.9), np.array([3.0, 0.0]))
    two = per_item(ACTUAL, Prediction(QUANTILES + 1, MEAN + 1), (0.1, 0.9), SCALE)
    summary = average([one, two])
    assert summary.rmse == pytest.approx((one.rmse + two.rmse) / 2)
    assert summary.mase[1] == two.mase[1]  # a scale of zero defines no MASE in the first window


def test_seasonal_error_by_hand():
    assert seasonal_error(np.array([[1.0, 5, 2, 9, np.nan, 9]]), 2) == pytest.approx([(1 + 4 + 0) / 3])
    assert np.isnan(seasonal_error(np.ones((1, 2)), 7)).all()


def test_sums_of_two_groups_of_series_add_up_to_the_metrics_of_all():
    rng = np.random.default_rng(2)
    actual, scale = rng.poisson(3, (9, 4)).astype(float), rng.uniform(1, 2, 9)
    actual[2, 1], scale[5] = np.nan, np.nan
    quantiles = np.sort(rng.uniform(0, 6, (9, 4, 2)), axis=2)

    def of(which):
        found = Prediction(quantiles[which], quantiles[which].mean(axis=2))
        return totals(actual[which], found, (0.1, 0.9), scale[which])

    whole, parts = of(slice(None)).pooled(), (of(slice(0, 4)) + of(slice(4, 9))).pooled()
    for one, other in zip(astuple(whole), astuple(parts)):
        assert one == pytest.approx(other, rel=1e-12)
    assert all(np.isnan(each).all() for each in astuple(of(slice(2, 3)).pooled()))
