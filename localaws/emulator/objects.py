"""S3 answers 200 for an object when it is on disk, with its sidecar; what cannot be written is not there at all.

ministack logs a failed write, answers 200 and keeps the object in memory. Here the request is answered SlowDown (503),
which every SDK retries (docs/aws-sources.md#s3-ErrorResponses), and the key is what it was before.
"""

import contextvars
import copy
import functools
import json
import logging
import os
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import s3

logger = logging.getLogger("storecast.emulator")

_SIDECAR = ".meta.json"
PIECE = 2**20  # bytes that are read at once
# Operations on one key, whose first two parameters are the bucket and the key.
_OPERATIONS = ("_put_object", "_copy_object", "_complete_multipart_upload", "_delete_object")
_held: contextvars.ContextVar[list[Callable[[], None]] | None] = contextvars.ContextVar("held", default=None)


class Spooled:
    """A body in a file of its own, which goes when nothing holds the body any more."""

    def __init__(self, path: Path, size: int):
        self.path, self._size = path, size
        weakref.finalize(self, path.unlink, missing_ok=True)

    def __len__(self) -> int:
        return self._size

    def pieces(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


class CannotStore(BaseException):
    """The disk takes nothing more. No Exception, as ministack logs those of a write and goes on."""


def register() -> None:
    if not s3.S3_PERSIST:
        return
    s3._atomic_write = _write
    s3._persist_object = _persist
    s3._remove_key_files = _remove
    s3._read_body = _reading(s3._read_body)
    s3._fire_s3_event_async = _once_stored(s3._fire_s3_event_async)
    for name in _OPERATIONS:
        setattr(s3, name, _all_or_nothing(getattr(s3, name)))


def _write(path: str, data: Any, *, text: bool = False) -> None:
    _write_beside(path, data.encode() if text else data)
    os.replace(f"{path}.tmp", path)


def _write_beside(path: str, data: Any) -> None:
    """Writes <path>.tmp durably. Raises CannotStore, leaving nothing."""
    try:
        if isinstance(data, Spooled):
            os.replace(data.path, f"{path}.tmp")
            return
        with open(os.open(f"{path}.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        _discard(path)
        raise CannotStore(str(error)) from None


def _discard(path: str) -> None:
    if os.path.exists(f"{path}.tmp"):
        os.remove(f"{path}.tmp")


def _persist(bucket: str, key: str, record: dict) -> None:
    """The object and its sidecar, both or neither: localaws/state.py finishes or drops what a crash cuts in two."""
    path = s3._object_disk_path(bucket, key)
    body = record.get("body")
    sidecar = {**s3._object_meta_from_record(record), **s3._key_history_meta(bucket, key), "key": key}
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        if body is not None:
            _write_beside(path, body)
        _write_beside(path + _SIDECAR, json.dumps(sidecar).encode())
        if body is not None:
            os.replace(f"{path}.tmp", path)
        os.replace(f"{path}{_SIDECAR}.tmp", path + _SIDECAR)
    except (OSError, CannotStore) as error:
        _discard(path)
        _discard(path + _SIDECAR)
        raise CannotStore(str(error)) from None
    record["body"] = None  # it is read from the disk, and so are its versions
    for version in s3._object_versions.get((bucket, key)) or []:
        version["data"] = None
    other = s3._other_key_disk_path(os.path.join(s3.DATA_DIR, get_account_id(), bucket), key, path)
    _remove(other)


def _remove(path: str | None) -> None:
    """The sidecar first: without a file it would be a damaged object, a file without it is one with its bytes alone."""
    for each in (path and path + _SIDECAR, path):
        if each and os.path.isfile(each):
            os.remove(each)


def _reading(read_body: Callable[..., bytes]) -> Callable[..., bytes]:
    """An object whose file cannot be read is an error; ministack answers no bytes."""

    @functools.wraps(read_body)
    def read(bucket: str, key: str, record: dict) -> bytes:
        if record.get("body") is not None:
            return record["body"]
        with open(s3._object_disk_path(bucket, key), "rb") as file:
            return file.read()

    return read


def _once_stored(fire: Callable[..., None]) -> Callable[..., None]:
    """Events of an operation are sent when it is done, and not if it fails."""

    @functools.wraps(fire)
    def fired(*arguments: Any, **named: Any) -> None:
        held = _held.get()
        send = functools.partial(fire, *arguments, **named)
        if held is None:
            send()
        else:
            held.append(send)

    return fired


def _all_or_nothing(operation: Callable[..., tuple]) -> Callable[..., tuple]:
    @functools.wraps(operation)
    def done(bucket: str, key: str, *more: Any, **named: Any) -> tuple:
        before = _snapshot(bucket, key)
        events: list[Callable[[], None]] = []
        token = _held.set(events)
        try:
            answer = operation(bucket, key, *more, **named)
        except CannotStore as error:
            _restore(bucket, key, before)
            logger.error("s3://%s/%s was not written: %s", bucket, key, error)
            return refusal()
        finally:
            _held.reset(token)
        for send in events:
            send()
        return answer

    return done


def refusal() -> tuple:
    return s3._error("SlowDown", "Please reduce your request rate.", 503)


def _snapshot(bucket: str, key: str) -> dict[str, Any]:
    """What ministack holds about a key. Bodies are on disk."""
    versions = s3._object_versions.get((bucket, key))
    record = (s3._buckets.get(bucket) or {"objects": {}})["objects"].get(key)
    return {
        "record": copy.copy(record),
        "versions": None if versions is None else [dict(each) for each in versions],
        "more": [{each: store[each] for each in _about(bucket, key) if each in store} for store in _stores()],
        "uploads": dict(s3._multipart_uploads.items()),
    }


def _restore(bucket: str, key: str, before: dict[str, Any]) -> None:
    made = _about(bucket, key)
    objects = s3._buckets[bucket]["objects"]
    for place, name, value in (
        (objects, key, before["record"]),
        (s3._object_versions, (bucket, key), before["versions"]),
    ):
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    for store, kept in zip(_stores(), before["more"], strict=True):
        for each in made:
            store.pop(each, None)
        for each, value in kept.items():
            store[each] = value
    for upload, parts in before["uploads"].items():
        s3._multipart_uploads.setdefault(upload, parts)


def _stores() -> tuple[Any, ...]:
    return s3._object_tags, s3._object_acl, s3._object_annotations, s3._object_retention, s3._object_legal_hold


def _about(bucket: str, key: str) -> list[tuple[str, str, str | None]]:
    """The keys of those stores: one for each version of the object, and one for an object without versions."""
    versions = [each["version_id"] for each in s3._object_versions.get((bucket, key)) or []]
    return [(bucket, key, version) for version in (None, *versions)]
