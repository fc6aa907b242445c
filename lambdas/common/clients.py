"""boto3 clients, one per service and process.

Their patience with throttling and full quotas is at most 15 s, well within a step's time; Step Functions has more."""

from __future__ import annotations

import functools
from typing import Any

import boto3
from botocore.config import Config


@functools.cache
def client(service: str, attempts: int = 5) -> Any:
    """With one of the `attempts` alone, nothing is made twice where an answer gets lost: the step looks before it tries
    again."""
    return boto3.client(service, config=Config(retries={"mode": "standard", "total_max_attempts": attempts}))
