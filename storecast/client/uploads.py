"""What was delivered, how fresh it is, what is in quarantine and why; uploading files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from storecast.client import files
from storecast.client.aws import Aws, at_once
from storecast.client.model import Dataset, Folder, Pipeline, Quarantined

_KINDS = {"forecasting": ("target", "related", "metadata"), "recommending": ("interactions", "items", "users")}
_REASON = ".reason.txt"


def kinds(pipeline: Pipeline) -> tuple[str, ...]:
    """The kinds of dataset that a pipeline may have."""
    return _KINDS[pipeline]


def folders(aws: Aws, dataset: Dataset, pipeline: Pipeline) -> list[Folder]:
    """What was delivered, by kind of dataset, also of kinds that have no file."""
    bucket, prefix = dataset.data_bucket, dataset.folder(pipeline)
    of_kind: dict[str, list[files.Object]] = defaultdict(list)
    for each in files.listed(aws, bucket, prefix):
        of_kind[each.key.removeprefix(prefix).partition("/")[0]].append(each)
    found = []
    for kind in _KINDS[pipeline]:
        number, size = files.counted(of_kind[kind])
        newest = max((each.modified for each in of_kind[kind]), default=None)
        found.append(Folder(pipeline, kind, number, size, newest, f"s3://{bucket}/{prefix}{kind}/"))
    return found


def delivered(aws: Aws, dataset: Dataset, pipeline: Pipeline, kind: str) -> list[files.Object]:
    """The files of a kind of dataset, the newest first."""
    found = files.listed(aws, dataset.data_bucket, f"{dataset.folder(pipeline)}{kind}/")
    return sorted(found, key=lambda each: each.modified, reverse=True)


def quarantine_count(aws: Aws, dataset: Dataset, pipeline: Pipeline) -> int:
    """How many files are in quarantine."""
    listed = files.listed(aws, dataset.data_bucket, f"quarantine/{dataset.folder(pipeline)}")
    return sum(not each.key.endswith(_REASON) for each in listed)


def quarantine(aws: Aws, dataset: Dataset, pipeline: Pipeline, most: int = 50) -> list[Quarantined]:
    """The files in quarantine with their reasons, the last moved first."""
    prefix = f"quarantine/{dataset.folder(pipeline)}"
    listed = files.listed(aws, dataset.data_bucket, prefix)
    moved = [each for each in listed if not each.key.endswith(_REASON)]
    moved = sorted(moved, key=lambda each: each.modified, reverse=True)[:most]

    def one(each: files.Object) -> Quarantined:
        kind, _, rest = each.key.removeprefix(prefix).partition("/")
        said = _said(files.text(aws, each.bucket, f"{each.key}{_REASON}") or "")
        name = rest.partition("/")[2]
        reason = said.get("what", "no reason lies beside it")
        return Quarantined(pipeline, kind, name, each.uri, each.modified, reason, said.get("next", ""))

    return at_once(one, moved)


def _said(text: str) -> dict[str, str]:
    """The lines of a reason: `what:   ...`, `next:   ...`."""
    found = (line.partition(":") for line in text.splitlines())
    return {key: value.strip() for key, _, value in found}


def upload(
    aws: Aws,
    dataset: Dataset,
    pipeline: Pipeline,
    kind: str,
    path: Path,
    progress: Callable[[int], None] = lambda done: None,
) -> str:
    """Upload a file into the folder of its kind, which starts a run; the URI. `progress` gets the bytes sent."""
    key = f"{dataset.folder(pipeline)}{kind}/{path.name}"
    aws.client("s3").upload_file(
        str(path), dataset.data_bucket, key, ExtraArgs={"ContentType": "text/csv"}, Callback=progress
    )
    return f"s3://{dataset.data_bucket}/{key}"


def newest(found: list[Folder]) -> datetime | None:
    """When something was delivered last."""
    return max((each.newest for each in found if each.newest), default=None)
