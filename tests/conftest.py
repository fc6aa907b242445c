"""What all tests share: one embedded AWS for the whole run, started when the first test asks for it."""

import os
import socket

import pytest

from localaws import process
from localaws.settings import Settings, client_environment, prepare
from tests.browser.chromium import browser  # noqa: F401 (a fixture)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A running embedded AWS with empty state that records the rights in use; the environment of this process points
    at it."""
    settings = prepare(tmp_path_factory.mktemp("localaws"), free_port())
    before = dict(os.environ)
    os.environ["LOCALAWS_RECORD_RIGHTS"] = "1"
    process.start(settings)
    os.environ.update(client_environment(settings))
    yield settings
    os.environ.clear()
    os.environ.update(before)
    process.stop(settings)
