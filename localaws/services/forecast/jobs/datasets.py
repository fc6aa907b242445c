"""The import of a dataset, in a process of its own."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from localaws.jobs import Result, report
from localaws.s3 import Access
from localaws.services.forecast.files import Part, Source, read_parts
from storecast_engines.files import time_series
from storecast_engines.files.statistics import Statistics


@dataclass(frozen=True)
class ImportDataset:
    source: Source
    destination: Path


def import_dataset(job: ImportDataset, access: Access) -> Result:
    """Writes the rows of all files as one Parquet file, a part of a file at a time."""
    statistics, counted, size = Statistics(), job.source.layout.counted, 0
    below: dict[str, list[pd.Series]] = {}
    job.destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=job.destination.parent) as folder:
        unfinished = Path(folder) / job.destination.name
        for part in _written(unfinished, read_parts(access, job.source)):
            statistics.add(part.rows)
            if counted:
                values = part.rows[counted]
                below.setdefault(part.uri, []).append(values[values < 0])
            size = part.total
            report(part.read / part.total, f"{part.read / 2**20:,.0f} of {part.total / 2**20:,.0f} MiB read")
        unfinished.replace(job.destination)
    doubts = [time_series.below_zero(uri, pd.concat(values)) for uri, values in below.items()]
    record = {"FieldStatistics": statistics.result(), "DataSize": size / 2**30}
    return Result(record, notes=" ".join(filter(None, doubts)))


def _written(file: Path, parts: Iterator[Part]) -> Iterator[Part]:
    """The parts, each once it is in the file."""
    first = next(parts)
    schema = pa.Table.from_pandas(first.rows, preserve_index=False).schema
    with parquet.ParquetWriter(file, schema) as writer:
        writer.write_table(pa.Table.from_pandas(first.rows, schema, preserve_index=False))
        yield first
        for part in parts:
            writer.write_table(pa.Table.from_pandas(part.rows, schema, preserve_index=False))
            yield part
