"""Which files were imported already: each import job is tagged with a checksum of its files, so the service itself,
and no state beside it, says what its datasets hold. An import that failed left its dataset as it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from common.names import RUN_ID_LENGTH
from common.store import csv_files

TAG = "files"
_LEFT_NOTHING = ("FAILED", "STOPPED", "DELETE")


def checksums(bucket: str, folder: str, kinds: Iterable[str]) -> dict[str, str]:
    """By dataset kind that has CSV files under `folder`, the checksum of their keys and ETags."""
    found = {kind: csv_files(bucket, f"{folder}{kind}/") for kind in kinds}
    return {kind: checksum(files) for kind, files in found.items() if files}


def checksum(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def newest_import(jobs: Mapping[str, tuple[str, str]], named: Callable[[str], str]) -> str | None:
    """The ARN of the import that a dataset's content is from, or None if there is none or that is not certain.

    `jobs` are name and status by ARN, `named(run)` is the name of the dataset's import in a run. An import still at
    work, of a run that was stopped, makes it uncertain.
    """
    ours = {
        name[-RUN_ID_LENGTH:]: (arn, status)
        for arn, (name, status) in jobs.items()
        if name == named(name[-RUN_ID_LENGTH:]) and not any(word in status for word in _LEFT_NOTHING)
    }
    arn, status = ours[max(ours)] if ours else (None, "")
    return arn if status == "ACTIVE" else None


def nothing_new(bucket: str, folder: str, kinds: Iterable[str], run: str) -> dict[str, str]:
    """Plan's answer that ends a run early, in words for whoever started it."""
    return {
        "nothingNew": f"nothing new: the files of {', '.join(kinds)} under s3://{bucket}/{folder} are unchanged since "
        f'run {run}, and so is the config; start with {{"force": true}} to import and train all the same'
    }
