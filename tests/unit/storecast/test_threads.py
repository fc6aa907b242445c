"""Threads may share boto3's clients, but not make them at once (boto3's guide to multithreading)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from storecast.client.aws import Aws, at_once

SERVICES = ("s3", "states", "athena", "glue", "forecast", "personalize")


def made_at_once(patch: Callable[[Any], None], make: Callable[[str], object]) -> int:
    """How many clients were being made at the same time, at most, of those that as many threads ask for."""
    inside, most, counting = 0, 0, threading.Lock()

    def slow(service: str, **_: Any) -> object:
        nonlocal inside, most
        with counting:
            inside += 1
            most = max(most, inside)
        time.sleep(0.05)
        with counting:
            inside -= 1
        return object()

    patch(slow)
    at_once(make, SERVICES)
    return most


def test_the_client_makes_its_clients_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws(region="eu-west-1")
    assert made_at_once(lambda slow: monkeypatch.setattr(aws.session, "client", slow), aws.client) == 1


def test_the_shop_makes_its_clients_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    server = pytest.importorskip("examples.shop.server")
    server.client.cache_clear()
    assert made_at_once(lambda slow: monkeypatch.setattr(boto3, "client", slow), server.client) == 1
    server.client.cache_clear()
