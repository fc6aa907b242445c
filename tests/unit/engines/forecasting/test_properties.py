"""What holds for every algorithm, however odd the series."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from storecast_engines.forecasting import ALGORITHMS, NEURAL

FAST = [name for name in ("NPTS", "SeasonalNaive", "ETS", "MSTL", "LightGBM", "CNN-QR") if name in ALGORITHMS]
LEVELS = st.lists(st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]), unique=True, max_size=5)
VALUES = st.one_of(st.just(np.nan), st.just(0.0), st.integers(-5, 50).map(float), st.floats(-1e12, 1e12))
FREQUENCIES = st.sampled_from(["D", "H", "W", "M", "Y", "15min"])


def check(name, panel, horizon, levels):
    quick = {"epochs": 1} if name in NEURAL else {}
    prediction = ALGORITHMS[name](panel, horizon, levels, **quick)
    n = len(panel.target)
    assert prediction.quantiles.shape == (n, horizon, len(levels)) and prediction.mean.shape == (n, horizon)
    assert np.isfinite(prediction.quantiles).all() and np.isfinite(prediction.mean).all()
    assert (np.diff(prediction.quantiles[:, :, np.argsort(levels)], axis=2) >= 0).all()


@pytest.mark.parametrize("name", FAST)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_forecasts_are_finite_and_do_not_cross(make_panel, name, data):
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 40)))
    target = data.draw(arrays(float, shape, elements=VALUES))
    check(name, make_panel(target, freq=data.draw(FREQUENCIES)), data.draw(st.integers(1, 12)), data.draw(LEVELS))


ODD = {
    "constant": np.full(60, 7.0),
    "zero": np.zeros(60),
    "empty": np.full(60, np.nan),
    "one value": [np.nan] * 59 + [3.0],
    "late start": [np.nan] * 50 + [1.0, 5, 2, 8, 3, 9, 4, 7, 5, 6],
    "gaps": np.where(np.arange(60) % 3, np.arange(60) % 7, np.nan),
    "ended": [*np.arange(40.0) % 7, *[np.nan] * 20],
    "negative": -np.arange(60.0),
    "huge": 1e12 * (1 + np.arange(60) % 7),
    "tiny": 1e-12 * (1 + np.arange(60) % 7),
    "one spike": [0.0] * 59 + [1e6],
    "intermittent": np.arange(60) % 11 == 0,
}


@pytest.mark.parametrize("freq", ["D", "H", "W"])
@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_odd_series_beside_each_other(make_panel, name, freq):
    related = np.tile(np.arange(75.0) % 5, (len(ODD), 1))[:, :, None]
    metadata = pd.DataFrame({"kind": list(ODD)})
    target = np.array([np.asarray(series, float) for series in ODD.values()])
    panel = make_panel(target, freq, related=related, metadata=metadata)
    check(name, panel, 15, (0.9, 0.05, 0.5))


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_short_histories(make_panel, name, steps):
    check(name, make_panel(np.arange(3.0 * steps).reshape(3, steps)), 4, (0.25, 0.75))
