"""Times that nobody means, and names that Forecast makes one, are refused by file and row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.lambdas.conftest import Bucket
from tests.unit.lambdas.test_forecasting_any_files import RUN, TARGET, imported, services

_NOW = datetime(2026, 11, 27, 21, 0, tzinfo=UTC).replace(tzinfo=None)
_COLUMNS = ["item_id", "timestamp", "demand"]


def _days(first: str, count: int, item: str = "milk", every: int = 1) -> list[tuple[str, ...]]:
    start = datetime.fromisoformat(first)
    return [(item, f"{start + timedelta(days=every * at):%Y-%m-%d}", "3") for at in range(count)]


def _judged(frequency: str = "D", **files: list[tuple[str, ...]]) -> dict[str, str]:
    from forecasting.history import Steps
    from forecasting.plausible import implausible

    steps = Steps({"frequency": frequency, "time_alignment_boundary": {}})
    found = {name: _seen(rows, _COLUMNS, steps, set()) for name, rows in files.items()}
    return dict(implausible(found, steps, frequency, _NOW))


def _seen(rows: list[tuple[str, ...]], columns: list[str], steps: Any, before: set[tuple[str, str]]) -> Any:
    from forecasting.plausible import Seen, watched

    found, given = Seen(), list(enumerate(map(list, rows), 1))
    assert list(watched(given, found, columns, ["item_id", "store"], before, steps)) == given
    return found


def test_one_row_in_2099_is_refused_with_file_and_row_and_the_good_file_is_not() -> None:
    good, bad = _days("2025-01-01", 400), [*_days("2025-06-01", 3, "tea"), ("tea", "2099-01-01", "1")]
    assert _judged(good=good, bad=bad) == {
        "bad": "bad, row 4, timestamp: '2099-01-01' lies in the future (now it is 2026-11-27 21:00 UTC), but the "
        "target holds what was sold; correct it, or if it is right, write implausible_times: accept under forecasting "
        "in pipeline.yaml"
    }


@pytest.mark.parametrize(
    ("frequency", "last", "refused"),
    [
        ("D", "2026-11-28", False),  # a day ahead: time zones
        ("D", "2026-11-29", True),
        ("W", "2026-11-29", False),  # the week's Sunday
        ("W", "2026-11-30", True),
        ("M", "2026-11-30", False),  # the month's end
        ("M", "2026-12-01", True),
        ("Y", "2026-12-31", False),
    ],
)
def test_a_step_that_has_begun_may_be_dated_at_its_end(frequency: str, last: str, refused: bool) -> None:
    rows = [*_days("2020-01-01", 60, every=30), ("milk", last, "3")]
    assert ("lies in the future" in _judged(frequency, file=rows).get("file", "")) is refused


@pytest.mark.parametrize("odd", ["1970-01-01", "2024-01-01"])
def test_a_time_far_from_all_others_is_refused(odd: str) -> None:
    found = _judged(good=_days("2015-01-01", 700), bad=[*_days("2016-01-01", 5, "tea"), ("tea", odd, "1")])
    assert list(found) == ["bad"]
    assert f"bad, row 6, timestamp: '{odd}' is far from all others, 2015-01-01 to 2016-11-30" in found["bad"]


@pytest.mark.parametrize(
    "rows",
    [
        [*_days("2024-01-01", 20), *_days("2024-02-20", 1)],  # a gap of a month in a short history
        [*_days("2020-01-01", 300), *_days("2023-01-01", 300)],  # closed for two years
        _days("2023-01-01", 3, every=400),
        _days("2024-01-01", 1),
    ],
)
def test_gaps_that_people_have_are_left_alone(rows: list[tuple[str, ...]]) -> None:
    assert _judged(file=rows) == {}


def _collisions(*files: tuple[str, list[str], list[tuple[str, ...]]]) -> dict[str, str]:
    from forecasting.history import Steps
    from forecasting.plausible import colliding

    steps, before = Steps({"frequency": "D", "time_alignment_boundary": {}}), set[tuple[str, str]]()

    def read() -> Iterator[tuple[str, Any]]:
        for name, columns, rows in files:
            yield name, _seen(rows, columns, steps, before)

    return dict(colliding(read()))


def test_names_that_differ_in_case_alone_are_refused_by_name_where_they_came_second() -> None:
    files = ("a.csv", _COLUMNS, [*_days("2025-01-01", 2, "SKU-1"), *_days("2025-01-01", 2, "tea")])
    assert _collisions(files) == {}
    more = ("b.csv", _COLUMNS, [*_days("2025-01-01", 2, "bread"), *_days("2025-01-03", 2, "sku-1")])
    assert _collisions(files, more) == {
        "b.csv": "b.csv, row 3, item_id: 'sku-1' differs from 'SKU-1' (a.csv, row 1) in case alone, and Forecast makes "
        "both one, as it lower-cases names; write it the same way everywhere"
    }
    innocent = ("d.csv", _COLUMNS, _days("2025-01-05", 1, "Bread"))  # as nobody wrote it but the file that is refused
    assert list(_collisions(files, more, innocent)) == ["b.csv"]
    within = ("c.csv", _COLUMNS, [("Größe", "2025-01-01", "1"), ("größe", "2025-01-02", "1")])
    assert "c.csv, row 2, item_id: 'größe' differs from 'Größe' (row 1) in case" in _collisions(within)["c.csv"]


def test_dimensions_and_the_other_datasets_spell_names_as_the_target_does() -> None:
    columns = [*_COLUMNS, "store"]
    target = ("t.csv", columns, [("milk", "2025-01-01", "1", "North"), ("north", "2025-01-01", "1", "South")])
    assert _collisions(target) == {}, "an item may be called as a store"
    assert list(_collisions(target, ("m.csv", ["item_id", "brand"], [("Milk", "x")]))) == ["m.csv"]
    assert list(_collisions(target, ("r.csv", columns, [("milk", "2025-01-01", "1", "NORTH")]))) == ["r.csv"]


def _planned(context: Any, *, known: bool = False, **config: Any) -> tuple[dict[str, Any], Any, list[str]]:
    """Plan's answer to a good file and a newer one that has its rows too, and one of 2099; what is imported; notes."""
    from forecasting.plan import handler

    bucket = Bucket({f"{TARGET}a.csv": "milk,2025-01-01,1\nmilk,2025-01-02,2\n"})
    bucket.objects[f"{TARGET}b.csv"] = b"milk,2025-01-01,3\nmilk,2025-01-02,4\nmilk,2099-01-01,5\n"
    bucket.puts[f"{TARGET}b.csv"] = bucket.put + timedelta(hours=1)
    if known:
        bucket.plan("forecasting/corner-shop/", "20260101T000000_abc")
        newest = {"run": "20260101T000000_abc", "predictorArn": "p", "forecasts": {}}
        bucket.objects["forecasting/corner-shop/newest.json"] = json.dumps(newest).encode()
    event = {**RUN, "config": {**RUN["config"], **config}}
    with services(bucket, []):
        plan = handler(event, context)
        rows = imported(bucket, plan)
    data = json.loads(bucket.objects[f"forecasting/corner-shop/runs/{plan['run']}/data.json"])
    assert f"{TARGET}a.csv" in bucket.objects
    assert (f"{TARGET}b.csv" in bucket.objects) is (plan["refused"]["count"] == 0)
    return plan, rows, data["target"]["notes"]


def test_an_odd_file_is_refused_and_its_rows_replace_none(context: Any) -> None:
    plan, rows, notes = _planned(context)
    [refused] = plan["refused"]["files"]
    assert refused["message"].startswith(f"s3://data/{TARGET}b.csv, row 3, timestamp: '2099-01-01' lies in the future")
    assert notes == [] and rows == {("milk", "2025-01-01"): ["1"], ("milk", "2025-01-02"): ["2"]}


def test_who_means_such_times_says_so_in_the_config(context: Any) -> None:
    plan, rows, _ = _planned(context, implausible_times="accept")
    assert plan["refused"]["count"] == 0 and rows["milk", "2099-01-01"] == ["5"]


def test_what_was_imported_before_is_noted_and_stops_no_delivery(context: Any) -> None:
    plan, _, notes = _planned(context, known=True)
    assert plan["refused"]["count"] == 0
    assert any("b.csv, row 3, timestamp: '2099-01-01' lies in the future" in note for note in notes)
