from dataclasses import replace

import numpy as np
import pytest

from storecast_engines.forecasting import ensemble
from storecast_engines.forecasting.backtest import Backtest
from storecast_engines.forecasting.ensemble import AVERAGE_WQL, all_parts, blend, out_of_sample, weights
from storecast_engines.forecasting.metrics import FIELD
from storecast_engines.forecasting.panel import Prediction

METRIC = "WAPE"
PER_SERIES = ("actual", "quantiles", "mean", "scale")
# the model that each metric prefers where `steady` is a little wrong at every step, `spiked` only at one, but far,
# `sharp` has the right median and a wrong mean, and a step that is wrong counts more for MAPE where the value is small
PREFERRED = {
    "WAPE": "spiked",
    "RMSE": "steady",
    "MASE": "spiked",
    "MAPE": "steady",
    "AverageWeightedQuantileLoss": "sharp",
}


def run(errors, horizon=4, windows=1):
    """A backtest in which series i is always 1 and its mean forecast off by errors[i]."""
    errors = np.asarray(errors, float)
    actual = np.ones((windows, len(errors), horizon))
    mean = actual + errors[:, None]
    timestamps, scale = np.zeros((windows, horizon), "datetime64[ns]"), np.ones((windows, len(errors)))
    return Backtest((0.5,), timestamps, actual, mean[..., None], mean, scale)


def of_mean(runs, windows=1, metric=METRIC):
    """(n, A) the weights of the mean."""
    return weights(runs, all_parts(windows), metric)[:, :, -1]


def test_a_model_that_helps_no_series_has_no_weight():
    assert of_mean({"good": run([0.1, 0.1]), "bad": run([1, 1])}).tolist() == [[1, 0], [1, 0]]


def test_each_series_prefers_the_model_that_suits_it():
    odds = np.divide(*of_mean({"a": run([0.1, 1]), "b": run([-1, -0.1])}).T)
    # the shares are the same for both series, 1/loss^2 is 100 to 1 for one of them and 1 to 100 for the other
    assert odds[0] / odds[1] == pytest.approx(100**2)


def test_opposite_errors_share_the_weight():
    assert of_mean({"over": run([1.0]), "under": run([-1.0])}) == pytest.approx(np.array([[0.5, 0.5]]))


def test_weights_stay_finite_when_a_model_is_perfect():
    learned = of_mean({"perfect": run([0, 0]), "bad": run([1, 1])})
    assert np.isfinite(learned).all() and learned[:, 0].min() > 0.9


def test_a_series_without_a_defined_loss_takes_the_shares():
    runs = {"good": run([0.1, 0.1]), "bad": run([1, 1])}
    for name, model in runs.items():
        actual = model.actual.copy()
        actual[0, 1, 0] = np.nan
        runs[name] = replace(model, actual=actual)
    assert of_mean(runs)[1].tolist() == [1, 0]


def test_where_nothing_is_defined_all_weights_are_equal():
    runs = {name: replace(run([1.0]), actual=np.full((1, 1, 4), np.nan)) for name in "ab"}
    assert of_mean(runs).tolist() == [[0.5, 0.5]]


def test_no_part_of_an_out_of_sample_backtest_has_weights_from_its_own_outcome():
    # a is right in the first half only, b in the second: weights learned elsewhere choose the wrong one every time
    a, b = run([0.0]), run([0.0])
    a.mean[:, :, 2:], b.mean[:, :, :2] = 2, 2
    off = np.abs(out_of_sample({"a": a, "b": b}, METRIC).mean - 1)
    assert off.min() > 0.9


def test_with_several_windows_the_weights_of_each_come_from_the_others():
    a, b = run([0.0], windows=2), run([0.0], windows=2)
    a.mean[0], b.mean[1] = 2, 2
    assert np.abs(out_of_sample({"a": a, "b": b}, METRIC).mean - 1).min() > 0.9


@pytest.mark.parametrize("metric", FIELD)
def test_the_weights_follow_the_metric_asked_for(metric):
    runs = {
        name: replace(run([0.0, 0.0]), quantiles=np.full((1, 2, 4, 1), 4.0)) for name in ("steady", "spiked", "sharp")
    }
    for model in runs.values():
        model.actual[:, :, 0] = model.mean[:, :, 0] = 0.5
    runs["steady"].mean[:] += 0.3
    runs["spiked"].mean[:, :, 0] += 1
    runs["sharp"].mean[:] += 3
    runs["sharp"].quantiles[:] = 1
    learned = weights(runs, all_parts(1), metric)[:, :, 0 if metric == AVERAGE_WQL else -1]
    assert list(runs)[int(learned[0].argmax())] == PREFERRED[metric]
    assert list(runs)[int(learned[1].argmax())] == PREFERRED[metric]


def test_the_weights_of_a_level_come_from_its_own_loss_and_those_of_the_mean_from_rmse():
    levels, runs = (0.1, 0.9), {}
    for name, quantiles, error in (("low", (1, 9), 0.0), ("high", (-9, 1), 0.5)):
        model = run([error, error])
        spread = np.broadcast_to(np.array(quantiles, float), (1, 2, 4, 2))
        runs[name] = replace(model, levels=levels, quantiles=spread)
    assert weights(runs, all_parts(1), AVERAGE_WQL)[0].tolist() == [[1, 0, 1], [0, 1, 0]]


def test_levels_with_different_weights_do_not_cross():
    predictions = [
        Prediction(np.array([[[5.0, 6.0]]]), np.ones((1, 1))),
        Prediction(np.array([[[1.0, 2.0]]]), np.ones((1, 1))),
    ]
    found = blend(np.array([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]]), predictions, (0.1, 0.9))
    assert found.quantiles.tolist() == [[[2, 5]]] and found.mean.tolist() == [[1]]


def test_one_large_series_does_not_decide_for_the_others_alone():
    """Its error of one window outweighs those of all others together; samples without it speak for them."""
    errors = {"a": [0.1] * 9 + [1000], "b": [0.2] * 9 + [1]}
    learned = of_mean({name: run(each) for name, each in errors.items()})
    assert learned[-1].argmax() == 1 and learned[0, 0] > 0


@pytest.mark.parametrize("metric", FIELD)
@pytest.mark.parametrize("windows", [1, 2])
def test_weights_of_some_series_are_those_of_all_by_what_all_have_in_common(metric, windows):
    rng = np.random.default_rng(1)
    runs = {name: run(rng.normal(0, size, 12), windows=windows) for name, size in {"a": 0.2, "b": 0.3, "c": 2}.items()}
    some = {name: replace(each, **{of: getattr(each, of)[:, 3:7] for of in PER_SERIES}) for name, each in runs.items()}
    shares = ensemble.learn(runs, all_parts(windows), metric)
    whole = weights(runs, all_parts(windows), metric)
    assert np.array_equal(ensemble.weights_by(shares, some, all_parts(windows), metric), whole[3:7])
    held_out = ensemble.learn_held_out(runs, metric)
    backtest = out_of_sample(runs, metric)
    assert np.array_equal(out_of_sample(some, metric, held_out).mean, backtest.mean[:, 3:7])
