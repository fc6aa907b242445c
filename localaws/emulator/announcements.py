"""Events of objects are on disk until they have reached their targets: an operation is answered with what a crash cuts
off noted, and the next start delivers it (docs/aws-sources.md#eventbridge-eb-delivery: at least once).

ministack sends them in threads of their own, which nobody waits for: after a kill nothing was left of them.
"""

import contextvars
import functools
import itertools
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import s3

logger = logging.getLogger("storecast.emulator")

_numbers = itertools.count()
_note: contextvars.ContextVar[Path | None] = contextvars.ContextVar("note", default=None)


def register(folder: Path) -> None:
    """Notes lie in `folder`, one for each event."""
    if not s3.S3_PERSIST:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    s3._fire_s3_event_async = _noted(s3._fire_s3_event_async, folder)
    s3._fire_s3_event = _forgotten_when_delivered(s3._fire_s3_event)


def deliver(folder: Path) -> None:
    """What the last process noted and did not deliver; to be called once requests are served."""
    for note in sorted(folder.glob("*.json")):
        try:
            event = json.loads(note.read_bytes())
            set_request_account_id(event["account"])
            set_request_region(event["region"])
            s3._fire_s3_event_async(*event["arguments"], **event["named"])  # which notes it again
            logger.warning("the event of s3://%s/%s was cut off; it is sent again", *event["arguments"][:2])
        except (ValueError, KeyError, TypeError) as error:  # cut in two by the crash: nobody was answered yet
            logger.warning("%s is no event: %s", note, error)
        note.unlink()


def _noted(fire: Callable[..., None], folder: Path) -> Callable[..., None]:
    @functools.wraps(fire)
    def fired(bucket: str, *arguments: Any, **named: Any) -> None:
        if bucket not in s3._bucket_notifications:
            return
        event = {"account": get_account_id(), "region": get_region(), "arguments": [bucket, *arguments], "named": named}
        note = folder / f"{time.time_ns():020d}-{next(_numbers)}.json"
        try:
            with open(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(event, file)
        except OSError as error:  # the disk is full: the event itself needs none of it
            logger.error("the event of s3://%s/%s was not noted: %s", bucket, arguments[0], error)
        token = _note.set(note)
        try:
            fire(bucket, *arguments, **named)  # in a thread, which knows the note
        finally:
            _note.reset(token)

    return fired


def _forgotten_when_delivered(deliver: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(deliver)
    def delivered(*arguments: Any, **named: Any) -> None:
        deliver(*arguments, **named)
        if note := _note.get():
            note.unlink(missing_ok=True)

    return delivered
