"""The benchmarks run from a folder with data, and say why they do not without one."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import m4, recorded, spark, speed
from benchmarks.speed import retail
from storecast_engines.distributed import Request
from storecast_engines.files import Layout, time_series
from storecast_engines.forecasting import seasonal_naive
from storecast_engines.forecasting.panel import Prediction, build_panel


@pytest.fixture
def shared(tmp_path):
    """A folder as `benchmarks.recorded` reads it: one series of weekdays, of which 30 days count."""
    folder = tmp_path / recorded.PLACE.parent
    folder.mkdir(parents=True)
    days = pd.date_range("2024-01-01", periods=44)
    rows = pd.DataFrame({"timestamp": days, "target_value": days.dayofweek + 1.0, "item_id": "a"})
    rows.to_csv(folder / "week.csv", header=False, index=False)
    case = {
        "name": "week",
        "file": "week.csv",
        "columns": ["timestamp", "target_value", "item_id"],
        "train_before": "2024-01-31",
        "frequency": "D",
        "horizon": 7,
        "results": {"ARIMA": {"RMSE": 1.25, "wQL": {"0.1": 0.3, "0.5": 0.2, "0.9": 0.1}}},
    }
    (tmp_path / recorded.PLACE).write_text(json.dumps({"cases": [case]}))
    return tmp_path


def test_the_files_for_spark_hold_the_series_of_the_single_process(tmp_path) -> None:
    panel = retail(5, days=60)
    request = spark.written(panel, tmp_path, files=2)
    layout = Layout(request.target.columns, request.target.timestamp_format, ["item_id"])
    rows = pd.concat([time_series.read(file, layout) for file in request.target.files])
    found = build_panel(rows, None, None, item_key="item_id", target_name="demand", freq="D", horizon=28)
    assert np.array_equal(found.target, panel.target) and found.keys.equals(panel.keys)
    assert Request.from_json(request.to_json()) == request


def test_each_algorithm_is_measured_beside_what_was_recorded(shared, capsys) -> None:
    recorded.main(["--shared", str(shared), "--only", "SeasonalNaive"])
    printed = capsys.readouterr().out
    assert "1 series of 30 steps (D), horizon 7" in printed
    assert "| Amazon Forecast | ARIMA | 1.25 | 0.3000 0.2000 0.1000 | 0.2000 |" in printed
    assert "| Storecast | SeasonalNaive | 0.00 |" in printed


def test_auto_predictor_is_trained_without_the_window(shared) -> None:
    (case,) = recorded.cases(shared)
    panel = recorded.load(shared, case)
    seen = panel.target.copy()
    panel.target[:, -7:] = 1000.0
    assert recorded.measure("AutoPredictor", panel, 7).rmse > 900
    assert np.array_equal(panel.target[:, :-7], seen[:, :-7])


@pytest.mark.parametrize("arguments", [[], ["--shared", "nowhere"]])
def test_without_the_data_one_sentence_says_so(arguments, capsys, monkeypatch) -> None:
    monkeypatch.delenv("STORECAST_SHARED", raising=False)
    recorded.main(arguments)
    (sentence,) = capsys.readouterr().out.splitlines()
    assert sentence.startswith("Skipped: there is no data/forecast/recorded.json")


def test_speed_reports_seconds_memory_and_losses(capsys, monkeypatch) -> None:
    monkeypatch.setattr(speed, "retail", lambda count: retail(count, days=140))
    speed.main(["--series", "3", "--windows", "1", "--workers", "1"])
    printed = capsys.readouterr().out
    assert "3 daily series of 140 days" in printed and "peak memory" in printed and "AutoPredictor" in printed


@pytest.fixture
def m4_data(tmp_path):
    """A folder as `benchmarks.m4` reads it: four weekly series, the second one shorter."""
    folder = tmp_path / m4.PLACE
    folder.mkdir(parents=True)
    rows = np.tile(np.arange(80.0) % 4 + 1, (4, 1))
    train = pd.DataFrame(rows[:, :76], index=[f"W{i}" for i in range(1, 5)])
    train.loc["W2", 60:] = np.nan
    train.to_csv(folder / "Weekly-train.csv.xz")
    pd.DataFrame(rows[:, 76:], index=train.index).to_csv(folder / "Weekly-test.csv.xz")
    return tmp_path


def test_m4_series_end_together_and_a_sample_is_spread(m4_data) -> None:
    panel, actual = m4.load(m4_data / m4.PLACE, m4.DATASETS[1], sample=4)
    assert panel.target[1, -1] == 59 % 4 + 1 and np.isnan(panel.target[1, :16]).all() and actual.shape == (4, 4)
    assert m4.load(m4_data / m4.PLACE, m4.DATASETS[1], sample=2)[0].keys["item_id"].tolist() == ["W1", "W3"]


def test_m4_measures_methods_alike_and_names_the_front(m4_data, monkeypatch, capsys) -> None:
    def perfect(panel, horizon):
        ahead = np.tile(np.arange(76.0, 76 + horizon) % 4 + 1, (len(panel.keys), 1))
        return Prediction(np.repeat(ahead[:, :, None], 3, axis=2), ahead)

    def naive(panel, horizon):
        return seasonal_naive.forecast(panel, horizon, m4.LEVELS)

    monkeypatch.setattr(m4, "methods", lambda dataset: {m4.AUTO: naive, "perfect": perfect})
    m4.main(["--shared", str(m4_data), "--only", "Weekly"])
    printed = capsys.readouterr().out
    assert "Weekly: 4 series of at most 76 steps, horizon 4" in printed
    assert "| perfect | 0.00 | 0.000 | 0.000 | 0.0000 | 0.0000 |" in printed
    assert f"owa: {m4.AUTO} is" in printed
    m4.main(["--shared", str(m4_data), "--only", "Weekly", "--methods", "perfect"])
    printed = capsys.readouterr().out
    assert "| perfect |" in printed and m4.AUTO not in printed


def test_naive2_takes_the_season_out_where_there_is_one(m4_data) -> None:
    panel, actual = m4.load(m4_data / m4.PLACE, m4.DATASETS[1], sample=4)
    rising = panel.target * 1.01 ** np.arange(76)
    seasonal = m4.naive2(replace(panel, target=rising), 4, season=4)
    last = rising[0, -4:]  # known but for the growth of a season
    assert seasonal[0] == pytest.approx(last * 1.04, rel=0.05)
    assert m4.naive2(replace(panel, target=rising), 4, season=1)[0].tolist() == [rising[0, -1]] * 4
    noise = np.random.default_rng(4).uniform(1, 2, panel.target.shape)
    assert np.ptp(m4.naive2(replace(panel, target=noise), 4, season=4)[0]) == 0


def test_owa_is_the_error_as_a_multiple_of_naive2s(m4_data) -> None:
    panel, actual = m4.load(m4_data / m4.PLACE, m4.DATASETS[1], sample=4)

    def naive2(panel, horizon):
        median = m4.naive2(panel, horizon, 4)
        return Prediction(np.repeat(median[:, :, None], 3, axis=2), median)

    panel = replace(panel, target=panel.target * 1.01 ** np.arange(76))
    assert m4.measure(naive2, panel, actual, season=4).owa == pytest.approx(1)


def test_the_front_asks_for_better_and_faster() -> None:
    own = m4.Score(smape=10, mase=1, owa=1, wql=0.1, item_wql=0.1, speed=5)
    scores = {"own": own, "slow": replace(own, wql=0.05, speed=1), "worse": replace(own, wql=0.2, speed=9)}
    assert m4.in_front(scores, "own", "wql") == []
    assert m4.in_front(scores | {"both": replace(own, wql=0.05, speed=6)}, "own", "wql") == ["both"]
