import numpy as np
import pytest

from storecast_engines.forecasting.tuning import TRIALS, Choices, NumericRange, tune

HORIZON = 7


@pytest.mark.parametrize(
    ("choice", "middle"),
    [
        (NumericRange(0, 100, "Linear"), 50),
        (NumericRange(1, 5), 3),
        (NumericRange(0.0001, 1), 0.01),
        (NumericRange(1, 10_000, "Logarithmic", whole=True), 100),
        (NumericRange(0, 0.9999, "ReverseLogarithmic"), 0.99),
    ],
)
def test_a_range_goes_from_end_to_end_on_its_scale(choice, middle):
    assert choice.value_at(0) == pytest.approx(choice.low) and choice.value_at(0.5) == pytest.approx(middle, rel=0.01)
    assert choice.value_at(0.999) == pytest.approx(choice.high, rel=0.05)
    assert not choice.whole or isinstance(choice.value_at(0.3), int)


def test_the_setting_that_forecasts_best_is_found_without_the_backtest(make_panel):
    """Two levels in turn, a day each: only a seasonal NPTS knows which comes next; the last week is something else."""
    values = np.tile([10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0], (4, 12))
    values[:, -HORIZON:] = 1e6
    space = {"use_seasonal_model": Choices((False, True))}
    found = tune("NPTS", make_panel(values), HORIZON, (0.5,), space, fixed={"exp_kernel_weights": 0.02})
    assert found == {"exp_kernel_weights": 0.02, "use_seasonal_model": True}


def test_a_history_without_room_for_one_more_window_is_refused(make_panel):
    with pytest.raises(ValueError, match="BackTestWindowOffset|windows"):
        tune("NPTS", make_panel(np.ones((1, 20))), HORIZON, (0.5,), {}, fixed={})


def test_every_category_is_tried(make_panel, monkeypatch):
    tried = []
    monkeypatch.setattr(
        "storecast_engines.forecasting.tuning._loss", lambda *given: tried.append(given[-1]["a"]) or 1.0
    )
    space = {"a": Choices(("x", "y", "z")), "b": NumericRange(0, 1)}
    tune("NPTS", make_panel(np.ones((1, 60))), HORIZON, (0.5,), space, fixed={})
    assert len(tried) == TRIALS and set(tried) == {"x", "y", "z"}
