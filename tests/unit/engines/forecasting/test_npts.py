import numpy as np
import pytest

from storecast_engines.forecasting.npts import forecast

NAN = np.nan


def test_climatological_forecaster_has_the_quantiles_of_the_past(make_panel):
    prediction = forecast(
        make_panel([[3, 1, 2, 4]]), 2, (0.25, 0.26, 0.5, 0.99), kernel_type="uniform", use_seasonal_model=False
    )
    assert prediction.quantiles.tolist() == [[[1, 2, 2, 4]] * 2]
    assert prediction.mean.tolist() == [[2.5, 2.5]]


def test_exponential_kernel_by_hand(make_panel):
    # weights 1/4, 1/2, 1 of the values 9, 5, 1: cumulated from below 4/7, 6/7, 1
    prediction = forecast(
        make_panel([[9, 5, 1]]), 1, (0.5, 0.6, 0.9), exp_kernel_weights=np.log(2), use_seasonal_model=False
    )
    assert prediction.quantiles.tolist() == [[[1, 5, 9]]]
    assert prediction.mean[0, 0] == pytest.approx((9 / 4 + 5 / 2 + 1) / (7 / 4))


def test_seasonal_variant_takes_the_same_day_of_the_week(make_panel):
    days = np.tile(np.arange(7.0), 3)
    prediction = forecast(make_panel([days]), 9, (0.1, 0.9))
    assert prediction.mean[0] == pytest.approx([0, 1, 2, 3, 4, 5, 6, 0, 1])
    assert prediction.quantiles[0, :, 0].tolist() == prediction.quantiles[0, :, 1].tolist()


def test_a_season_never_seen_takes_all_observations(make_panel):
    prediction = forecast(make_panel([[1, 3]]), 3, (0.5,), kernel_type="uniform")
    assert prediction.mean.tolist() == [[2, 2, 2]]


def test_missing_values_have_no_weight_and_an_empty_series_gets_zeros(make_panel):
    panel = make_panel([[NAN, 2, NAN, 4], [NAN] * 4])
    prediction = forecast(panel, 1, (0.5, 0.9), kernel_type="uniform", use_seasonal_model=False)
    assert prediction.quantiles.tolist() == [[[2, 4]], [[0, 0]]]
    assert prediction.mean.tolist() == [[3], [0]]


def test_context_length_forgets_the_distant_past(make_panel):
    assert forecast(make_panel([[100, 1, 1]]), 1, (0.99,), context_length=2).quantiles.item() == 1


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"kernel_type": "gauss"}, "'gauss', allowed are exponential, uniform"),
        ({"exp_kernel_weights": 0.0}, "must be positive"),
        ({"context_length": 0}, "must be positive"),
    ],
)
def test_hyperparameters_are_checked(make_panel, wrong, words):
    with pytest.raises(ValueError, match=words):
        forecast(make_panel([[1, 2]]), 1, (0.5,), **wrong)
