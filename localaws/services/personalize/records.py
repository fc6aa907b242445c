"""The records of a group's Items and Users datasets, as filters and answers look them up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

from localaws.registration import Context
from localaws.services.personalize.datasets import dataset_private, group_datasets, stream_of
from localaws.services.personalize.streams import FILE, Record, Stream, read

IDS = {"ITEMS": "ITEM_ID", "USERS": "USER_ID"}


@dataclass(frozen=True, eq=False)
class Records:
    """A dataset's records by id. The same object until the data changes, so that caches can go by it."""

    by_id: Mapping[str, Mapping[str, object]]


NO_RECORDS = Records({})


def records(context: Context, group_arn: str, dataset_type: str) -> Records:
    """What was imported and put, of each id the newest record; nothing without such a dataset."""
    dataset = group_datasets(context, group_arn).get(dataset_type)
    if dataset is None:
        return NO_RECORDS
    put, kept = stream_of(context, dataset), dataset_private(dataset)
    return _load(tuple(kept.get("files", [])), dataset_type, put, put.changes)


def of_files(files: Iterable[str], dataset_type: str, put: Iterable[Record] = ()) -> Records:
    """The records of files, oldest first, and those that were put after them."""
    rows = chain(*(_rows(Path(file)) for file in files), put)
    return Records({row[IDS[dataset_type]]: row for row in rows})


def _rows(file: Path) -> list[Record]:
    if file.name == FILE:
        return read(file)
    from pyarrow import parquet  # here and not above: only filters and metadata in answers need it

    return parquet.read_table(file).to_pylist()


@lru_cache(maxsize=16)
def _load(files: tuple[str, ...], dataset_type: str, put: Stream, changes: int) -> Records:
    """`changes` lets the cache see what came in or went since."""
    return of_files(files, dataset_type, put.records)
