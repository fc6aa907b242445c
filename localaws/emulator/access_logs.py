"""S3's access logs, which come late: some time after the request, and after the logging was switched off
(docs/aws-sources.md#s3-ServerLogs, "Best-effort server log delivery"). Here they come a few seconds later, and the rest
of them just before somebody deletes the bucket that they go to, which must be empty, also for CloudFormation.
"""

import functools
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from defusedxml import ElementTree
from ministack.services import s3
from ministack.services.cloudformation import provisioners

from localaws.emulator.roles import resource_policy_allows

logger = logging.getLogger("storecast.emulator")

LATE_SECONDS = 5


@dataclass(frozen=True)
class _Record:
    source: str  # the bucket that the request was for
    target: str
    prefix: str
    line: str
    due: float


_on_their_way: list[_Record] = []
_numbers = itertools.count(1)


def register() -> None:
    s3._delete_bucket = _after_all_logs(s3._delete_bucket)
    handlers = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"] = handlers | {"delete": _delete}


def recorded(app: Callable) -> Callable:
    """The ASGI application `app`, whose requests to buckets with access logs are on record."""

    async def served(scope: dict, receive: Callable, send: Callable) -> None:
        await app(scope, receive, send)
        _deliver(lambda record: record.due <= time.monotonic())
        bucket = scope["path"].split("/")[1] if scope["type"] == "http" else ""
        if bucket and (there := s3._bucket_logging_config.get(bucket)) and "TargetBucket" in there:
            of = {each.tag.rpartition("}")[2]: each.text or "" for each in ElementTree.fromstring(there).iter()}
            line = f"{bucket} {scope['method']} {scope['path']}"
            due = time.monotonic() + LATE_SECONDS
            _on_their_way.append(_Record(bucket, of["TargetBucket"], of.get("TargetPrefix", ""), line, due))

    return served


def configured(bucket: str, properties: dict) -> None:
    """The LoggingConfiguration of a bucket of a template."""
    given = properties.get("LoggingConfiguration", {})
    members = {"TargetBucket": given.get("DestinationBucketName"), "TargetPrefix": given.get("LogFilePrefix", "")}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members.items() if value is not None)
    enabled = f"<LoggingEnabled>{inner}</LoggingEnabled>" if members["TargetBucket"] else ""
    s3._put_bucket_logging(bucket, f"<BucketLoggingStatus>{enabled}</BucketLoggingStatus>".encode())


def _deliver(which: Callable[[_Record], bool]) -> None:
    for record in [each for each in _on_their_way if which(each)]:
        _on_their_way.remove(record)
        key = f"{record.prefix}{time.strftime('%Y-%m-%d-%H-%M-%S')}-{next(_numbers):016X}"
        target, source = f"arn:aws:s3:::{record.target}/{key}", f"arn:aws:s3:::{record.source}"
        if resource_policy_allows("logging.s3.amazonaws.com", "s3:PutObject", target, source):
            s3._put_object(record.target, key, record.line.encode(), {})
        else:
            logger.warning("access logs of %s were dropped: %s does not let them in", record.source, record.target)


def _after_all_logs(delete_bucket: Callable) -> Callable:
    @functools.wraps(delete_bucket)
    def deleted(name: str) -> tuple:
        _deliver(lambda record: record.target == name)
        return delete_bucket(name)

    return deleted


def _delete(bucket: str, properties: dict) -> Any:
    """CloudFormation deletes no bucket that has something in it; ministack's does."""
    status, _, body = s3._delete_bucket(bucket)
    if status == 409:
        raise ValueError(f"The bucket you tried to delete is not empty (Service: S3, Status Code: 409): {bucket}")
