"""The job: read, learn from a sample on the driver, forecast chunk by chunk on the executors, report."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np
import pandas as pd
from py4j.protocol import Py4JJavaError
from pyspark.accumulators import Accumulator
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

from storecast_engines.distributed import chunks, local, predictors
from storecast_engines.distributed.chunks import ANSWER, fit_part, for_levels, run_chunk, run_cold_chunk, weights_of
from storecast_engines.distributed.documents import JobFailed, Request, Result
from storecast_engines.distributed.local import Data, Fitted, Sums, Training
from storecast_engines.distributed.predictors import Predictor
from storecast_engines.distributed.reading import WEIGHTS, Columns
from storecast_engines.distributed.storage import Storage
from storecast_engines.distributed.tables import Tables, by_chunk, read_tables
from storecast_engines.forecasting import (
    algorithms,
    autopredictor,
    ensemble,
    explainability,
    exports,
    lightgbm,
    metrics,
)
from storecast_engines.forecasting.backtest import Backtest
from storecast_engines.forecasting.cold_start import without_history
from storecast_engines.forecasting.features import attribute_columns
from storecast_engines.forecasting.panel import Panel, Prediction

REPORT_SECONDS = 15
PER_SERIES = ("actual", "quantiles", "mean", "scale")  # of a Backtest


def run(
    spark: SparkSession,
    request: Request,
    storage: Storage,
    *,
    workers: int = 1,
    report: Callable[[str], None] = lambda line: None,
) -> Result:
    """Train and forecast, or only forecast; the Result is also at `request.output`/result.json, written last.

    `workers` are the driver's threads. `report` gets a line about each stage. What is written does not depend on the
    number of executors, and an attempt that is repeated writes the same files.

    Raises JobFailed, or an error of Spark's own.
    """
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    try:
        return _Job(spark, request, storage, workers, report).run()
    except (PySparkException, Py4JJavaError) as error:
        if cause := _of_a_task(str(error)):
            raise JobFailed(cause) from error
        raise


class _Job:
    def __init__(
        self, spark: SparkSession, request: Request, storage: Storage, workers: int, report: Callable[[str], None]
    ) -> None:
        self._spark, self._request, self._storage = spark, request, storage
        self._workers, self._say = workers, report
        self._seconds: dict[str, float] = {}

    def run(self) -> Result:
        request, storage = self._request, self._storage
        _check_algorithms(request)
        known = predictors.load(storage, request) if request.predictor else None
        with self._stage("read"):
            size, files = (known.mean.size, known.files) if known else (0, [])
            columns = Columns.of(request, size)
            tables = read_tables(self._spark, request, storage, columns, files, self._say, self._progress)
        with self._stage("sample"):
            panel, left_out, weights = self._sample(tables, known)
            warm = panel.series(~without_history(panel))
            training = self._training(panel, warm, known)
        with self._stage("global"):
            fitted = self._fit_sample(warm, tables.data, training)
            if known is None:
                training = _learned(fitted, training, request)
        with self._stage("local"):
            found = weights_of(warm, weights, known, tables.data, training)
            sums = local.finish("part000000", warm, fitted, tables.data, training, storage, found)
            sums = replace(sums, left_out=len(left_out), left_out_names=left_out[: Sums.NAMED])
            sums = reduce(add, self._chunks(tables, training, known), sums)
        mean = sums.weights / sums.series if known is None else for_levels(known.mean[None], known, training)[0]
        with self._stage("cold starts"):
            self._cold_starts(tables, panel, fitted, training, mean)
        if request.explain:
            of_mean = np.tile(mean, (len(panel.keys), 1, 1))
            cold = without_history(panel)
            if cold.any():
                args = panel.series(cold), of_mean[cold], tables.data, training, storage
                sums = replace(sums, impact=sums.impact + local.impact_of("cold000000", *args))
        return self._finish(tables, training, sums, mean, known, list(attribute_columns(panel, 0)))

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        self._say(f"{name}: started")
        began = time.monotonic()
        yield
        self._seconds[name] = round(time.monotonic() - began, 3)
        self._say(f"{name}: done in {self._seconds[name]:.1f} s")

    def _sample(self, tables: Tables, known: Predictor | None) -> tuple[Panel, list[str], pd.DataFrame | None]:
        rows: Any = tables.rows.filter(sql.col("place") <= tables.threshold).toPandas()
        try:
            panel, left_out = local.panel_of(rows, tables.data)
        except ValueError as error:
            raise JobFailed(str(error)) from None
        if panel is None or without_history(panel).all():
            raise JobFailed(
                "no series of the sample has both a history and related time series: check that the files of target "
                f"and related name the same {', '.join(self._request.keys)}"
            )
        _check_panel(panel.series(~without_history(panel)), self._request)
        return panel, left_out, rows[rows["kind"] == WEIGHTS] if known else None

    def _training(self, panel: Panel, warm: Panel, known: Predictor | None) -> Training:
        """Settings, windows and LightGBM's models: of each window's history, and of all of it for the forecast."""
        request = self._request
        levels = sorted(exports.levels_of(request.types))
        nothing = ensemble.Shares(np.empty((0, 0)), np.empty((0, 0)))
        if known:
            settings, starts = known.settings, list[int]()
            used = [name for name, weights in zip(settings, known.mean) if weights.any()]
        else:
            settings, starts = _settings(warm, request)
            used = list(settings)
        if request.explain and local.GLOBAL not in settings:
            there = ", ".join(settings)
            raise JobFailed(f"explainability needs {local.GLOBAL} among the algorithms, which are {there}")
        models: dict[int, lightgbm.Fitted] = {}
        if local.GLOBAL in used:
            steps = panel.target.shape[1]
            for done, start in enumerate([*starts, steps], 1):
                history = panel if start == steps else warm.cut(start)
                options = {"workers": self._workers, **settings[local.GLOBAL]}
                models[start] = lightgbm.fit(history, request.horizon, levels, **options)
                self._say(f"{local.GLOBAL}: {done} of {len(starts) + 1} fits done, of {len(history.keys):,} series")
        return Training(settings, starts, levels, models, nothing, [], used)

    def _fit_sample(self, warm: Panel, data: Data, training: Training) -> Fitted:
        """The models of the sample's series, fitted on the executors."""
        size = chunks.series_of_a_chunk(warm.target.shape[1])
        parts = [warm.series(slice(at, at + size)) for at in range(0, len(warm.keys), size)]
        sent = self._spark.sparkContext.broadcast((data, training))
        with self._progress(len(parts), "chunks") as done:
            found = self._spark.sparkContext.parallelize(parts, len(parts)).map(partial(fit_part, sent, done)).collect()
        failed = [each for part in found for each in part.failed]
        for name in training.settings:
            errors = [each["error"] for each in failed if each["algorithm"] == name]
            if len(errors) >= len(warm.keys):
                raise JobFailed(f"{name} failed on every series of the sample: {errors[0]}")
        return Fitted(
            {name: _joined([part.runs[name] for part in found]) for name in found[0].runs},
            {name: _one([part.predictions[name] for part in found]) for name in found[0].predictions},
            {
                scenario: {name: _one([part.changed[scenario][name] for part in found]) for name in of}
                for scenario, of in found[0].changed.items()
            },
            failed,
        )

    def _chunks(self, tables: Tables, training: Training, known: Predictor | None) -> list[Sums]:
        """The series beyond the sample, which the driver never sees."""
        rest = tables.warm - self._request.sample
        if rest <= 0:
            return []
        count = -(-rest // chunks.series_of_a_chunk(tables.steps))
        with self._progress(count, "chunks") as done:
            sent = self._spark.sparkContext.broadcast((tables.data, training, known, tables.steps))
            rows = tables.rows.filter(sql.col("place") > tables.threshold)
            answers = (
                by_chunk(rows, count).applyInPandas(partial(run_chunk, sent, done, self._storage), ANSWER).collect()
            )
        if errors := sorted(row["error"] for row in answers if row["error"]):
            raise JobFailed(errors[0])
        return [Sums.from_json(row["sums"]) for row in answers]

    def _cold_starts(self, tables: Tables, panel: Panel, fitted: Fitted, training: Training, mean: np.ndarray) -> None:
        """Series without history, from similar series of the sample."""
        cold = without_history(panel)
        warm = panel.series(~cold)
        if cold.any():
            of = panel.series(cold)
            local.forecast_similar("cold000000", of, warm, fitted, training, mean, self._request, self._storage)
        if tables.cold is None or not tables.colds:
            return
        count = -(-tables.colds // chunks.SERIES)
        slim = Fitted({}, fitted.predictions, fitted.changed, [])
        sent = self._spark.sparkContext.broadcast((tables.data, warm, slim, training, mean))
        by_chunk(tables.cold, count).applyInPandas(partial(run_cold_chunk, sent, self._storage), ANSWER).collect()

    def _finish(
        self,
        tables: Tables,
        training: Training,
        sums: Sums,
        mean: np.ndarray,
        known: Predictor | None,
        attributes: Sequence[str],
    ) -> Result:
        request = self._request
        if known:
            leaderboard = known.leaderboard
        else:
            leaderboard = {name: _shown(each, training.levels) for name, each in sums.totals.items()}
            predictors.save(
                self._storage, request, Predictor(training.settings, training.levels, mean, leaderboard, [])
            )
        impact = self._explained(sums, attributes)
        messages = list(tables.notes)
        if sums.left_out:
            named = "; ".join(sums.left_out_names[:5])
            messages.append(f"{sums.left_out} series have no related time series and are left out: {named}")
        if tables.colds:
            messages.append(f"{tables.colds} series without history are forecast from similar items (cold start)")
        result = Result(
            series=sums.series,
            cold_starts=tables.colds,
            steps=tables.steps,
            rows=tables.counts,
            algorithms=list(training.settings),
            weights={name: float(weight) for name, weight in zip(training.settings, mean.mean(axis=1))},
            leaderboard=leaderboard,
            quarantined=tables.quarantined,
            failures=sums.failures,
            failed=sums.failed,
            messages=messages,
            impact=impact,
            seconds=self._seconds,
        )
        self._storage.write(f"{request.output}/result.json", result.to_json().encode())
        return result

    def _explained(self, sums: Sums, attributes: Sequence[str]) -> dict[str, float]:
        """The normalised impact of each attribute on the forecasts, also as a file."""
        request = self._request
        if not request.explain:
            return {}
        scores = explainability.normalised(sums.impact[0] * np.sign(sums.impact[1]))
        table = pd.DataFrame([scores], columns=[f"{each}-NormalizedImpactScore" for each in attributes])
        self._storage.write(f"{request.output}/explainability/{request.name}.csv", exports.to_csv(table))
        return dict(zip(attributes, map(float, scores)))

    @contextmanager
    def _progress(self, count: int, what: str) -> Iterator[Accumulator[int]]:
        """Reports now and then how many of `count` are done, as the executors count them, and how long the rest takes
        at that pace."""
        done, over, began = self._spark.sparkContext.accumulator(0), threading.Event(), time.monotonic()

        def watch() -> None:
            while not over.wait(REPORT_SECONDS):
                ready = min(done.value, count)  # a task that is repeated counts again
                left = f", about {(time.monotonic() - began) * (count - ready) / ready:.0f} s left" if ready else ""
                self._say(f"{ready:,} of {count:,} {what} done{left}")

        threading.Thread(target=watch, daemon=True).start()
        try:
            yield done
        finally:
            over.set()


def _of_a_task(text: str) -> str:
    """The error that a task of ours ended with, which Spark reports inside the traceback of its process."""
    found = re.search(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+(.+)", text)
    return found[1].removeprefix(f"{JobFailed.__module__}.JobFailed: ") if found else ""


def _check_algorithms(request: Request) -> None:
    """Raises JobFailed naming the member of the request, what it holds, and what it may hold."""
    allowed = ", ".join(each for each in algorithms.ALGORITHMS if each not in algorithms.NEURAL)
    for key in ("algorithms", "hyperparameters"):
        for name in getattr(request, key) or ():
            why = "is not known"
            if name in algorithms.NEURAL:
                why = "is a network over all series at once, which this job does not train"
            elif name in algorithms.UNAVAILABLE:
                why = (
                    f"needs the extra {algorithms.UNAVAILABLE[name]} of storecast-engines, which is not installed here"
                )
            elif name in algorithms.ALGORITHMS:
                continue
            raise JobFailed(f"the request: {key} names {name!r}, which {why}; allowed are {allowed}")
    if request.metric not in metrics.FIELD:
        raise JobFailed(f"the request: metric is {request.metric!r}, allowed are {', '.join(metrics.FIELD)}")


def _check_panel(warm: Panel, request: Request) -> None:
    """Raises JobFailed where scenarios or the explanation ask for what the data do not have."""
    try:
        local.scenarios_of(warm, request)
    except ValueError as error:
        raise JobFailed(str(error)) from None
    if request.explain and not attribute_columns(warm, 0):
        raise JobFailed("explainability needs attributes: related time series, item metadata or holidays")


def _settings(warm: Panel, request: Request) -> tuple[dict[str, dict[str, Any]], list[int]]:
    """The hyperparameters of each algorithm, and the starts of the backtest windows."""
    try:
        found = autopredictor.settings_of(warm, request.algorithms, request.hyperparameters)
        settings = {name: each for name, each in found.items() if name not in algorithms.NEURAL}
        steps, ensembled = warm.target.shape[1], len(settings) > 1
        starts = autopredictor.training_starts(steps, request.horizon, request.windows, None, ensemble=ensembled)
    except ValueError as error:
        raise JobFailed(str(error)) from None
    return settings, starts


def _learned(fitted: Fitted, training: Training, request: Request) -> Training:
    """With what the sample's backtests say of the models."""
    shares = ensemble.learn(fitted.runs, ensemble.all_parts(len(training.starts)), request.metric)
    held_out = ensemble.learn_held_out(fitted.runs, request.metric)
    used = [name for name, each in zip(training.settings, shares.shares) if each.any()]
    return replace(training, shares=shares, held_out=held_out, used=used)


def _joined(runs: Sequence[Backtest]) -> Backtest:
    """The backtests of several groups of series as one."""
    parts: dict[str, Any] = {each: np.concatenate([getattr(run, each) for run in runs], axis=1) for each in PER_SERIES}
    return replace(runs[0], **parts)


def _one(predictions: Sequence[Prediction]) -> Prediction:
    return Prediction(*(np.concatenate([getattr(p, each.name) for p in predictions]) for each in fields(Prediction)))


def _shown(windows: Sequence[metrics.Totals], levels: Sequence[float]) -> dict[str, float | None]:
    """The mean of each metric over the windows, also for each quantile level; None where it is not defined."""
    found = metrics.average([each.pooled() for each in windows])
    by_level = {f"wQL[{level:g}]": float(loss) for level, loss in zip(levels, found.wql)}
    by_name = autopredictor.by_metric(found) | by_level
    return {name: None if np.isnan(value) else value for name, value in by_name.items()}
