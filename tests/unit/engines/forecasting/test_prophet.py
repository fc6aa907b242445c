"""Prophet, where the extra is installed (`make prophet`)."""

import numpy as np
import pytest

from storecast_engines.forecasting import prophet

pytest.importorskip("prophet")


def test_a_week_on_a_trend_goes_on(make_panel):
    days = np.arange(154.0)
    truth = 50 + 0.2 * days + 10 * (days % 7 == 5)
    panel = make_panel([truth[:140], truth[:140]])
    prediction = prophet.forecast(panel, 14, (0.1, 0.5, 0.9))
    assert prediction.mean == pytest.approx(np.tile(truth[140:], (2, 1)), rel=0.02)
    assert np.array_equal(prediction.quantiles, prophet.forecast(panel, 14, (0.1, 0.5, 0.9)).quantiles)


def test_forward_looking_related_values_count(make_panel):
    promotion = (np.random.default_rng(2).random((1, 134, 1)) < 0.3).astype(float)
    panel = make_panel(20 + 40 * promotion[:, :120, 0], related=promotion)
    mean = prophet.forecast(panel, 14, ()).mean
    assert mean == pytest.approx(20 + 40 * promotion[:, 120:, 0], abs=3)
