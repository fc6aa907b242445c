"""The console in a browser, on a deployment that is made up: each page, on a desktop and on a phone, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("playwright")
pytest.importorskip("streamlit")
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.serving import serving
from tests.unit.console.made_up import MadeUp, patched

# Not the overview first: whoever has a link to another page may be the first to open the console.
PAGES = ("runs", "forecasts", "accuracy", "recommendations", "data", "")
TOKEN = "a-token"


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def deployed(patch: pytest.MonkeyPatch) -> MadeUp:
    return patched(patch)


@pytest.fixture(scope="module")
def url(deployed: MadeUp, patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Streamlit has one server per process."""
    from streamlit import config

    from storecast.console import asking, serve

    for name, value in serve.CONFIG.items():
        config.set_option(name, value)
    asking.aws.clear()
    asking.forget()
    with serving(serve.application(TOKEN, 0)) as url:
        yield url


@pytest.fixture
def open_page(opened: Callable[..., Page], url: str) -> Callable[..., Page]:
    """`open_page(path, size, scheme)`: a page of the console that has been shown to its end."""

    def new(path: str, size: dict[str, int] = DESKTOP, scheme: str = "light") -> Page:
        page = opened(size, scheme)
        page.goto(f"{url}{path}?token={TOKEN}")
        settled(page)
        return page

    return new


def settled(page: Page) -> None:
    expect(page.locator("h1")).to_be_visible(timeout=60_000)
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=60_000
    )


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_each_page_is_shown_and_fits_the_screen(
    open_page: Callable[..., Page], url: str, size: dict[str, int], scheme: str
) -> None:
    page = open_page(PAGES[0], size, scheme)
    for path in PAGES:
        page.goto(f"{url}{path}")
        settled(page)
        assert page.locator("[data-testid=stException]").count() == 0, path
        assert "The console failed" not in page.inner_text("body"), path
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
        dark = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
        brightness = sum(map(int, dark.removeprefix("rgb(").rstrip(")").split(",")[:3]))
        assert (brightness < 200) == (scheme == "dark"), path


def test_a_run_is_drawn_and_the_cause_is_no_markup(open_page: Callable[..., Page]) -> None:
    page = open_page("runs")
    expect(page.locator("[data-testid=stGraphVizChart] svg")).to_contain_text("Plan")
    expect(page.get_by_text("is no <b>number</b>").first).to_be_visible()
    expect(page.get_by_text("upload the corrected file").first).to_be_visible()


def test_a_forecast_is_drawn_and_downloaded(open_page: Callable[..., Page]) -> None:
    page = open_page("forecasts")
    expect(
        page.locator("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas").first
    ).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "item-00000.csv"
    assert download.value.path().read_text().startswith("time,sold,p05")


def test_a_file_is_dropped_checked_and_uploaded(open_page: Callable[..., Page], deployed: MadeUp) -> None:
    page = open_page("data")
    bad = {"name": "new.csv", "mimeType": "text/csv", "buffer": b"milk,2026-01-01,many\n"}
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("row 1, demand: 'many'")
    expect(page.get_by_role("button", name="which starts a run")).to_have_count(0)
    good = b"".join(b"milk,2026-01-%02d,3\n" % day for day in range(1, 29))
    page = open_page("data")
    page.locator("input[type=file]").set_input_files({**bad, "buffer": good})
    expect(page.get_by_text("28 rows in 1 file are fine")).to_be_visible()
    assert deployed.calls == []
    page.get_by_role("button", name="which starts a run").click()
    expect(page.get_by_text("Uploaded.")).to_be_visible()
    assert deployed.calls == [("upload", ("forecasting", "target", "new.csv", good))]


def test_another_dataset_is_chosen_in_the_sidebar(open_page: Callable[..., Page], deployed: MadeUp) -> None:
    page = open_page("")
    page.get_by_role("combobox", name="Dataset").click()
    page.get_by_role("option", name="other").click()
    page.get_by_role("link", name="Runs").click()
    expect(page.locator("h1")).to_have_text("Runs")
    settled(page)
    expect(page.get_by_role("combobox", name="Dataset")).to_have_value("other")
    assert deployed.asked[-1] == "other"


def test_no_page_holds_a_secret(open_page: Callable[..., Page], url: str) -> None:
    page = open_page("forecasts")
    assert page.url == f"{url}forecasts"
    assert TOKEN not in page.content() and page.evaluate("document.cookie").find(TOKEN) == -1


def test_without_the_token_there_is_no_page(opened: Callable[..., Page], url: str) -> None:
    page = opened()
    page.goto(url)
    expect(page.locator("h1")).to_have_text("This link has no valid token")
