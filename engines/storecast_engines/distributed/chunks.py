"""What the executors run: each function is a task of Spark's, for a chunk of series or a part of the sample.

The storage comes beside what is broadcast: Spark sends functions with their arguments by value, so that its class may
be a script's own, and broadcasts by reference.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from pyspark import Broadcast
from pyspark.accumulators import Accumulator

from storecast_engines.distributed import local
from storecast_engines.distributed.local import Data, Fitted, Sums, Training
from storecast_engines.distributed.predictors import Predictor
from storecast_engines.distributed.reading import WEIGHTS
from storecast_engines.distributed.storage import Storage
from storecast_engines.forecasting import autopredictor
from storecast_engines.forecasting.cold_start import without_history
from storecast_engines.forecasting.panel import Panel

CELLS = 200_000  # time steps of all series of a chunk, at most: bounds the memory of a task
SERIES = 200  # of a chunk, at most: with fewer and larger ones the last executors would work while the others wait
ANSWER = "sums string, error string"  # of a chunk


def series_of_a_chunk(steps: int) -> int:
    """How many series of so many steps make a chunk."""
    return max(1, min(SERIES, CELLS // steps))


def fit_part(sent: Broadcast[tuple[Data, Training]], done: Accumulator[int], panel: Panel) -> Fitted:
    found = local.fit(panel, *sent.value)
    done.add(1)
    return found


def run_chunk(
    sent: Broadcast[tuple[Data, Training, Predictor | None, int]],
    done: Accumulator[int],
    storage: Storage,
    rows: pd.DataFrame,
) -> pd.DataFrame:
    """All that is done for the series of a chunk beyond the sample, in groups whose size has a bound."""
    data, training, known, steps = sent.value
    name = f"part{rows['chunk'].iloc[0] + 1:06d}"
    places = np.sort(rows.loc[rows["kind"] == "target", "place"].unique())
    size = 2 * series_of_a_chunk(steps)  # a chunk holds half of that on average
    groups = [places[at : at + size] for at in range(0, len(places), size)]
    try:
        found = [
            _finished(f"{name}-{at}", rows[rows["place"].isin(group)], data, training, storage, known)
            for at, group in enumerate(groups)
        ]
    except ValueError as error:
        return pd.DataFrame({"sums": [""], "error": [str(error)]})
    done.add(1)
    return pd.DataFrame({"sums": [each.to_json() for each in found], "error": [""] * len(found)})


def _finished(
    name: str, rows: pd.DataFrame, data: Data, training: Training, storage: Storage, known: Predictor | None
) -> Sums:
    panel, left_out = local.panel_of(rows, data)
    nothing = Sums(0, {}, np.zeros((1, 1)), 0, [], len(left_out), left_out[: Sums.NAMED], np.zeros((2, 1)))
    if panel is None or not len(panel.keys):
        return nothing
    panel = panel.series(~without_history(panel))
    weights = weights_of(panel, rows[rows["kind"] == WEIGHTS], known, data, training)
    fitted = local.fit(panel, data, training)
    return local.finish(name, panel, fitted, data, training, storage, weights) + nothing


def run_cold_chunk(
    sent: Broadcast[tuple[Data, Panel, Fitted, Training, np.ndarray]], storage: Storage, rows: pd.DataFrame
) -> pd.DataFrame:
    """The forecasts of series without history beyond the sample."""
    data, warm, fitted, training, mean = sent.value
    request, rows = data.request, rows.sort_values(data.columns.key_names)
    keys = rows[data.columns.key_names].set_axis(request.keys, axis=1).reset_index(drop=True)
    texts = (
        rows[data.columns.text_names]
        .set_axis(list(warm.metadata if warm.metadata is not None else ()), axis=1)
        .reset_index(drop=True)
    )
    target = np.full((len(rows), warm.target.shape[1]), np.nan)
    cold = replace(warm, keys=keys, metadata=texts, target=target, related=None)
    name = f"cold{rows['chunk'].iloc[0] + 1:06d}"
    local.forecast_similar(name, cold, warm, fitted, training, mean, request, storage)
    return pd.DataFrame({"sums": [""], "error": [""]})


def weights_of(
    panel: Panel, rows: pd.DataFrame | None, known: Predictor | None, data: Data, training: Training
) -> np.ndarray | None:
    """(n, A, Q+1) weights of an earlier job; a series that it did not have takes the mean weights."""
    if known is None or rows is None:
        return None
    found = np.tile(known.mean, (len(panel.keys), 1, 1))
    values = rows[data.columns.value_names[: known.mean.size]].to_numpy().reshape(-1, *known.mean.shape)
    at = pd.MultiIndex.from_frame(rows[data.columns.key_names]).get_indexer(pd.MultiIndex.from_frame(panel.keys))
    found[at >= 0] = values[at[at >= 0]]
    return for_levels(found, known, training)


def for_levels(weights: np.ndarray, known: Predictor, training: Training) -> np.ndarray:
    """A level that was not trained takes the weights of the nearest one that was."""
    return weights[:, :, autopredictor.nearest(known.levels, training.levels)]
