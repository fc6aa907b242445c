"""The import of a dataset, in a process of its own."""

from dataclasses import dataclass
from pathlib import Path

from localaws.errors import JobFailed
from localaws.jobs import Result
from localaws.s3 import Access, read
from localaws.services.personalize.records import IDS
from localaws.services.personalize.schema import parse
from storecast_engines.files import FileError
from storecast_engines.files.interactions import check_interactions, read_csv


@dataclass(frozen=True)
class ImportDataset:
    path: str
    schema_text: str
    destination: Path


def import_dataset(job: ImportDataset, access: Access) -> Result:
    """Writes the rows of all files as one Parquet file; of items and users with the same id, the last one."""
    dataset_type, schema = parse(job.schema_text)
    files = read(access, job.path)
    try:
        frame = read_csv({file.uri: file.body for file in files}, schema)
        if dataset_type == "Interactions":
            check_interactions(job.path, frame)
    except FileError as error:
        raise JobFailed(str(error)) from None
    if key := IDS.get(dataset_type.upper()):
        frame = frame.drop_duplicates(key, keep="last")
    job.destination.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(job.destination, index=False)
    missing = [f"{column} in {rows:,} rows" for column, rows in frame.attrs["unreadable"].items()]
    return Result(notes=f"imported without unreadable numbers: {', '.join(missing)}" if missing else "")
