"""The example shop and the console, in a browser, on the app that is deployed: what a person sees of it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from examples.shop.server import Shop, serve
from tests.browser.serving import serving
from tests.contract.helpers import eventually


def visit_the_shop(browser: Browser, dataset: str) -> None:
    """Look at a best seller, buy it, and look at what will be sold."""
    with serving(serve(Shop(dataset))) as url, _page(browser) as page:
        page.goto(url)
        expect(page.locator("#for-you button").first).to_be_visible()
        page.locator("#best-sellers button").first.click()
        for shelf in ("#bought-together", "#also-viewed"):
            expect(page.locator(f"{shelf} button").first).to_be_visible()
        page.get_by_role("button", name="Buy").click()
        expect(page.locator("#said")).to_contain_text("Thank you for buying")
        page.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Stock").click()
        expect(page.locator("#days rect").first).to_be_visible()


def visit_the_console(browser: Browser, dataset: str, item: str) -> None:
    """Each page once; an item by part of its name; an event."""
    with _console(dataset) as link, _page(browser) as page:
        page.goto(link)
        expect(page.get_by_text("What serves").first).to_be_visible()
        page.get_by_role("link", name="Runs").click()
        expect(page.locator("[data-testid=stGraphVizChart] svg")).to_contain_text("Publish")
        page.get_by_role("link", name="Forecasts").click()
        page.get_by_label("Search items").fill(item[:-1])
        page.get_by_label("Search items").press("Enter")
        expect(page.get_by_role("combobox", name="Item")).to_have_value(re.compile(f"^{item}"))
        expect(page.locator("[data-testid=stVegaLiteChart]").first).to_be_visible()
        page.get_by_role("link", name="Accuracy").click()
        expect(page.get_by_text("Items, the worst first")).to_be_visible()
        page.get_by_role("link", name="Recommendations").click()
        expect(page.get_by_text("Plain popularity")).to_be_visible()
        page.get_by_role("button", name="View").click()
        expect(page.get_by_text("was sent")).to_be_visible()
        page.get_by_role("link", name="Data").click()
        expect(page.get_by_text("Files of target")).to_be_visible()
        assert "The console failed" not in page.inner_text("body")


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@contextmanager
def _console(dataset: str) -> Iterator[str]:
    """The link that the console prints: a process of its own, as Streamlit has one server per process."""
    command = [sys.executable, "-m", "storecast.console", "--no-browser", "--dataset", dataset]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            link = re.findall(r"http\S+", process.stdout.readline())[0]
            eventually(partial(_listens, urlsplit(link).port))  # it prints the link before it does
            yield link
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
