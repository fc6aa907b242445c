"""What training leaves behind, and how it is written without pickle."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from storecast_engines.forecasting.backtest import Backtest


@dataclass(frozen=True)
class Trained:
    """A predictor. What is learned are the weights: the members themselves are fitted anew for each forecast."""

    algorithms: tuple[str, ...]  # (A,) the members, names in ALGORITHMS
    hyperparameters: dict[str, dict[str, Any]]  # by algorithm, JSON values
    keys: pd.DataFrame  # (n, 1+d) the series that the weights' rows belong to
    weights: np.ndarray  # (n, A, Q+1) of each quantile level and, last, of the mean; over the members they sum to one
    metric: str  # the OptimizationMetric
    leaderboard: dict[str, dict[str, float]]  # algorithm (and "AutoPredictor") -> metric -> SUMMARY value
    backtest: Backtest  # of the weighted whole
    messages: tuple[str, ...] = ()


def to_parts(trained: Trained) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A dict for json.dump and arrays for np.savez."""
    run = trained.backtest
    document = {name: getattr(trained, name) for name in ("hyperparameters", "metric", "leaderboard")}
    document |= {
        "algorithms": list(trained.algorithms),
        "levels": list(run.levels),
        "messages": list(trained.messages),
        "keys": trained.keys.to_dict("list"),
    }
    arrays = {f.name: getattr(run, f.name) for f in fields(run) if f.name != "levels"}
    return document, arrays | {"weights": trained.weights}


def from_parts(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Trained:
    """The inverse of `to_parts`; `arrays` may be what np.load returns (allow_pickle=False)."""
    run = {f.name: arrays[f.name] for f in fields(Backtest) if f.name != "levels"}
    return Trained(
        tuple(document["algorithms"]),
        dict(document["hyperparameters"]),
        pd.DataFrame(document["keys"]),
        arrays["weights"],
        document["metric"],
        dict(document["leaderboard"]),
        Backtest(levels=tuple(document["levels"]), **run),
        tuple(document["messages"]),
    )
