import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from localaws.errors import JobFailed
from localaws.services.forecast import artifacts
from localaws.services.forecast.jobs import forecasts
from storecast_engines.forecasting import ALGORITHMS, UNAVAILABLE, metrics
from storecast_engines.forecasting.autopredictor import default_algorithms, from_parts, predict, to_parts, train

LEVELS = (0.1, 0.5, 0.9)
FAST = ("SeasonalNaive", "NPTS", "LightGBM")


@pytest.fixture(scope="module")
def trained(shop):
    return train(shop.cut(106), 14, LEVELS, algorithms=FAST)


def test_the_ensemble_beats_its_worst_model_on_data_it_has_not_seen(shop, trained):
    def loss(prediction):
        return metrics.pooled(shop.target[:, 106:], prediction, LEVELS, np.ones(len(shop.target))).average_wql

    losses = [loss(ALGORITHMS[name](shop.cut(106), 14, LEVELS)) for name in FAST]
    assert loss(predict(trained, shop.cut(106), 14, LEVELS)) < max(losses)
    assert trained.weights.sum(axis=1) == pytest.approx(1)


def test_the_leaderboard_names_every_algorithm_and_the_ensemble(trained):
    assert set(trained.leaderboard) == {*FAST, "AutoPredictor"}
    best = min(trained.leaderboard, key=lambda name: trained.leaderboard[name]["AverageWeightedQuantileLoss"])
    assert best != "SeasonalNaive"
    assert trained.leaderboard["AutoPredictor"]["WAPE"] == pytest.approx(trained.backtest.summary().wape)


def test_a_predictor_survives_json_and_npz_without_pickle(shop, trained):
    document, arrays = to_parts(trained)
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    again = from_parts(json.loads(json.dumps(document)), np.load(file, allow_pickle=False))
    assert again.algorithms == trained.algorithms and again.leaderboard == trained.leaderboard
    assert vars(again.backtest.summary())["rmse"] == trained.backtest.summary().rmse
    before, after = predict(trained, shop, 3, (0.05, 0.25)), predict(again, shop, 3, (0.05, 0.25))
    assert np.array_equal(before.quantiles, after.quantiles) and np.array_equal(before.mean, after.mean)


def test_a_single_algorithm_is_a_predictor_too(shop):
    trained = train(shop, 14, LEVELS, algorithms=("NPTS",), hyperparameters={"NPTS": {"kernel_type": "uniform"}})
    expected = ALGORITHMS["NPTS"](shop, 14, (0.5,), kernel_type="uniform")
    assert np.array_equal(predict(trained, shop, 14, (0.5,)).quantiles, expected.quantiles)
    assert set(trained.leaderboard) == {"NPTS"}


def test_a_new_series_takes_the_mean_weights(make_panel, shop):
    trained = train(shop, 14, LEVELS, algorithms=("SeasonalNaive", "NPTS"))
    new = make_panel(shop.target[:1])
    new.keys.loc[0, "item_id"] = "new"
    naive, npts = (ALGORITHMS[name](new, 14, ()).mean for name in trained.algorithms)
    share = trained.weights[:, :, -1].mean(axis=0)
    assert predict(trained, new, 14, ()).mean == pytest.approx(share[0] * naive + share[1] * npts)


def test_a_predictor_of_the_mean_alone_has_the_weights_of_the_mean(shop):
    trained, whole = (train(shop, 14, levels, algorithms=("SeasonalNaive", "NPTS")) for levels in ((), LEVELS))
    assert np.array_equal(trained.weights, whole.weights[:, :, -1:])
    assert predict(trained, shop, 2, (0.3,)).quantiles.shape == (24, 2, 1)


def test_another_level_takes_the_weights_of_the_nearest_of_training(shop):
    trained = train(shop, 14, LEVELS, algorithms=("SeasonalNaive", "NPTS"))
    (naive, npts), at = (ALGORITHMS[name](shop, 14, (0.2, 0.8)).quantiles for name in trained.algorithms), [0, 2]
    expected = trained.weights[:, None, 0, at] * naive + trained.weights[:, None, 1, at] * npts
    assert predict(trained, shop, 14, (0.2, 0.8)).quantiles == pytest.approx(np.sort(expected, axis=2))


def test_weights_come_from_two_windows_and_metrics_from_those_asked_for(shop):
    algorithms = ("SeasonalNaive", "NPTS")
    one, two = (train(shop, 14, LEVELS, algorithms=algorithms, windows=windows) for windows in (1, 2))
    assert np.array_equal(one.weights, two.weights)
    assert (len(one.backtest.actual), len(two.backtest.actual)) == (1, 2)
    assert np.array_equal(one.backtest.mean[0], two.backtest.mean[0])
    short = train(shop.cut(30), 14, LEVELS, algorithms=algorithms)  # no room for a second one
    assert short.backtest.actual.shape == (1, 24, 14)


