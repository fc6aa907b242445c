"""boto3 clients, one per service and process.

They retry throttling and full quotas for at most 15 s, well within a step's time; Step Functions retries longer."""

from __future__ import annotations

import functools
from typing import Any

import boto3
from botocore.config import Config


@functools.cache
def client(service: str, attempts: int = 5) -> Any:
    """With a single attempt, a lost response cannot create a duplicate, as the step looks before it retries."""
    return boto3.client(service, config=Config(retries={"mode": "standard", "total_max_attempts": attempts}))
