"""Forecasts of any number of series on Spark: the job (`run`), what it is asked for, and what it answers.

What all series have in common is learned on the driver from a sample of bounded size: LightGBM's models and the
shares of the ensemble. What belongs to a series is done on the executors, chunk by chunk: the statistical models, the
backtest, the series' own weights, its forecast, and its rows of the results. Of no more series than the sample holds,
the results are those of `forecasting.autopredictor`.

`run` and the modules below it need the extra `storecast-engines[spark]`; requests, results and storage do not.
"""

from storecast_engines.distributed.documents import Change, JobFailed, Request, Result, Source
from storecast_engines.distributed.storage import LocalFiles, Storage

__all__ = ["Change", "JobFailed", "LocalFiles", "Request", "Result", "Source", "Storage"]
