"""The engines beside what Amazon Forecast itself answered: same data, same split, same metrics.

`recorded.json` names the cases: their files, frequency, horizon, and the RMSE and wQL that the service returned. The
data is others' and does not come with Storecast: name the folder that holds it by --shared or by STORECAST_SHARED.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from storecast_engines.forecasting import ALGORITHMS, autopredictor, backtest, metrics
from storecast_engines.forecasting.panel import Panel, Prediction, build_panel

PLACE = Path("data/forecast/recorded.json")
LEVELS = (0.1, 0.5, 0.9)
AUTO = "AutoPredictor"
MEMBERS = (AUTO, *ALGORITHMS)


@dataclass(frozen=True)
class Result:
    rmse: float
    wql: tuple[float, ...]
    seconds: float | None = None

    @property
    def average(self) -> float:
        return float(np.mean(self.wql))


def cases(shared: Path) -> list[dict]:
    return json.loads((shared / PLACE).read_text())["cases"]


def load(shared: Path, case: dict) -> Panel:
    """The panel that the service was given: rows before `train_before` (all without it), gaps filled with zeros."""
    rows = pd.read_csv(shared / PLACE.parent / case["file"], names=case["columns"], parse_dates=["timestamp"])
    if "train_before" in case:
        rows = rows[rows["timestamp"] < case["train_before"]]
    return build_panel(
        rows,
        None,
        None,
        item_key="item_id",
        target_name="target_value",
        freq=case["frequency"],
        horizon=case["horizon"],
    )


def recorded(case: dict) -> dict[str, Result]:
    return {
        name: Result(found["RMSE"], tuple(found["wQL"][f"{level:g}"] for level in LEVELS))
        for name, found in case["results"].items()
    }


def measure(name: str, panel: Panel, horizon: int, workers: int = 1) -> Result:
    """The forecast of the newest horizon, made without having seen any of it."""
    start = len(panel.timestamps) - horizon
    began = time.perf_counter()
    run = backtest.backtest(_algorithm(name, workers), panel, horizon, LEVELS, [start])
    found: metrics.Metrics = run.summary()
    return Result(float(found.rmse), tuple(map(float, found.wql)), time.perf_counter() - began)


def _algorithm(name: str, workers: int) -> Callable[..., Prediction]:
    if name != AUTO:
        return ALGORITHMS[name]

    def auto(seen: Panel, horizon: int, levels: tuple[float, ...]) -> Prediction:
        trained = autopredictor.train(seen, horizon, levels, workers=workers)
        return autopredictor.predict(trained, seen, horizon, levels, workers=workers)

    return auto


def report(name: str, result: Result, who: str) -> str:
    losses = " ".join(f"{loss:.4f}" for loss in result.wql)
    seconds = "" if result.seconds is None else f"{result.seconds:8.1f}"
    return f"| {who} | {name} | {result.rmse:.2f} | {losses} | {result.average:.4f} | {seconds} |"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorded", description=__doc__)
    parser.add_argument("--shared", default=os.environ.get("STORECAST_SHARED"), metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=MEMBERS, default=MEMBERS, metavar="ALGORITHM")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args(arguments)
    if given.shared is None or not (Path(given.shared) / PLACE).exists():
        where = f"in {given.shared}" if given.shared else "because neither --shared nor STORECAST_SHARED names a folder"
        print(f"Skipped: there is no {PLACE} {where}.")
        return
    for case in cases(Path(given.shared)):
        panel = load(Path(given.shared), case)
        series, steps = panel.target.shape
        print(f"\n{case['name']}: {series} series of {steps} steps ({case['frequency']}), horizon {case['horizon']}\n")
        print("| who | algorithm | RMSE | wQL .1 .5 .9 | average | seconds |\n| --- | --- | ---: | --- | ---: | ---: |")
        for name, result in recorded(case).items():
            print(report(name, result, "Amazon Forecast"))
        for name in given.only:
            print(report(name, measure(name, panel, case["horizon"], given.workers), "Storecast"), flush=True)


if __name__ == "__main__":
    main()
