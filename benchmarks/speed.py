"""How long an AutoPredictor takes for many daily series of two years, and its memory, on made-up data."""

import argparse
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from storecast_engines.forecasting import autopredictor
from storecast_engines.forecasting.panel import Panel

DAYS, HORIZON, LEVELS = 730, 28, (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Speed:
    train_seconds: float
    predict_seconds: float
    cpu_seconds: float  # of this process: all there is where there is one worker
    peak_mib: float  # of this process
    leaderboard: dict[str, float]


def retail(count: int, days: int = DAYS) -> Panel:
    """Poisson sales with a week, a year, a slow trend and noise; one series in four is intermittent."""
    rng = np.random.default_rng(11)
    day = np.arange(days)
    size = np.exp(rng.normal(2.5, 1.2, (count, 1)))
    size[::4] = rng.uniform(0.05, 0.5, (len(size[::4]), 1))
    week = np.exp(rng.normal(0, 0.3, (count, 7)))[:, day % 7]
    year = 1 + 0.25 * np.sin(2 * np.pi * (day / 365.25 + rng.random((count, 1))))
    trend = 1 + rng.normal(0, 0.15, (count, 1)) * day / days
    target = rng.poisson(size * week * year * trend * rng.gamma(20, 1 / 20, (count, days))).astype(float)
    keys = pd.DataFrame({"item_id": [f"item{i}" for i in range(count)]})
    return Panel(keys, pd.date_range("2024-01-01", periods=days), target, "D", None, (), None)


def measure(
    panel: Panel, windows: int = 2, workers: int = 1, horizon: int = HORIZON, algorithms: Sequence[str] | None = None
) -> Speed:
    used = time.process_time()
    began = time.perf_counter()
    trained = autopredictor.train(panel, horizon, LEVELS, windows=windows, workers=workers, algorithms=algorithms)
    middle = time.perf_counter()
    autopredictor.predict(trained, panel, horizon, LEVELS, workers=workers)
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    losses = {name: values["AverageWeightedQuantileLoss"] for name, values in trained.leaderboard.items()}
    return Speed(middle - began, ended - middle, time.process_time() - used, peak, losses)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--windows", type=int, default=2)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args(arguments)
    panel = retail(given.series)
    speed = measure(panel, given.windows, given.workers)
    about = f"horizon {HORIZON}, {given.windows} windows, {given.workers} workers"
    print(f"{given.series} daily series of {panel.target.shape[1]} days, {about}")
    seconds = f"train {speed.train_seconds:.1f} s, predict {speed.predict_seconds:.1f} s"
    print(f"{seconds}; this process: CPU {speed.cpu_seconds:.1f} s, peak memory {speed.peak_mib:.0f} MiB")
    for name, loss in speed.leaderboard.items():
        print(f"{name:14s} average wQL {loss:.4f}")


if __name__ == "__main__":
    main()
