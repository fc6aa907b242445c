"""What AutoML weighs: each of AWS's algorithms that is installed, without the networks where time counts."""

import pytest

from localaws.services.forecast.api import legacy_predictors
from storecast_engines.forecasting import NEURAL


@pytest.mark.parametrize("extras", [(), ("Prophet",), ("Prophet", *NEURAL)])
def test_auto_ml_weighs_each_algorithm_that_is_installed(monkeypatch: pytest.MonkeyPatch, extras: tuple) -> None:
    installed = ("ARIMA", "ETS", "NPTS", *extras)
    monkeypatch.setattr(
        legacy_predictors, "ALGORITHMS", dict.fromkeys((*installed, "LightGBM", "MSTL", "SeasonalNaive"))
    )
    for strategy in (None, "AccuracyOptimized"):
        assert legacy_predictors.auto_ml_members(strategy) == list(installed)
    assert legacy_predictors.auto_ml_members("LatencyOptimized") == [name for name in installed if name not in NEURAL]
