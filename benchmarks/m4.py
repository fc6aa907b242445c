"""M4's hourly and weekly series: AutoPredictor beside statsforecast's models and lightgbm through mlforecast.

The data (the competition's own training and test files, one series a row) is others' and does not come with Storecast:
name the folder that holds data/m4 by --shared or by STORECAST_SHARED. `make benchmarks` installs mlforecast.
"""

import argparse
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from storecast_engines.forecasting import autopredictor, metrics
from storecast_engines.forecasting.frequency import offset
from storecast_engines.forecasting.panel import Panel, Prediction

Method = Callable[[Panel, int], Prediction]
PLACE = Path("data/m4")
LEVELS = (0.1, 0.5, 0.9)
AUTO = "AutoPredictor"


@dataclass(frozen=True)
class Dataset:
    """`season` is the competition's, for MASE and for the models that take one; `all_seasons` is MSTL's."""

    name: str
    freq: str
    season: int
    all_seasons: tuple[int, ...]
    lags: tuple[int, ...]  # mlforecast's inputs, after differencing by the season


DATASETS = (
    Dataset("Hourly", "H", 24, (24, 168), (1, 2, 3, 24, 48, 168)),
    Dataset("Weekly", "W", 1, (52,), (1, 2, 3, 4, 8, 13, 26, 52)),
)


@dataclass(frozen=True)
class Score:
    smape: float  # in percent
    mase: float
    owa: float  # M4's own: the mean of sMAPE and MASE, each as a multiple of Naive2's
    wql: float  # mean over LEVELS, pooled over the series as AWS does: a series counts as much as its values are large
    item_wql: float  # the same of each series, averaged: all count alike, as in M4's own metrics
    speed: float  # series per CPU second


