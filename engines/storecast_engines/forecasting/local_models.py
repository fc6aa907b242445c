"""Local models: an algorithm that is fitted to each series separately, on one or several cores."""

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

# (y, steps, x): y (t,) without NaN, x (t + steps, k) or None -> mean (steps,) and standard deviation (steps,) of the
# forecast; None where the model cannot be fitted
Fitted = tuple[np.ndarray, np.ndarray] | None
Fit = Callable[[np.ndarray, int, np.ndarray | None], Fitted]
Progress = Callable[[float], None]  # called with the share of the series that are done
Job = tuple[int, np.ndarray, int, np.ndarray | None]  # (i, y, steps, x) of series i

ALONE_SECONDS = 3  # series that are left then go to worker processes, whose start takes about as long
CHUNKS = 8  # per worker: small enough that none waits long for another
# A fork server starts the workers: they inherit no threads, and the library is imported only once. Its import takes 4
# seconds: callers with their own fork server preload it too.
LIBRARIES = ["statsforecast.arima", "statsforecast.ets", "statsmodels.tsa.seasonal"]


def forecast_each(
    fit: Fit,
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    workers: int = 1,
    progress: Progress = lambda share: None,
    last: int | None = None,
    related: bool = False,
) -> Prediction:
    """Apply `fit` to every series of the panel; normal quantiles, and seasonal naive where its forecast is implausible.

    `fit` gets a series from its first to its last value, gaps interpolated linearly; missing values at the end are
    forecast too. `last` keeps only this many last values; constant series go to seasonal naive directly. `fit` must be
    picklable (a module's function or a partial of one) where `workers` > 1; the result is the same for any `workers`.
    """
    mean, sigma = np.full((2, len(panel.target), horizon), np.nan)
    jobs = [job for i in range(len(panel.target)) if (job := _job(panel, i, horizon, last, related)) is not None]
    for (i, *_), result in zip(jobs, _results(fit, jobs, workers, progress)):
        if result is not None:
            mean[i], sigma[i] = result[0][-horizon:], result[1][-horizon:]
    return with_fallback(panel, normal(mean, sigma, levels), mean, levels)


def _job(panel: Panel, i: int, horizon: int, last: int | None, related: bool) -> Job | None:
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


def _results(fit: Fit, jobs: Sequence[Job], workers: int, progress: Progress = lambda share: None) -> list[Fitted]:
    """The results of `fit` for all jobs: at first in this process, the rest of a long list in `workers` processes."""
    results: list[Fitted] = []
    began = time.monotonic()
    while len(results) < len(jobs) and (workers == 1 or time.monotonic() - began < ALONE_SECONDS):
        results += _fit_chunk(fit, jobs[len(results) : len(results) + 1])
        progress(len(results) / len(jobs))
    rest = jobs[len(results) :]
    if rest:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(LIBRARIES)
        chunks = np.array_split(np.arange(len(rest)), min(CHUNKS * workers, len(rest)))
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_the_parent) as pool:
            done = pool.map(_fit_chunk, [fit] * len(chunks), [[rest[j] for j in chunk] for chunk in chunks])
            for chunk in done:
                results += chunk
                progress(len(results) / len(jobs))
    return results


def _fit_chunk(fit: Fit, jobs: Sequence[Job]) -> list[Fitted]:
    return [fit(y, steps, x) for _, y, steps, x in jobs]


def _end_with_the_parent() -> None:
    """Without this, a worker whose parent was stopped would wait for its next chunk forever."""

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
