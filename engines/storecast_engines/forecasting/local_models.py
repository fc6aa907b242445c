"""Runs an algorithm that fits each series on its own, on one or several cores."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from storecast_engines.forecasting.fallback import with_fallback
from storecast_engines.forecasting.panel import Panel, Prediction
from storecast_engines.forecasting.quantiles import normal

# fit(y, steps, x): y (t,) without NaN, x (t + steps, k) or None -> mean (steps,) and standard deviation (steps,);
# None where the model cannot be fitted
Fit = Callable[[np.ndarray, int, np.ndarray | None], tuple[np.ndarray, np.ndarray] | None]

ALONE_SECONDS = 3  # what is not fitted by then is shared out: starting processes costs about as long
CHUNKS = 8  # per worker: small enough that none waits long for another
# A fresh server process forks the workers: they have no threads of ours, and the library is imported only once.
# Its import costs 4 seconds: whoever starts processes of its own preloads it likewise.
LIBRARIES = ["statsforecast.arima", "statsforecast.ets", "statsmodels.tsa.seasonal"]


def forecast_each(
    fit: Fit,
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    workers: int = 1,
    last: int | None = None,
    related: bool = False,
) -> Prediction:
    """`fit` on every series of the panel, its normal quantiles, and seasonal naive where it has no believable answer.

    A series is handed over from its first to its last value, gaps bridged by straight lines; what is missing at the
    end is forecast too. `last` keeps only that many last values; constant series are never handed over. `fit` must be
    picklable (a module's function or a partial of one) where `workers` > 1; the answer is the same for any `workers`.
    """
    mean, sigma = np.full((2, len(panel.target), horizon), np.nan)
    jobs = [job for i in range(len(panel.target)) if (job := _job(panel, i, horizon, last, related)) is not None]
    for (i, *_), result in zip(jobs, _results(fit, jobs, workers)):
        if result is not None:
            mean[i], sigma[i] = result[0][-horizon:], result[1][-horizon:]
    return with_fallback(panel, normal(mean, sigma, levels), mean, levels)


def _job(panel: Panel, i: int, horizon: int, last: int | None, related: bool) -> tuple | None:
    """(i, y, steps, x) of one series, or None if nothing can be learned from it."""
    seen = np.flatnonzero(~np.isnan(panel.target[i]))
    if not len(seen) or np.ptp(panel.target[i][seen]) == 0:
        return None
    start, stop = seen[0], seen[-1] + 1
    start = max(start, stop - last) if last else start
    span = np.arange(start, stop)
    y = np.interp(span, seen, panel.target[i][seen])
    steps = panel.target.shape[1] - stop + horizon
    if np.ptp(y) == 0:
        return None
    x = panel.related[i, start : stop + steps] if related and panel.related is not None else None
    return i, y, int(steps), x


def _results(fit: Fit, jobs: Sequence[tuple], workers: int) -> list:
    """What `fit` answers for each job: in this process for a while, the rest of a long list on `workers` processes."""
    results: list = []
    began = time.monotonic()
    while len(results) < len(jobs) and (workers == 1 or time.monotonic() - began < ALONE_SECONDS):
        results += _fit_chunk(fit, jobs[len(results) : len(results) + 1])
    rest = jobs[len(results) :]
    if rest:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(LIBRARIES)
        chunks = np.array_split(np.arange(len(rest)), min(CHUNKS * workers, len(rest)))
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_the_parent) as pool:
            done = pool.map(_fit_chunk, [fit] * len(chunks), [[rest[j] for j in chunk] for chunk in chunks])
            results += [result for chunk in done for result in chunk]
    return results


def _fit_chunk(fit: Fit, jobs: Sequence[tuple]) -> list:
    return [fit(y, steps, x) for _, y, steps, x in jobs]


def _end_with_the_parent() -> None:
    """A worker of a process that was stopped would wait for its next chunk forever."""

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
