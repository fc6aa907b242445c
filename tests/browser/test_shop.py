"""The example shop in a browser, on a deployment that is made up: tests/e2e has it on one that is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from examples.shop.server import Shop, serve
from tests.browser.conftest import too_wide
from tests.browser.serving import serving


class MadeUp(Shop):
    """Two products, which Personalize puts in another order once something was bought."""

    catalogue = {
        item: {"PRODUCT_NAME": f"{item} <b>in a very long name, to see how it is broken</b>", "PRICE": "1.5"}
        for item in ("milk", "tea")
    }
    customers = ["u1", "u2"]

    def __init__(self) -> None:
        super().__init__("corner")
        self.events: list[tuple[str, str, str]] = []
        self.published: dict[str, Any] = {"recommending": {"trackingId": "t"}, "forecasting": {"run": "r"}}

    def newest(self, pipeline: str) -> dict[str, Any]:
        return self.published.get(pipeline, {})

    def recommended(self, shelf: str, user: str, item: str) -> list[dict[str, str]]:
        bought = any(event == "Purchase" and by == user for event, by, _ in self.events)
        items = ["tea", "milk"] if shelf == "for-you" and bought else ["milk", "tea"]
        return [self.product(each) for each in items]

    def happened(self, event: str, user: str, item: str, session: str) -> None:
        self.events.append((event, user, item))

    def stock(self) -> list[dict[str, Any]]:
        return [{"item_id": each, "expected": 12.0, "cautious": 20.0} for each in ("it's milk", "tea")]

    def demand(self, article: str) -> list[dict[str, Any]]:
        return [{"date": f"2026-01-{day:02d}T00:00:00Z", "expected": 1.0, "cautious": 2.0} for day in range(1, 15)]


@pytest.fixture
def shop() -> MadeUp:
    return MadeUp()


@pytest.fixture
def url(shop: MadeUp) -> Iterator[str]:
    with serving(serve(shop)) as url:
        yield url


def test_what_a_visitor_buys_changes_what_is_recommended(page: Page, url: str, shop: MadeUp) -> None:
    page.goto(url)
    page.locator("#customer").select_option("u2")
    first = page.locator("#for-you button").first
    expect(first).to_contain_text("milk <b>in")
    page.locator("#best-sellers button").first.click()
    expect(page.locator("#also-viewed button")).to_have_count(2)
    page.get_by_role("button", name="Buy").click()
    expect(page.locator("#said")).to_contain_text("Thank you")
    assert too_wide(page) == []
    page.get_by_role("button", name="Close").click()
    expect(first).to_contain_text("tea <b>in")
    assert shop.events == [("View", "u2", "milk"), ("Purchase", "u2", "milk")]
    assert too_wide(page) == []


def test_the_stock_page_shows_the_days_of_an_article(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Stock").click()
    expect(page.locator("#days h2")).to_have_text("it's milk")
    page.locator("#articles tr").nth(1).click()
    expect(page.locator("#days h2")).to_have_text("tea")
    expect(page.locator("#days rect")).to_have_count(28)
    assert too_wide(page) == []


def test_a_shop_without_results_says_what_to_do(page: Page, url: str, shop: MadeUp) -> None:
    shop.published = {}
    page.goto(url)
    expect(page.locator("#said")).to_contain_text("Nothing of corner is published yet")


def test_other_hosts_other_sites_and_events_that_do_not_exist_are_refused(url: str, shop: MadeUp) -> None:
    assert httpx.get(url, headers={"host": "evil.example"}).status_code == 400
    sent = {"event": "Refund", "item": "milk", "user": "u1", "session": "s"}
    assert httpx.post(f"{url}api/events", json=sent).status_code == 400
    assert httpx.post(f"{url}api/events", content=json.dumps({**sent, "event": "View"})).status_code == 415
    assert shop.events == []
