"""A headless Chromium for tests that look at pages as a person would.

Playwright drives it, but cannot bring it: its browsers come from a host of its own, which a build machine may not
reach. npm's @sparticuz/chromium has one with the shared libraries that a bare Linux lacks; it needs no root.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

_UNPACKED = Path(__file__).parent / "node_modules" / ".chromium"
_INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MISSING = (
    "no Chromium: run `make test-browser` (x86-64 Linux), install Chromium or Chrome, or set STORECAST_TEST_BROWSER to "
    "the path of one"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a process. Without one they are skipped; in CI (CI=true) they fail."""
    from playwright.sync_api import Error, expect, sync_playwright  # here, as every test's conftest reads this file

    expect.set_options(timeout=60_000)  # tests share two cores with others
    with sync_playwright() as playwright:
        try:
            started = _start(playwright)
        except (FileNotFoundError, Error) as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error))
            pytest.skip(str(error))
        yield started
        started.close()


def _start(playwright: Playwright) -> Browser:
    """Raises FileNotFoundError if there is no browser, playwright's Error if it does not start."""
    own = _UNPACKED / "chromium"
    fits = own.exists() and (platform.system(), platform.machine()) == ("Linux", "x86_64")
    path = os.environ.get("STORECAST_TEST_BROWSER") or (own if fits else _on_path())
    if not path:
        raise FileNotFoundError(_MISSING)
    environment = dict(os.environ)
    if path == own:
        environment |= {"LD_LIBRARY_PATH": str(_UNPACKED / "lib"), "FONTCONFIG_FILE": str(_UNPACKED / "fonts.conf")}
    # Chromium refuses to sandbox as root, and needs more shared memory than a container has.
    flags = ["--no-sandbox", "--disable-dev-shm-usage"]
    return playwright.chromium.launch(executable_path=path, args=flags, env=environment)


def _on_path() -> str | None:
    return next(filter(None, map(shutil.which, _INSTALLED)), None)