def load(folder: Path, dataset: Dataset, sample: int) -> tuple[Panel, np.ndarray]:
    """Every k-th series, so that there are about `sample`, ending together (the files have no dates), and what
    followed, (n, H)."""
    train, test = (pd.read_csv(folder / f"{dataset.name}-{part}.csv.xz", index_col=0) for part in ("train", "test"))
    every = max(1, len(train) // sample)
    train, test = train.iloc[::every], test.iloc[::every]
    series = [row[~np.isnan(row)] for row in train.to_numpy(float)]
    steps = max(map(len, series))
    target = np.stack([np.pad(row, (steps - len(row), 0), constant_values=np.nan) for row in series])
    timestamps = pd.date_range("2000-01-03", periods=steps, freq=offset(dataset.freq))
    keys = pd.DataFrame({"item_id": train.index.astype(str)})
    return Panel(keys, timestamps, target, dataset.freq, None, (), None), test.to_numpy(float)


def naive2(panel: Panel, horizon: int, season: int) -> np.ndarray:
    """(n, H) the competition's yardstick: the last value, seasonally adjusted where the series is seasonal.

    It is where the autocorrelation at the season lies outside of its 90% interval. Source: the competition's own
    benchmarks (Makridakis, Spiliotis and Assimakopoulos, "The M4 Competition", 2020).
    """
    from statsmodels.tsa.seasonal import seasonal_decompose
    from statsmodels.tsa.stattools import acf

    found = np.empty((len(panel.target), horizon))
    for i, row in enumerate(panel.target):
        y, indices = row[~np.isnan(row)], np.ones(1)
        if season > 1 and len(y) >= 3 * season:
            correlation = acf(y, nlags=season)[1:]
            if abs(correlation[-1]) > 1.645 * np.sqrt((1 + 2 * np.sum(correlation[:-1] ** 2)) / len(y)):
                indices = seasonal_decompose(y, model="multiplicative", period=season).seasonal[-season:]
        found[i] = y[-1] / indices[-1] * np.resize(indices, horizon)
    return found


def point_errors(median: np.ndarray, panel: Panel, actual: np.ndarray, season: int) -> tuple[float, float]:
    """sMAPE in percent and MASE."""
    smape = 200 * np.mean(np.abs(actual - median) / (np.abs(actual) + np.abs(median)))
    scale = metrics.seasonal_error(panel.target, season)
    return float(smape), float(np.mean(np.abs(actual - median).mean(axis=1) / scale))


def auto(panel: Panel, horizon: int) -> Prediction:
    return autopredictor.predict(autopredictor.train(panel, horizon, LEVELS), panel, horizon, LEVELS)


def long_frame(panel: Panel) -> pd.DataFrame:
    """One row per value, as Nixtla's libraries read it."""
    i, t = np.nonzero(~np.isnan(panel.target))
    return pd.DataFrame({"unique_id": panel.keys["item_id"].to_numpy()[i], "ds": t, "y": panel.target[i, t]})


def by_80_percent(frame: pd.DataFrame, panel: Panel, model: str) -> Prediction:
    """The point forecast as median and mean, the 80% interval's ends as p10 and p90."""
    columns = [f"{model}-lo-80", model, f"{model}-hi-80"]
    values = frame.set_index("unique_id").loc[panel.keys["item_id"], columns].to_numpy()
    values = values.reshape(len(panel.keys), -1, len(columns))
    return Prediction(values, values[:, :, 1])


def statistical(model: object, panel: Panel, horizon: int) -> Prediction:
    from statsforecast import StatsForecast
    from statsforecast.models import SeasonalNaive

    library = StatsForecast([model], freq=1, fallback_model=SeasonalNaive(1))
    return by_80_percent(library.forecast(df=long_frame(panel), h=horizon, level=[80]), panel, str(model))


def learned(dataset: Dataset, panel: Panel, horizon: int) -> Prediction:
    """mlforecast's documented way: one recursive model of the mean, intervals from two conformal windows."""
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.target_transforms import Differences
    from mlforecast.utils import PredictionIntervals

    model = LGBMRegressor(verbosity=-1, n_jobs=1, random_state=7)
    library = MLForecast(
        {"lightgbm": model}, freq=1, lags=list(dataset.lags), target_transforms=[Differences([dataset.season])]
    )
    library.fit(long_frame(panel), prediction_intervals=PredictionIntervals(n_windows=2, h=horizon))
    return by_80_percent(library.predict(horizon, level=[80]), panel, "lightgbm")


def methods(dataset: Dataset) -> dict[str, Method]:
    from statsforecast.models import MSTL, AutoARIMA, AutoETS, AutoTheta, SeasonalNaive

    season = dataset.season
    models: dict[str, object] = {
        "AutoETS": AutoETS(season_length=season),
        # R's own default for such lengths and seasons; the exact likelihood took minutes for one hourly series
        "AutoARIMA": AutoARIMA(season_length=season, approximation=True),
        "AutoTheta": AutoTheta(season_length=season),
        "MSTL": MSTL(season_length=list(dataset.all_seasons)),
        "SeasonalNaive": SeasonalNaive(season_length=season),
    }
    found: dict[str, Method] = {
        AUTO: auto,
        "lightgbm (mlforecast)": partial(learned, dataset),
    }
    return found | {name: partial(statistical, model) for name, model in models.items()}


def measure(method: Method, panel: Panel, actual: np.ndarray, season: int) -> Score:
    """In this process alone, so that its CPU seconds are all there are."""
    yardstick = point_errors(naive2(panel, actual.shape[1], season), panel, actual, season)
    began = time.process_time()
    prediction = method(panel, actual.shape[1])
    seconds = time.process_time() - began
    median = prediction.quantiles[:, :, LEVELS.index(0.5)]
    smape, mase = point_errors(median, panel, actual, season)
    owa = float(np.mean([smape / yardstick[0], mase / yardstick[1]]))
    scale = metrics.seasonal_error(panel.target, season)
    found, of_each = (loss(actual, prediction, LEVELS, scale) for loss in (metrics.pooled, metrics.per_item))
    per_series = float(np.mean(of_each.average_wql))
    return Score(smape, mase, owa, float(found.average_wql), per_series, len(actual) / seconds)


def in_front(scores: dict[str, Score], name: str, accuracy: str) -> list[str]:
    """The methods that are both better and faster than `name`; none if it is on the front."""
    own = scores[name]
    return [
        other
        for other, score in scores.items()
        if getattr(score, accuracy) < getattr(own, accuracy) and score.speed > own.speed
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.m4", description=__doc__)
    parser.add_argument("--shared", default=os.environ.get("STORECAST_SHARED"), metavar="DIR")
    parser.add_argument("--sample", type=int, default=100, metavar="SERIES", help="of each dataset, alike for all")
    parser.add_argument("--only", choices=[each.name for each in DATASETS], help="one of the datasets")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="some of the table's first column; default all")
    given = parser.parse_args(arguments)
    if given.shared is None or not (Path(given.shared) / PLACE).exists():
        where = f"in {given.shared}" if given.shared else "because neither --shared nor STORECAST_SHARED names a folder"
        print(f"Skipped: there is no {PLACE} {where}.")
        return
    warnings.simplefilter("ignore")  # about each candidate that does not converge
    for dataset in DATASETS:
        if given.only not in (None, dataset.name):
            continue
        panel, actual = load(Path(given.shared) / PLACE, dataset, given.sample)
        print(f"\n{dataset.name}: {len(actual)} series of at most {panel.target.shape[1]} steps, ", end="")
        print(f"horizon {actual.shape[1]}\n")
        print("| method | sMAPE | MASE | OWA | wQL | wQL per series | series per CPU second |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        scores = {}
        for name, method in methods(dataset).items():
            if given.methods and name not in given.methods:
                continue
            try:
                score = scores[name] = measure(method, panel, actual, dataset.season)
            except ModuleNotFoundError as missing:
                print(f"| {name} | not measured: {missing.name} is not installed (make benchmarks) ||||||")
                continue
            print(
                f"| {name} | {score.smape:.2f} | {score.mase:.3f} | {score.owa:.3f} | {score.wql:.4f} "
                f"| {score.item_wql:.4f} | {score.speed:.2f} |",
                flush=True,
            )
        for accuracy in ("smape", "mase", "owa", "wql", "item_wql") if AUTO in scores else ():
            better = in_front(scores, AUTO, accuracy)
            print(f"{accuracy}: {AUTO} is " + (f"behind {', '.join(better)}" if better else "on the front"))


if __name__ == "__main__":
    main()
