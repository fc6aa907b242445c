"""boto3 clients, one per service and process.

Their patience with throttling and full quotas is at most 15 s, well within a step's time; Step Functions has more."""

from __future__ import annotations

import functools
from typing import Any

import boto3
from botocore.config import Config


@functools.cache
def client(service: str) -> Any:
    return boto3.client(service, config=Config(retries={"mode": "standard", "max_attempts": 5}))
