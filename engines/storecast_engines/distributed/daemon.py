"""The process that Spark forks its Python workers from (`spark.python.daemon.module`), with what all tasks need
imported once: it takes a second of CPU. What takes longer, statsforecast, is left to the tasks that fit models."""

from pyspark import daemon

from storecast_engines.distributed import chunks  # noqa: F401 - for the workers

if __name__ == "__main__":
    daemon.manager()
