"""A deployed shop for the client and the command line, and a cache of files that no other test sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from storecast.client import files
from tests.unit.storecast.world import World, shop


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(files, "cache", lambda: tmp_path)
    return shop()
