"""boto3 clients, one per service and process, patient with throttling."""

from __future__ import annotations

import functools
from typing import Any

import boto3
from botocore.config import Config


@functools.cache
def client(service: str) -> Any:
    return boto3.client(service, config=Config(retries={"mode": "adaptive", "max_attempts": 8}))
