"""Clients of one server of several that a process may talk to: boto3's default session keeps the first one's key."""

from __future__ import annotations

import boto3

from localaws.settings import REGION, Settings


def session_of(settings: Settings) -> boto3.Session:
    return boto3.Session(settings.access_key, settings.secret_key, region_name=REGION)
