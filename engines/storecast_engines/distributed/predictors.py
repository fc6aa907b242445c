"""A predictor on storage: what a job that only forecasts needs of the one that trained. JSON and Parquet, no pickle."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from storecast_engines.distributed.documents import JobFailed, Request
from storecast_engines.distributed.storage import Storage

VERSION = 1  # of the layout of predictor.json and the files of weights


@dataclass(frozen=True)
class Predictor:
    """The models and their weights; those of each series lie beside, in the files `weights`."""

    settings: dict[str, dict[str, Any]]  # algorithm -> hyperparameters
    levels: list[float]
    mean: np.ndarray  # (A, Q+1) the mean weights over all series
    leaderboard: dict[str, dict[str, float | None]]
    files: list[str]


def save(storage: Storage, request: Request, predictor: Predictor) -> None:
    document = {
        "version": VERSION,
        **_about(request),
        "settings": predictor.settings,
        "levels": predictor.levels,
        "mean": predictor.mean.tolist(),
        "leaderboard": predictor.leaderboard,
    }
    storage.write(f"{request.output}/predictor/predictor.json", json.dumps(document).encode())


def load(storage: Storage, request: Request) -> Predictor:
    """The predictor that the request names.

    Raises JobFailed if there is none, if another version of the engines wrote it, or if it forecasts something else.
    """
    uri = f"{request.predictor}/predictor.json"
    try:
        document = json.loads(storage.read(uri))
    except FileNotFoundError:
        raise JobFailed(f"there is no predictor at {uri}: train one") from None
    except ValueError as error:
        raise JobFailed(f"{uri} is not JSON ({error}): train a new predictor") from None
    if (found := document.get("version")) != VERSION:
        raise JobFailed(f"{uri} has version {found}, these engines read version {VERSION}: train a new predictor")
    wanted = _about(request)
    if different := [name for name in wanted if document[name] != wanted[name]]:
        name = different[0]
        raise JobFailed(f"{uri} was trained for {name} {document[name]}, not {wanted[name]}: train a new predictor")
    return Predictor(
        document["settings"],
        document["levels"],
        np.array(document["mean"]),
        document["leaderboard"],
        storage.list(f"{request.predictor}/weights"),
    )


def _about(request: Request) -> Mapping[str, Any]:
    """What a forecast must have in common with the training."""
    return {
        "frequency": request.frequency,
        "horizon": request.horizon,
        "keys": request.keys,
        "value": request.value,
    }
