"""An ASGI application on a port of this machine, in a thread of the test's process: a test can put fakes into it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.conftest import free_port


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """The URL at which it answers."""
    import uvicorn

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    assert thread.is_alive(), "the application did not start"
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join()
