"""The pages of the console by Streamlit's own harness, on a deployment that is made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

pytest.importorskip("streamlit")
from streamlit.testing.v1 import AppTest

from storecast.client import datasets
from storecast.console import asking
from tests.unit.console.made_up import ITEMS, REASON, MadeUp, patched


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeUp]:
    asking.aws.clear()
    asking.forget()
    yield patched(monkeypatch)
    asking.aws.clear()
    asking.forget()


def shown(name: str) -> AppTest:
    """A page, as it is first shown."""
    script = f"from storecast.console import asking\nfrom storecast.console.views import {name}\n"
    app = AppTest.from_string(f"{script}asking.guarded({name}.page)()", default_timeout=60).run()
    assert not app.exception
    return app


def text(elements: Any) -> str:
    return "\n".join(each.value for each in elements)


def test_the_overview_leads_to_what_needs_a_look(deployed: MadeUp) -> None:
    page = shown("overview")
    assert "The last forecasting run failed in Plan" in text(page.error)
    assert "Alarm **dead-letters**" in text(page.error)
    assert "1 forecasting file in quarantine" in text(page.warning)
    assert {each.label: each.value for each in page.metric}["average wQL"] == "0.250"


def test_a_failed_run_is_shown_first_with_its_cause_and_the_next_step(deployed: MadeUp) -> None:
    page = shown("runs")
    assert text(page.error) == f"In **Plan**: `{REASON}`"
    assert text(page.info) == "**Next:** upload the corrected file."
    page.selectbox[0].select_index(2).run()
    assert not page.error and text(page.success) == "Published"


def test_a_run_starts_only_when_the_button_is_pressed(deployed: MadeUp) -> None:
    page = shown("runs")
    page.checkbox[1].check().run()
    assert deployed.calls == []
    page.button[0].click().run()
    assert deployed.calls == [("start", ("forecasting", {"force": False, "dry_run": True}))]


def test_an_item_is_found_among_ten_thousand_by_part_of_its_name(deployed: MadeUp) -> None:
    page = shown("forecasts")
    assert len(page.selectbox[0].options) == 50
    page.text_input[0].input("0777").run()
    assert page.selectbox[0].options[0] == "item-00777 / north"
    page.text_input[0].input("<b>nothing").run()
    assert "No item contains `<b>nothing`." in text(page.caption)


def test_what_ifs_are_beside_the_forecast_as_it_is(deployed: MadeUp) -> None:
    page = shown("forecasts")
    figures = {each.label: (each.value, each.delta) for each in page.metric}
    assert figures["As it is"][0] == "140" and figures["cheaper"] == ("168", "+20.0%")
    assert "All items: cheaper +20.0%" in text(page.caption)
    page.multiselect[0].select("cheaper").run()
    assert not page.exception


def test_the_leaderboard_marks_the_best_and_the_items_come_worst_first(deployed: MadeUp) -> None:
    page = shown("accuracy")
    board, items = (each.value for each in page.dataframe[:2])
    assert list(board["WAPE"]) == ["0.3000", "0.2000 ★"] and list(board["average wQL"])[0] == "0.2000 ★"
    assert len(items) == ITEMS and items["item"][0] == "item-00000" and items["bias"][0] == pytest.approx(0.2)
    page.text_input(key="worst").input("09999").run()
    assert list(page.dataframe[1].value["item"]) == ["item-09999"]


def test_an_event_is_sent_when_a_button_is_pressed_and_the_answer_says_what_moved(deployed: MadeUp) -> None:
    page = shown("recommendations")
    assert list(page.dataframe[0].value["id"]) == ["i0", "i1", "i2", "i3", "i4"]
    assert list(page.dataframe[1].value["both"]) == ["✓", ""]
    page.text_input(key="search-event-item").input("of i7").run()
    assert deployed.calls == []
    next(each for each in page.button if each.label == "Purchase").click().run()
    assert deployed.calls == [("Purchase", "i7")]
    answer = page.dataframe[0].value
    assert list(answer["id"])[:2] == ["i7", "i0"] and list(answer["moved"])[:2] == ["new", "▼ 1"]
    assert "Purchase of name of i7 by user u1 was sent" in text(page.success)


def test_without_an_event_tracker_the_page_says_how_to_have_one(deployed: MadeUp) -> None:
    deployed.tracker = False
    page = shown("recommendations")
    next(each for each in page.button if each.label == "View").click().run()
    assert "no event tracker" in text(page.info) and "event_tracker: true" in text(page.info)


def test_a_filter_waits_for_its_values(deployed: MadeUp) -> None:
    page = shown("recommendations")
    page.selectbox[1].select("of").run()
    assert text(page.info) == "Give the filter its values." and not page.dataframe
    page.text_input(key="value-of-CATEGORY").input("Dairy").run()
    assert page.dataframe


def test_a_refused_file_is_shown_with_its_reason(deployed: MadeUp) -> None:
    page = shown("data")
    assert any(each.value == f"`{REASON}`" for each in page.markdown)
    assert "Next: upload it again" in text(page.caption)


def test_a_dropped_file_is_checked_and_uploaded_when_a_person_says_so(deployed: MadeUp) -> None:
    page = shown("data")
    page.file_uploader[0].upload("new.csv", b"milk,2026-01-01,many\n", "text/csv").run()
    assert "row 1, demand: 'many'" in text(page.error) and deployed.calls == []
    good = b"".join(b"milk,2026-01-%02d,3\n" % day for day in range(1, 29))
    page = shown("data")
    page.file_uploader[0].upload("new.csv", good, "text/csv").run()
    assert not page.error and deployed.calls == []
    page.button[0].click().run()
    assert deployed.calls == [("upload", ("forecasting", "target", "new.csv", good))]


def test_where_nothing_is_deployed_each_page_says_what_to_do(deployed: MadeUp) -> None:
    deployed.datasets = []
    for name in ("overview", "runs", "forecasts", "accuracy", "recommendations", "data"):
        page = shown(name)
        assert "Nothing is deployed in embedded AWS" in text(page.info) and "make demo" in text(page.info)


def test_without_credentials_the_page_says_what_to_do(deployed: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(aws: Any) -> Any:
        raise NoCredentialsError

    monkeypatch.setattr(datasets, "listed", refused)
    page = shown("overview")
    assert "No AWS credentials are found" in text(page.error) and "--profile" in text(page.error)
