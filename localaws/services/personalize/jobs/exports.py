"""The export of a dataset, in a process of its own."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from localaws.jobs import Result
from localaws.s3 import Access, check_folder, write
from localaws.services.personalize.records import IDS
from localaws.services.personalize.schema import parse
from localaws.services.personalize.training_data import read_file


@dataclass(frozen=True)
class ExportDataset:
    """`newest_only`: of items and users with the same id, the newest alone
    (docs/aws-sources.md#personalize-export-data)."""

    path: str
    name: str
    files: list[str]
    schema_text: str
    newest_only: bool


def export_dataset(job: ExportDataset, access: Access) -> Result:
    """One CSV with a header, in the form that an import reads; records that match in all fields once."""
    dataset_type, schema = parse(job.schema_text)
    names = [field.name for field in schema]
    frames = [read_file(Path(file)).reindex(columns=names) for file in job.files]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)
    frame = frame.drop_duplicates(IDS.get(dataset_type.upper()) if job.newest_only else None, keep="last")
    check_folder(access, job.path, reads=False)
    write(access, job.path, job.name, frame.to_csv(index=False, doublequote=False, escapechar="\\").encode())
    return Result()
