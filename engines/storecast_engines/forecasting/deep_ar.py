"""Deep_AR_Plus: a recurrent network that draws each step from the ones before it (the guide's DeepAR+).

The network is gluonts' DeepAR in torch. Source: Salinas, Flunkert, Gasthaus and Januschowski, "DeepAR: Probabilistic
Forecasting with Autoregressive Recurrent Networks" (arXiv 1704.04110). What the service's "+" adds to it is
not published and not here. torch and gluonts come with the extra `storecast-engines[neural]`.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from gluonts.torch.distributions import NegativeBinomialOutput, NormalOutput, StudentTOutput
from gluonts.torch.model.deepar import DeepAREstimator
from lightning.pytorch import Callback

from storecast_engines.forecasting import holidays
from storecast_engines.forecasting.cold_start import mean_size
from storecast_engines.forecasting.fallback import with_fallback
from storecast_engines.forecasting.features import codes, standardised
from storecast_engines.forecasting.frequency import parse
from storecast_engines.forecasting.neural import seeded
from storecast_engines.forecasting.panel import Panel, Prediction
from storecast_engines.forecasting.quantiles import check_levels

LIKELIHOODS = {"student-T": StudentTOutput, "gaussian": NormalOutput, "negative-binomial": NegativeBinomialOutput}
LONGEST = 200  # context_length by default
BATCHES = 50  # of 32 windows, in an epoch
SAMPLES = 200  # paths drawn for each series; the quantiles are theirs
PATIENCE = 3  # epochs without a lower loss before the learning rate decays
_QUIET = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}


def forecast(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    context_length: int | None = None,
    epochs: int = 20,
    learning_rate: float = 1e-3,
    likelihood: str = "student-T",
    num_cells: int = 40,
    num_layers: int = 2,
    learning_rate_decay: float = 0.5,
    max_learning_rate_decays: int = 0,
    num_averaged_models: int = 1,
) -> Prediction:
    """One network for all series, trained for each forecast with a fixed seed; quantiles and mean of 200 sampled paths.

    The hyperparameters are the guide's. context_length: time steps before a forecast that are read beside the lags,
    default two horizons, at most 200. epochs: 50 batches of 32 windows each. likelihood: student-T, gaussian, or
    negative-binomial (for counts). max_learning_rate_decays: how often the learning rate is multiplied by
    learning_rate_decay, each time after three epochs without a lower loss, before training stops; 0 trains all epochs
    at one rate. num_averaged_models: the weights of that many best epochs are averaged.

    Forward-looking related series, holidays and metadata count; historical related series do not. Only series longer
    than the horizon are learned from; if there are none, or a forecast explodes, seasonal naive takes over. A series
    without history takes its size from similar series.

    Raises ValueError for a hyperparameter out of range.
    """
    tau = check_levels(levels)
    if likelihood not in LIKELIHOODS:
        raise ValueError(f"Deep_AR_Plus: likelihood is {likelihood!r}, allowed are {', '.join(LIKELIHOODS)}")
    positive = {"context_length": context_length or 1, "epochs": epochs, "learning_rate": learning_rate}
    positive |= {"num_cells": num_cells, "num_layers": num_layers, "num_averaged_models": num_averaged_models}
    for name, value in positive.items():
        if value <= 0:
            raise ValueError(f"Deep_AR_Plus: {name} is {value}, it must be positive")
    if not 0 < learning_rate_decay <= 1 or max_learning_rate_decays < 0:
        raise ValueError(
            f"Deep_AR_Plus: learning_rate_decay ({learning_rate_decay}) must be above 0 and at most 1, and "
            f"max_learning_rate_decays ({max_learning_rate_decays}) not below 0"
        )
    context = context_length or min(2 * horizon, LONGEST)
    known = ~np.isnan(panel.target)
    size, first = mean_size(panel), np.argmax(known, axis=1)
    typical = float(size.mean())
    code, ahead = codes(panel), _known_ahead(panel, horizon)
    series = list(_series(panel, horizon, first, code, ahead))
    steps = known.shape[1]
    long = [i for i in np.flatnonzero(known.any(axis=1)) if steps - first[i] > horizon]
    paths = np.full((len(series), SAMPLES, horizon), np.nan)
    if long:
        with seeded(), tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
            logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
            schedule = TrainingSchedule(learning_rate_decay, max_learning_rate_decays, num_averaged_models)
            estimator = DeepAREstimator(
                freq=_period(panel.freq),
                prediction_length=horizon,
                context_length=context,
                num_layers=num_layers,
                hidden_size=num_cells,
                lr=learning_rate,
                patience=epochs,  # never decays by gluonts' rule: TrainingSchedule's is the guide's
                distr_output=LIKELIHOODS[likelihood](),
                num_feat_dynamic_real=ahead.shape[2],
                num_feat_static_cat=code.shape[1],
                cardinality=(code.max(axis=0, initial=0) + 1).tolist(),
                default_scale=typical,
                num_parallel_samples=SAMPLES,
                num_batches_per_epoch=BATCHES,
                trainer_kwargs={**_QUIET, "max_epochs": epochs, "default_root_dir": folder, "callbacks": [schedule]},
            )
            learned_from = [{**series[i], "feat_dynamic_real": ahead[i, first[i] : steps].T} for i in long]
            output = estimator.train_model(learned_from)
            output.trained_net.load_state_dict(schedule.averaged())
            found = output.predictor.predict(series)
            paths = np.stack([each.samples for each in found]).astype(float)
        # the network knows no size of a series without a value in its context: it took the typical one
        unseen = ~known[:, -context:].any(axis=1)
        paths[unseen] *= (size[unseen] / typical)[:, None, None]
    return with_fallback(panel, np.moveaxis(np.quantile(paths, tau, axis=1), 0, 2), paths.mean(axis=1), levels)


class TrainingSchedule(Callback):
    """Follows the loss of each epoch: lets the learning rate decay, keeps the weights of the best epochs."""

    def __init__(self, decay: float, decays_left: int, models: int) -> None:
        self._decay, self._decays_left, self._models = decay, decays_left, models
        self._decays = decays_left > 0
        self._waited = 0
        self._best: list[tuple[float, dict[str, torch.Tensor]]] = []  # loss and weights, the lowest loss first

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        loss = float(trainer.callback_metrics["train_loss"])
        self._waited = self._waited + 1 if self._best and loss >= self._best[0][0] else 0
        weights = {name: value.clone() for name, value in pl_module.state_dict().items()}
        self._best = sorted([*self._best, (loss, weights)], key=lambda each: each[0])[: self._models]
        if self._decays and self._waited == PATIENCE:
            trainer.should_stop = self._decays_left == 0
            self._decays_left, self._waited = self._decays_left - 1, 0
            for group in trainer.optimizers[0].param_groups:
                group["lr"] *= self._decay

    def averaged(self) -> dict[str, torch.Tensor]:
        """The mean of the kept weights."""
        kept = [weights for _, weights in self._best]
        return {name: torch.stack([each[name].float() for each in kept]).mean(dim=0) for name in kept[0]}


def _series(
    panel: Panel, horizon: int, first: np.ndarray, code: np.ndarray, ahead: np.ndarray
) -> Iterator[dict[str, object]]:
    """gluonts' entry for each series from its first value on, with known features of the horizon."""
    for i, start in enumerate(first):
        yield {
            "start": pd.Period(panel.timestamps[start], _period(panel.freq)),
            "target": panel.target[i, start:].astype(np.float32),
            "feat_static_cat": code[i],
            "feat_dynamic_real": ahead[i, start:].T,
        }


def _known_ahead(panel: Panel, horizon: int) -> np.ndarray:
    """(n, T+H, k) forward-looking related series, standardised, and holidays."""
    n, steps = panel.target.shape
    columns = [np.empty((n, steps + horizon, 0))]
    if panel.related is not None and panel.future_steps >= horizon:
        columns.append(standardised(panel.related[:, : steps + horizon]))
    if panel.country:
        timestamps = panel.timestamps.append(panel.future(horizon))
        days = holidays.features(timestamps, panel.freq, panel.country)
        columns.append(np.broadcast_to(days, (n, *days.shape)))
    return np.concatenate(columns, axis=2).astype(np.float32)


def _period(freq: str) -> str:
    count, unit = parse(freq)
    return f"{count}{unit.replace('H', 'h')}"
