"""Plan's check of what was delivered: bad files go into quarantine, of the others the service reads all or copies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from common import intake, quarantine
from common.deliveries import Uploads
from common.intake import Checked
from common.payload import CopiedFile, Failure, PlanRequest, Quarantined, Refusing
from common.store import S3File, StoredFile
from common.tables import Layout

_SHOWN = 5  # refused files that the payload holds: it must stay small
_MOST = 5  # files of a kind: where more are refused and none is good, the config may be wrong rather than they


class Gate:
    """What Plan refuses in one attempt of a run; `known` are by kind the ETags of files that were imported before."""

    def __init__(self, event: PlanRequest, folder: str, run: str, known: Mapping[str, Mapping[str, str]]) -> None:
        self._event, self._folder, self._run, self._known = event, folder, run, known
        self._found: list[tuple[str, S3File, str]] = []
        self._left: Uploads | None = None

    def by_name(self, uploads: Uploads, kinds: Collection[str]) -> Uploads:
        """The uploads without those that are not CSV files by their names, however many: no config makes them CSV."""
        why = {kind: intake.by_name(self._files(uploads.bucket, uploads.under(kind))) for kind in kinds}
        return self.refuse(uploads, why, most=None)

    def refuse(self, uploads: Uploads, why: Mapping[str, Mapping[str, str]], *, most: int | None = _MOST) -> Uploads:
        """The uploads without those that are refused: why, by kind and the file's URI.

        Raises ValueError where the config seems to be wrong rather than the files: a file was imported before, or more
        than `most` files are refused and none is good.
        """
        gone: set[str] = set()
        for kind, of_kind in why.items():
            files = {f"s3://{uploads.bucket}/{file.key}": file for file in uploads.under(kind)}
            for name, message in of_kind.items():
                if self._known.get(kind, {}).get(files[name].key) == files[name].etag:
                    raise ValueError(f"{message}; it was imported before: did pipeline.yaml change? Correct that, or "
                                     "replace the file")  # fmt: skip
            if most is not None and len(of_kind) > most and len(of_kind) == len(files):
                first = next(iter(of_kind.values()))
                raise ValueError(
                    f"none of the {len(files)} files of {kind} can be imported, so pipeline.yaml may be wrong: "
                    f"correct it or the files, then start with {{}}; the first problem: {first}"
                )
            self._found += [(kind, files[name], message) for name, message in of_kind.items()]
            gone |= {files[name].key for name in of_kind}
        self._left = uploads.without(gone)
        return self._left

    def known(self, uploads: Uploads, kind: str) -> set[str]:
        """The URIs of the files that were imported before as they are."""
        known = self._known.get(kind, {})
        return {f"s3://{uploads.bucket}/{file.key}" for file in uploads.of(kind) if known.get(file.key) == file.etag}

    def files(self, uploads: Uploads, kind: str) -> list[StoredFile]:
        """The files of a kind to check: those that were imported before first, then the oldest."""
        known = self._known.get(kind, {})
        found = sorted(uploads.of(kind), key=lambda file: (known.get(file.key) != file.etag, file.modified, file.key))
        return self._files(uploads.bucket, found)

    def answer(self, found: Any) -> Any:
        """Plan's answer `found`, with what was refused: the files are moved now, but not in a dry run."""
        left, kinds = self._left, {kind for kind, file, _ in self._found if file.is_csv}  # a stray file is no data lost
        last = {kind for kind in kinds if left is not None and not left.of(kind)}
        refused = quarantine.set_aside(self._event, self._folder, self._run, self._found, last=last)
        said: Refusing = {"refused": {"count": len(refused), "files": refused[:_SHOWN]}}
        lost = next((each for each in refused if each.get("last")), None)
        if lost and not self._event.get("dryRun"):
            said["lost"] = _failure(lost)
        return {**found, **said}

    @staticmethod
    def _files(bucket: str, files: Iterable[S3File]) -> list[StoredFile]:
        return [StoredFile(bucket, file) for file in files]


def _failure(lost: Quarantined) -> Failure:
    message = f"{lost['message']}; the last file of its kind, it is in quarantine now: {lost['movedTo']}"
    return {"step": "Plan", "error": "Storecast.Refused", "message": message}


def layouts(checked: Checked, bucket: str) -> dict[str, Layout]:
    """The layouts of a kind's files by key, for all who read them later."""
    return {name.removeprefix(f"s3://{bucket}/"): layout for name, layout in checked.layouts.items() if layout}


def copied(
    checked: Checked, files: Mapping[str, str], bucket: str, header: Sequence[str] = (), escape: str | None = None
) -> list[CopiedFile]:
    """The files with rows, to be copied: as they are if a service reads them so, otherwise rewritten, with the
    `header`. `files` are ETags by key."""
    found: list[CopiedFile] = []
    for key, etag in files.items():
        name = f"s3://{bucket}/{key}"
        if name not in checked.layouts or not checked.left(name):  # a service refuses a copy without any row
            continue
        file: CopiedFile = {"key": key, "etag": etag}
        if name not in checked.plain:
            file["layout"] = checked.layouts[name]
            if header:
                file["header"] = list(header)
            if escape:
                file["escape"] = escape
        found.append(file)
    return found
