"""What the jobs leave in the folders of their resources, and how it is read again: predictors, forecasts, scores."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from storecast_engines.forecasting import autopredictor

AGGREGATE = "Aggregate"


@dataclass(frozen=True)
class Forecast:
    """A forecast of n series for H steps: its values at each type, named as columns and Predictions are (p10, mean)."""

    keys: pd.DataFrame  # (n, 1+d) strings
    timestamps: np.ndarray  # (H,) datetime64
    types: list[str]
    values: np.ndarray  # (n, H, types) float32
    mean: np.ndarray  # (n, H) float32, also where it is not among the types
    metadata: pd.DataFrame | None = None  # (n, m) strings, aligned with keys

    def rows_of(self, keys: pd.DataFrame) -> np.ndarray:
        """Where these series are, -1 for one that is not there."""
        return rows_of(self.keys, keys)


def save_predictor(folder: Path, predictor: autopredictor.Predictor) -> None:
    document, arrays = autopredictor.to_parts(predictor)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predictor.json").write_text(json.dumps(document))
    np.savez(folder / "predictor.npz", allow_pickle=False, **arrays)


def load_predictor(folder: Path) -> autopredictor.Predictor:
    document = json.loads((folder / "predictor.json").read_text())
    with np.load(folder / "predictor.npz", allow_pickle=False) as arrays:
        return autopredictor.from_parts(document, dict(arrays))


def save_forecast(folder: Path, forecast: Forecast) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    metadata = pd.DataFrame(index=forecast.keys.index) if forecast.metadata is None else forecast.metadata
    np.savez(
        folder / "forecast.npz",
        keys=forecast.keys.to_numpy(dtype=str),
        key_names=np.array(forecast.keys.columns, dtype=str),
        timestamps=forecast.timestamps,
        types=np.array(forecast.types),
        values=forecast.values,
        mean=forecast.mean,
        metadata=metadata.to_numpy(dtype=str),
        metadata_names=np.array(metadata.columns, dtype=str),
    )


def load_forecast(folder: Path) -> Forecast:
    with np.load(folder / "forecast.npz", allow_pickle=False) as file:
        keys = pd.DataFrame(file["keys"], columns=file["key_names"])
        metadata = None
        if "metadata" in file and len(file["metadata_names"]):  # a state folder may hold forecasts from before
            metadata = pd.DataFrame(file["metadata"], columns=file["metadata_names"])
        return Forecast(keys, file["timestamps"], file["types"].tolist(), file["values"], file["mean"], metadata)


@dataclass(frozen=True)
class Scores:
    """Impact scores of A attributes, normalised to -1 ... 1 and raw, in the target's unit (NaN where AWS has none).

    One row for each of `places`: the series' keys, and a column timestamp where time points were asked for. Rows that
    stand for several series or steps say AGGREGATE there; the scores of a predictor are one row without places.
    """

    attributes: list[str]
    places: pd.DataFrame  # (r, ...) strings
    normalised: np.ndarray  # (r, A)
    raw: np.ndarray  # (r, A)


def save_scores(folder: Path, scores: Scores) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(
        folder / "scores.npz",
        attributes=np.array(scores.attributes),
        places=scores.places.to_numpy(dtype=str),
        place_names=np.array(scores.places.columns, dtype=str),
        normalised=scores.normalised,
        raw=scores.raw,
    )


def load_scores(folder: Path) -> Scores:
    with np.load(folder / "scores.npz", allow_pickle=False) as file:
        places = pd.DataFrame(file["places"], columns=file["place_names"])
        return Scores(file["attributes"].tolist(), places, file["normalised"], file["raw"])


def rows_of(keys: pd.DataFrame, wanted: pd.DataFrame) -> np.ndarray:
    """The position of each wanted series among `keys`, -1 where there is none."""
    names = list(keys.columns)
    return pd.MultiIndex.from_frame(keys.astype(str)).get_indexer(pd.MultiIndex.from_frame(wanted[names].astype(str)))
