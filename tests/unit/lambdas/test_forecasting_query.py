"""One item's forecast from the files of the newest run, by the index that Publish writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

_FOLDER = "forecasting/shop/"
_COLUMNS = ["item_id", "date", "store", "mean", "p10"]
_PARTS = {
    "x_part0.csv": "item_id,date,store,mean,p10\r\n",
    "x_part1.csv": "item_id,date,store,mean,p10\r\n"
    'Bücher,2026-01-02T00:00:00Z,north,2,1\r\nBücher,2026-01-01T00:00:00Z,north,1,0\r\n"a, ""b""\nc",'
    "2026-01-01T00:00:00Z,north,7,6\r\nBücher,2026-01-01T00:00:00Z,south,30,20\r\n",
    "x_part2.csv": "item_id,date,store,mean,p10\r\nBücher,2026-01-03T00:00:00Z,north,3,2.5\r\n",
}


@pytest.fixture
def ask(bucket: Any, monkeypatch: pytest.MonkeyPatch, context: Any) -> Any:
    from forecasting import lookup, query

    monkeypatch.setattr(lookup, "_SERIES", 1)
    query._part.cache_clear()
    query._newest.cache_clear()
    bucket.objects |= {f"{_FOLDER}exports/{name}": text.encode() for name, text in _PARTS.items()}
    keys = [f"{_FOLDER}exports/{name}" for name in _PARTS]
    index = lookup.write("results", keys, _COLUMNS, ["store"], f"{_FOLDER}runs/r/lookup/planning/")
    assert index["parts"] == 3
    newest = {"run": "r", "forecasts": {"planning": {}, "fan": {}}, "lookups": {"planning": index}}
    bucket.objects[f"{_FOLDER}newest.json"] = json.dumps(newest).encode()
    monkeypatch.setenv("RESULTS_BUCKET", "results")
    monkeypatch.setenv("FOLDER", _FOLDER)
    return lambda **event: query.handler(event, context)["Forecast"]["Predictions"]


def test_the_rows_of_a_series_are_found_wherever_they_lie_in_whatever_case(ask: Any) -> None:
    found = ask(Filters={"item_id": "BÜCHER", "store": "North"})
    assert found["mean"] == [
        {"Timestamp": f"2026-01-0{day}T00:00:00", "Value": float(day)} for day in (1, 2, 3)
    ]  # in order of time
    assert [each["Value"] for each in found["p10"]] == [0, 1, 2.5] and set(found) == {"mean", "p10"}
    assert ask(Filters={"item_id": "bücher", "store": "south"})["mean"][0]["Value"] == 30
    assert ask(Filters={"item_id": 'A, "b"\nc', "store": "north"})["p10"][0]["Value"] == 6


def test_dates_bound_what_is_returned(ask: Any) -> None:
    filters = {"item_id": "bücher", "store": "north"}
    found = ask(Filters=filters, StartDate="2026-01-02T00:00:00", EndDate="2026-01-02T00:00:00", Forecast="planning")
    assert [each["Value"] for each in found["mean"]] == [2]
    assert ask(Filters=filters, StartDate="2027-01-01") == {}


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ({"Filters": {"item_id": "tea", "store": "north"}}, "ResourceNotFound", "tea, north has no forecast"),
        ({"Filters": {"item_id": "bücher"}}, "InvalidInput", "must name exactly item_id, store, each with a text"),
        ({}, "InvalidInput", "got none"),
        ({"Filters": {"item_id": 5, "store": "x"}}, "InvalidInput", "got item_id=5, store='x'"),
        ({"Filters": {"item_id": "a", "store": "x"}, "EndDate": "May"}, "InvalidInput", "EndDate 'May' is not a time"),
        ({"Forecast": "fan"}, "ResourceNotFound", "run r has no index, an older version published it"),
        ({"Forecast": "plan"}, "ResourceNotFound", "Forecast 'plan' does not exist; there are planning, fan"),
    ],
)
def test_what_cannot_be_answered_says_why(ask: Any, asked: dict[str, Any], kind: str, words: str) -> None:
    with pytest.raises(ValueError) as raised:
        ask(**asked)
    assert type(raised.value).__name__ == kind and words in str(raised.value)


def test_the_pointer_is_kept_for_seconds_and_then_read_again(
    ask: Any, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forecasting import query

    monkeypatch.setattr(query.time, "monotonic", lambda: 100.0)
    filters = {"item_id": "bücher", "store": "south"}
    ask(Filters=filters)
    bucket.objects[f"{_FOLDER}newest.json"] = json.dumps({"run": "s", "forecasts": {"other": {}}}).encode()
    assert ask(Filters=filters)["mean"][0]["Value"] == 30
    monkeypatch.setattr(query.time, "monotonic", lambda: 105.0)
    with pytest.raises(ValueError, match="run s has no index"):
        ask(Filters=filters)


def test_before_the_first_run_there_is_no_forecast(ask: Any, bucket: Any) -> None:
    del bucket.objects[f"{_FOLDER}newest.json"]
    with pytest.raises(ValueError, match="there is no forecast yet: s3://results/forecasting/shop/newest.json"):
        ask(Filters={"item_id": "a", "store": "b"})