def test_the_slow_take_part_in_small_panels_only(make_panel):
    few, many, hourly = (
        default_algorithms(make_panel(np.ones((n, 30)), freq)) for n, freq in ((10, "D"), (11, "D"), (11, "H"))
    )
    assert few["ARIMA"] == few["ETS"] == few["MSTL"] == {} and "ARIMA" not in many
    assert many["ETS"] == {"model": "ZNZ"} and many["MSTL"] == {"trend": "ANN"}
    assert hourly["MSTL"] == {"trend": "AZN"}


@pytest.mark.parametrize(
    "options, words",
    [
        ({"algorithms": ("Prophecy",)}, "unknown algorithm 'Prophecy', allowed are ARIMA"),
        ({"hyperparameters": {"Prophecy": {}}}, "unknown algorithm 'Prophecy'"),
        ({"metric": "sMAPE"}, "unknown OptimizationMetric 'sMAPE', allowed are AverageWeightedQuantileLoss"),
    ],
)
def test_bad_requests_are_named(shop, options, words):
    with pytest.raises(ValueError, match=words):
        train(shop, 14, LEVELS, **options)


@pytest.mark.skipif(not UNAVAILABLE, reason="every extra is installed")
def test_an_algorithm_that_is_not_there_is_no_other_model_under_its_name(shop):
    for name in UNAVAILABLE:
        with pytest.raises(
            ValueError, match=rf'^{name} is not installed: run `pip install "storecast-engines\[(neural|prophet)\]"`$'
        ):
            train(shop, 14, LEVELS, algorithms=(name,))


def test_extras_take_part_for_few_long_series_where_they_are_installed(make_panel, monkeypatch):
    few, many, short = (make_panel(np.ones(size)) for size in ((10, 300), (11, 300), (10, 300)))
    short.target[:6, 0] = np.nan  # most series have 299 values
    extras = {"Prophet", "CNN-QR", "Deep_AR_Plus"}
    for name in extras:
        monkeypatch.setitem(ALGORITHMS, name, None)
    joined = [extras & set(default_algorithms(panel)) for panel in (few, many, short)]
    assert joined == [{"Prophet", "CNN-QR"}, set(), set()]
    for name in extras:
        monkeypatch.delitem(ALGORITHMS, name)
    assert not extras & set(default_algorithms(few))


def test_a_forecast_names_an_algorithm_that_is_not_installed_any_more(shop, monkeypatch, tmp_path):
    artifacts.save_predictor(tmp_path, train(shop, 14, LEVELS, algorithms=("NPTS",)))
    monkeypatch.setitem(UNAVAILABLE, "NPTS", "npts")
    with pytest.raises(
        JobFailed, match=r'^NPTS is not installed: run `pip install "storecast-engines\[npts\]"`, or here `make npts`'
    ):
        forecasts.forecast_of(shop, {"horizon": 14}, tmp_path, ["0.5"])


def test_messages_of_the_panel_are_kept(shop):
    trained = train(replace(shop, messages=("one series left out",)), 14, LEVELS, algorithms=("NPTS",))
    assert from_parts(*to_parts(trained)).messages == ("one series left out",)
    assert isinstance(from_parts(*to_parts(trained)).keys, pd.DataFrame)


def test_training_says_after_each_fit_how_far_it_is(shop):
    said = []
    train(shop, 14, LEVELS, algorithms=("SeasonalNaive", "NPTS"), progress=lambda *share: said.append(share))
    assert [share for share, _ in said] == [0.25, 0.5, 0.75, 1.0]
    assert [what for _, what in said][::2] == ["SeasonalNaive fitted, 1 of 4 fits", "NPTS fitted, 3 of 4 fits"]


def test_training_says_within_a_long_fit_how_far_it_is(shop):
    said = []
    train(shop, 14, LEVELS, algorithms=("SeasonalNaive", "ETS"), progress=lambda *share: said.append(share))
    shares = [share for share, _ in said]
    assert shares == sorted(shares) and shares[-1] == 1
    assert 0.4 < dict((what, share) for share, what in said)["ETS fitted, 3 of 4 fits"] < 0.6, "ETS takes the time"
    assert any(what == f"ETS: 50% of a fit over {len(shop.keys)} series done" for _, what in said)


def test_a_forecast_says_how_far_it_is(shop):
    said = []
    trained = train(shop, 14, LEVELS, algorithms=("SeasonalNaive", "NPTS"))
    predict(trained, shop, 14, LEVELS, progress=lambda *share: said.append(share))
    assert said == [(0.5, "SeasonalNaive fitted, 1 of 2 fits"), (1.0, "NPTS fitted, 2 of 2 fits")]
