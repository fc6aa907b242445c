import numpy as np
import pytest

from storecast_engines.forecasting import seasonal_naive
from storecast_engines.forecasting.backtest import backtest, window_starts


def test_windows_are_newest_first_and_one_horizon_apart():
    assert window_starts(100, 10) == [90]
    assert window_starts(100, 10, windows=3) == [90, 80, 70]
    assert window_starts(100, 10, windows=2, offset=14) == [86, 76]


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((100, 10, 0), "NumberOfBacktestWindows is 0, allowed are 1 to 5"),
        ((100, 10, 6), "NumberOfBacktestWindows is 6"),
        ((100, 10, 1, 9), "BackTestWindowOffset is 9: it must be at least the forecast horizon \\(10\\)"),
        ((100, 10, 1, 50), "less than half of the target time series' 100 time steps"),
        ((20, 10), "less than half"),
        ((45, 10, 4), "4 backtest windows of 10 steps leave only 5 of 45"),
    ],
)
def test_window_rules_are_checked(arguments, words):
    with pytest.raises(ValueError, match=words):
        window_starts(*arguments)


def test_each_window_is_forecast_from_what_came_before_it(make_panel):
    history = np.arange(28.0)  # seasonal naive is always one week, so 7, behind; two weeks, so 14, in the second week
    run = backtest(seasonal_naive.forecast, make_panel([history]), 7, (0.5,), window_starts(28, 7, windows=2))
    assert run.actual[:, 0].tolist() == [[*range(21, 28)], [*range(14, 21)]]
    assert np.array_equal(run.actual - run.mean, np.full((2, 1, 7), 7))
    assert run.timestamps[:, 0].tolist() == np.array(["2024-01-22", "2024-01-15"], "datetime64[ns]").tolist()
    assert run.scale.tolist() == [[7], [7]]
    assert [m.mase for m in run.window_metrics()] == [1, 1]
    assert run.summary().wape == pytest.approx((7 * 7 / sum(range(21, 28)) + 7 * 7 / sum(range(14, 21))) / 2)
    assert run.item_summary().wape == pytest.approx([run.summary().wape])


def test_forward_looking_related_values_of_the_window_are_handed_over(make_panel):
    related = np.arange(23.0).reshape(1, 23, 1)
    seen = []

    def algorithm(panel, horizon, levels):
        seen.append(panel.related[0, :, 0].tolist())
        return seasonal_naive.forecast(panel, horizon, levels)

    backtest(algorithm, make_panel(np.ones((1, 20)), related=related), 3, (0.5,), [17])
    assert seen == [list(range(20))]


def test_series_with_missing_values_in_the_window_do_not_contribute(make_panel):
    target = np.ones((2, 20))
    target[1, 18] = np.nan
    run = backtest(seasonal_naive.forecast, make_panel(target), 5, (0.5,), [15])
    assert run.item_counts() == [1]
    assert np.isnan(run.item_summary().rmse).tolist() == [False, True]
