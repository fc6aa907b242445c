"""Panels that the engine's tests share."""

import numpy as np
import pandas as pd
import pytest

from storecast_engines.forecasting.frequency import offset
from storecast_engines.forecasting.panel import Panel


@pytest.fixture(scope="session")
def make_panel():
    def make(target, freq="D", start="2024-01-01", related=None, metadata=None) -> Panel:
        """A panel around an array (n, T); related (n, T+H', k)."""
        target = np.asarray(target, float)
        keys = pd.DataFrame({"item_id": [f"item{i}" for i in range(len(target))]})
        timestamps = pd.date_range(start, periods=target.shape[1], freq=offset(freq))
        names = () if related is None else tuple(f"r{k}" for k in range(related.shape[2]))
        return Panel(keys, timestamps, target, freq, related, names, metadata)

    return make


@pytest.fixture(scope="session")
def shop(make_panel):
    """24 daily series of 120 days with a weekly season, noise and different sizes."""
    rng = np.random.default_rng(3)
    size = rng.uniform(2, 60, 24)[:, None]
    week = 1 + 0.5 * np.sin(2 * np.pi * np.arange(120) / 7)
    return make_panel(rng.poisson(size * week))
