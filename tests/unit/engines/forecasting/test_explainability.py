from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting import lightgbm
from storecast_engines.forecasting.autopredictor import train
from storecast_engines.forecasting.explainability import aggregated, impact, normalised

HORIZON = 7


@pytest.fixture
def promoted(make_panel):
    """16 series that sell three times as much when promoted; a second related series and the brand say nothing."""
    rng = np.random.default_rng(4)
    promotion, noise = (rng.random((16, 120 + HORIZON)) < 0.3).astype(float), rng.random((16, 120 + HORIZON))
    target = rng.poisson(20 * (1 + 2 * promotion[:, :120]))
    brand = pd.DataFrame({"brand": ["own", "other"] * 8})
    return make_panel(target, related=np.stack([promotion, noise], axis=2), metadata=brand)


def test_contributions_are_those_of_the_model_that_forecasts(promoted):
    """With the target's own features and the mean they would sum to the forecast: a promotion makes its difference."""
    found = lightgbm.contributions(lightgbm.fit(promoted, HORIZON, ()), promoted, HORIZON)
    mean = lightgbm.forecast(promoted, HORIZON, ()).mean
    ahead = promoted.related[:, 120:, 0] == 1
    assert set(found) == {"r0", "r1", "brand"}
    difference = found["r0"][ahead].mean() - found["r0"][~ahead].mean()
    assert difference == pytest.approx(mean[ahead].mean() - mean[~ahead].mean(), rel=0.1)
    assert np.abs(found["r1"]).mean() < np.abs(found["r0"]).mean() / 10


def test_an_impact_is_scaled_by_the_models_weight(promoted):
    alone = train(promoted, HORIZON, (0.5,), algorithms=("LightGBM",))
    both = train(promoted, HORIZON, (0.5,), algorithms=("SeasonalNaive", "LightGBM"))
    weight = both.weights[:, 1, -1]
    assert 0 < weight.mean() <= 1
    whole, part = impact(alone, promoted, HORIZON), impact(both, promoted, HORIZON)
    assert part.raw == pytest.approx(whole.raw * weight[:, None, None])
    assert np.sign(whole.raw[:, :, 0])[promoted.related[:, 120:, 0] == 1].mean() > 0.9


def test_holidays_are_an_attribute(make_panel):
    rng = np.random.default_rng(1)
    panel = make_panel(rng.poisson(20, (4, 90)))
    with pytest.raises(ValueError, match="attributes"):
        impact(train(panel, HORIZON, (0.5,), algorithms=("LightGBM",)), panel, HORIZON)
    german = replace(panel, country="DE")
    assert set(lightgbm.contributions(lightgbm.fit(german, HORIZON, ()), german, HORIZON)) == {"Holiday_DE"}


def test_aggregates_keep_size_and_direction():
    scores = np.array([[3.0, -1.0, 0.0], [-1.0, -3.0, 0.0]])
    assert aggregated(scores, 0).tolist() == [2.0, -2.0, 0.0]
    assert normalised(scores).tolist() == (scores / 3).tolist()
    assert normalised(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]
