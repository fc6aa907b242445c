import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting import features, lightgbm
from storecast_engines.forecasting.features import RECENT, SEASONS, rows
from storecast_engines.forecasting.lightgbm import forecast


@pytest.fixture
def promoted(make_panel):
    """16 series that sell three times as much when they are promoted; the promotions of the next 14 days are known."""
    rng = np.random.default_rng(4)
    promotion = (rng.random((16, 134, 1)) < 0.3).astype(float)
    return make_panel(rng.poisson(20 * (1 + 2 * promotion[:, :120, 0])), related=promotion)


def test_known_future_promotions_raise_the_forecast(promoted):
    mean = forecast(promoted, 14, ()).mean
    ahead = promoted.related[:, 120:, 0] == 1
    assert mean[ahead].mean() == pytest.approx(60, rel=0.15) and mean[~ahead].mean() == pytest.approx(20, rel=0.15)


def test_quantiles_cover_what_they_say(shop):
    prediction = forecast(shop.cut(106), 14, (0.1, 0.9))
    actual = shop.target[:, 106:]
    inside = (actual >= prediction.quantiles[:, :, 0]) & (actual <= prediction.quantiles[:, :, 1])
    assert 0.65 < inside.mean() < 0.95


def test_one_huge_series_does_not_spoil_the_others(shop, make_panel):
    target = shop.target.copy()
    target[0] *= 1e12
    prediction = forecast(make_panel(target), 7, (0.5,))
    assert prediction.mean[1:] == pytest.approx(forecast(shop, 7, (0.5,)).mean[1:], rel=0.35)


def test_the_same_input_gives_the_same_forecast(shop):
    one, two = (forecast(shop, 3, (0.1, 0.5), workers=workers) for workers in (1, 2))
    assert np.array_equal(one.quantiles, two.quantiles) and np.array_equal(one.mean, two.mean)


def test_a_series_without_history_is_forecast_like_its_category(make_panel):
    rng = np.random.default_rng(5)
    target = rng.poisson(np.repeat([10, 10], 10)[:, None], (20, 60)).astype(float)
    target[0] = np.nan
    panel = make_panel(target, metadata=pd.DataFrame({"category": ["a"] * 10 + ["b"] * 10}))
    prediction = forecast(panel, 3, (0.5,))
    assert np.isfinite(prediction.mean).all()


def test_rows_hold_only_what_is_known_at_their_origin(make_panel):
    values = np.arange(60.0)
    changed = make_panel([np.where(np.arange(60) > 40, -999.0, values)])
    place = np.array([0]), np.array([40]), np.array([9])
    row, same = rows(make_panel([values]), 10, *place), rows(changed, 10, *place)
    assert np.array_equal(row.features, same.features, equal_nan=True)
    unscaled = row.features[0] * row.scale[0]
    assert unscaled[:RECENT] == pytest.approx([40, 39, 38, 37, 36, 35, 34])
    # step 49 is two seasons ahead of 35, the newest known day of the same weekday
    assert unscaled[RECENT : RECENT + SEASONS] == pytest.approx([35, 28, 21, 14])


def test_historical_related_values_count_at_the_origin_and_forward_looking_ones_at_the_step(make_panel):
    related = np.arange(70.0).reshape(1, 70, 1)
    place = np.array([0]), np.array([40]), np.array([9])
    ahead = rows(make_panel(np.ones((1, 60)), related=related), 10, *place)
    behind = rows(make_panel(np.ones((1, 60)), related=related[:, :60]), 10, *place)
    assert ahead.features[0, -2] == 49 and behind.features[0, -2] == 40


def test_rows_come_in_the_order_asked_for_whatever_the_chunks(shop, monkeypatch):
    place = np.array([20, 3, 11, 3]), np.array([50, 60, 70, 80]), np.array([1, 2, 3, 4])
    whole = rows(shop, 7, *place)
    monkeypatch.setattr(features, "CHUNK", 5)
    parts = rows(shop, 7, *place)
    assert np.array_equal(whole.features, parts.features, equal_nan=True) and np.array_equal(whole.scale, parts.scale)


def test_too_few_rows_to_learn_from_are_answered_by_the_seasonal_naive(make_panel):
    """Two days have one row, of which bagging leaves none; four have two for each model where the horizon is one."""
    assert (forecast(make_panel([[3.0, 3.0]]), 1, (0.5,)).mean == 3).all()
    assert (forecast(make_panel([[3.0, 3.0, 3.0, 3.0]]), 1, (0.5,)).mean == 3).all()
    assert np.isfinite(forecast(make_panel([[3.0, 2.0, 3.0, 4.0, 3.0]]), 1, (0.5,)).mean).all()


class Constant:
    """A model that answers the same for all rows, its text the value."""

    def __init__(self, model_str):
        self.value = float(model_str)

    def model_to_string(self):
        return str(self.value)

    def predict(self, rows, **_):
        return np.full(len(rows), self.value)


def test_the_models_share_the_rows_and_are_averaged(shop, monkeypatch):
    seen = []

    def train(settings, part, _):
        seen.append((settings["seed"], part.get_label()))
        return Constant(len(seen))  # the first answers 1, the second 2, in units of the series' scale

    monkeypatch.setattr(lightgbm.lightgbm, "train", train)
    monkeypatch.setattr(lightgbm.lightgbm, "Booster", Constant)
    mean = forecast(shop, 3, ()).mean
    assert mean == pytest.approx(np.repeat(1.5 * shop.target[:, -28:].mean(axis=1)[:, None], 3, axis=1))
    (first, one), (second, other) = seen
    assert first != second and not np.array_equal(one, other)
    assert len(one) == len(other) == 24 * (119 + 118 + 117) // 2


def test_models_of_many_series_forecast_each_alone_also_where_a_category_is_missing(make_panel):
    rng = np.random.default_rng(6)
    category = [f"c{at % 5}" for at in range(30)]
    panel = make_panel(rng.poisson(20, (30, 90)), metadata=pd.DataFrame({"category": category}))
    fitted = lightgbm.fit(panel, 7, (0.1, 0.9))
    together = lightgbm.predict(fitted, panel, 7)
    for at in (0, 29):
        alone = lightgbm.predict(fitted, panel.series(slice(at, at + 1)), 7)
        assert np.array_equal(alone.quantiles[0], together.quantiles[at])
        assert np.array_equal(alone.mean[0], together.mean[at])
    assert np.array_equal(forecast(panel, 7, (0.1, 0.9)).mean, together.mean)
    of_another = make_panel(panel.target[:1], metadata=pd.DataFrame({"category": ["new"]}))
    assert np.isfinite(lightgbm.predict(fitted, of_another, 7).mean).all()
