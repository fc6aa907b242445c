"""Runs an algorithm that fits each series on its own, on one or several cores."""
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from localaws.forecast.engine.guard import guarded
from localaws.forecast.engine.panel import Panel, Prediction
from localaws.forecast.engine.quantiles import normal

# fit(y, steps, x): y (t,) without NaN, x (t + steps, k) or None -> mean (steps,) and standard deviation (steps,);
# None where the model cannot be fitted
Fit = Callable[[np.ndarray, int, np.ndarray | None], tuple[np.ndarray, np.ndarray] | None]


def forecast_each(fit: Fit, panel: Panel, horizon: int, levels: Sequence[float], *, workers: int = 1,
                  last: int | None = None, related: bool = False) -> Prediction:
    """`fit` on every series of the panel, its normal quantiles, and seasonal naive where it has no believable answer.

    A series is handed over from its first to its last value, gaps bridged by straight lines; what is missing at the
    end is forecast too. `last` keeps only that many last values; constant series are never handed over. `fit` must be
    picklable (a module's function or a partial of one) where `workers` > 1: the processes are started fresh.
    """
    mean, sigma = np.full((2, len(panel.target), horizon), np.nan)
    jobs = [job for i in range(len(panel.target)) if (job := _job(panel, i, horizon, last, related)) is not None]
    if workers > 1 and len(jobs) > 1:
        with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=get_context("spawn")) as pool:
            chunks = np.array_split(np.arange(len(jobs)), 4 * workers)
            done = pool.map(_fit_chunk, [fit] * len(chunks), [[jobs[j] for j in chunk] for chunk in chunks])
            results = [result for chunk in done for result in chunk]
    else:
        results = _fit_chunk(fit, jobs)
    for (i, *_), result in zip(jobs, results):
        if result is not None:
            mean[i], sigma[i] = result[0][-horizon:], result[1][-horizon:]
    return guarded(panel, normal(mean, sigma, levels), mean, levels)


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
    return None if np.ptp(y) == 0 else (i, y, int(steps), panel.related[i, start:stop + steps] if related else None)


def _fit_chunk(fit: Fit, jobs: Sequence[tuple]) -> list:
    return [fit(y, steps, x) for _, y, steps, x in jobs]
