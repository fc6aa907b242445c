import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from storecast_engines.forecasting import ets, local_models, seasonal_naive
from storecast_engines.forecasting.local_models import forecast_each


def count_up(y, steps, x):
    """One more than the last value, two more, ...; nothing for a series that ends in 13."""
    return None if y[-1] == 13 else (y[-1] + 1 + np.arange(steps), np.ones(steps))


def test_what_is_missing_at_the_end_is_forecast_too(make_panel):
    panel = make_panel([[1, np.nan, 3, np.nan, np.nan]])
    assert forecast_each(count_up, panel, 2, (0.5,)).mean.tolist() == [[6, 7]]


def test_gaps_are_bridged_and_only_the_last_values_are_handed_over(make_panel):
    seen = []
    forecast_each(lambda y, steps, x: seen.append(y.tolist()), make_panel([[1, 2, 3, np.nan, 5]]), 1, (), last=4)
    assert seen == [[2, 3, 4, 5]]


def test_a_series_without_an_answer_gets_seasonal_naive(make_panel):
    panel = make_panel([np.arange(14.0)])
    assert forecast_each(count_up, panel, 7, ()).mean.tolist() == seasonal_naive.forecast(panel, 7, ()).mean.tolist()


def test_constant_and_empty_series_are_not_handed_over(make_panel):
    panel = make_panel([[5.0] * 9, [np.nan] * 9])
    assert forecast_each(count_up, panel, 2, ()).mean.tolist() == [[5, 5], [0, 0]]


def test_related_values_are_those_of_the_series_and_the_steps_ahead(make_panel):
    seen = []
    related = np.arange(6.0).reshape(1, 6, 1)
    forecast_each(
        lambda y, steps, x: seen.append(x[:, 0].tolist()),
        make_panel([[np.nan, 1, 2, 3]], related=related),
        2,
        (),
        related=True,
    )
    assert seen == [[1, 2, 3, 4, 5]]


@pytest.mark.parametrize("alone_seconds", [0, 0.05, 60])
def test_several_processes_answer_as_one_does(shop, monkeypatch, alone_seconds):
    monkeypatch.setattr(local_models, "ALONE_SECONDS", alone_seconds)
    one, two = (ets.forecast(shop, 3, (0.9,), model="ANA", workers=workers) for workers in (1, 2))
    assert np.array_equal(one.quantiles, two.quantiles)


def test_the_rest_of_a_long_list_goes_to_other_processes(shop, monkeypatch):
    monkeypatch.setattr(local_models, "ALONE_SECONDS", 0)
    monkeypatch.setattr(local_models, "normal", lambda *arguments: pytest.fail("fitted here"))
    here = []
    monkeypatch.setattr(local_models, "_fit_chunk", lambda fit, jobs: here.append(jobs))
    with pytest.raises(Exception, match="pickle"):  # what is handed to a process must be picklable: it was handed over
        forecast_each(count_up, shop, 3, (), workers=2)
    assert not here


SLOW = """
import os, sys, time
from pathlib import Path
from storecast_engines.forecasting import local_models

def fit(y, steps, x):
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    local_models.ALONE_SECONDS = 0
    local_models._results(fit, [(0, None, None, None)] * 2, 2)
"""


def test_workers_end_with_the_process_that_was_stopped(tmp_path):
    script, pids = tmp_path / "slow.py", tmp_path / "pids"
    script.write_text(SLOW)
    pids.mkdir()
    process = subprocess.Popen(
        [sys.executable, script, pids], env=os.environ | {"PYTHONPATH": os.getcwd()}, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: len(list(pids.iterdir())) == 2)
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: not any(Path("/proc", each.name).exists() for each in pids.iterdir()))


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
