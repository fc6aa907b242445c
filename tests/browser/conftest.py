"""What the tests of pages share: a page that is a desktop's or a phone's, and fails the test for any error in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`opened(size, scheme)` is a page. What it writes to the browser's console as an error fails the test."""
    contexts, errors = [], list[str]()

    def new(size: dict[str, int] = DESKTOP, scheme: str = "light") -> Page:
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme, has_touch=size == PHONE))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if _is_error(said) else None)
        return page

    yield new
    for context in contexts:
        context.close()
    assert errors == []


def _is_error(said: ConsoleMessage) -> bool:
    """Streamlit's own page looks for its server under each part of the address, and gets 404s."""
    return said.type == "error" and not re.search(r"status of 40[14]", said.text)


@pytest.fixture(params=[(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def page(opened: Callable[..., Page], request: pytest.FixtureRequest) -> Page:
    return opened(*request.param)


def too_wide(page: Page) -> list[str]:
    """The elements that reach over the right edge of the screen; what scrolls within its own frame may."""
    return page.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, svg, canvas') &&"
        " e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    )
