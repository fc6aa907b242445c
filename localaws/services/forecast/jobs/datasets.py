"""The import of a dataset, in a process of its own."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from localaws.jobs import Result
from localaws.s3 import Access
from localaws.services.forecast.files import Source, read_all
from storecast_engines.files import time_series


@dataclass(frozen=True)
class ImportDataset:
    source: Source
    destination: Path


def import_dataset(job: ImportDataset, access: Access) -> Result:
    """Writes the rows of all files as one Parquet file."""
    frames, size = read_all(access, job.source)
    frame = pd.concat(frames.values(), ignore_index=True)
    job.destination.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(job.destination, index=False)
    counted = job.source.layout.counted
    doubts = [time_series.below_zero(*each, counted) for each in frames.items()] if counted else []
    record = {"FieldStatistics": time_series.statistics(frame), "DataSize": size / 2**30}
    return Result(record, notes=" ".join(filter(None, doubts)))
