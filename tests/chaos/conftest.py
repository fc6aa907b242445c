"""A server of the embedded AWS that only the attack uses."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from localaws import process
from localaws.settings import Settings, client_environment, prepare
from tests.conftest import free_port


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Running, with empty state; the environment of this process points at it."""
    settings = prepare(tmp_path_factory.mktemp("victim"), free_port())
    process.start(settings)
    before = dict(os.environ)
    os.environ.update(client_environment(settings))
    yield settings
    os.environ.clear()
    os.environ.update(before)
    process.stop(settings)
