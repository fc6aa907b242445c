"""What a run reads of uploads after its plan: the files that the plan saw, whatever came since, and what is wrong with
one of them by file and row."""

from __future__ import annotations

from typing import Any

import pytest

_FOLDER, _RUN = "forecasting/corner-shop/", "r1"
_EVENT = {"dataBucket": "data", "resultsBucket": "results", "run": _RUN}
# Files that nobody would mean to upload: cut in a row, of another encoding, of no text at all.
_BAD = {"short": b"milk\n", "latin": b"caf\xe9,2026-01-01,1\n", "binary": bytes(range(256))}
_STEPS = {"frequency": "D", "time_alignment_boundary": {}}


def _target(bucket: Any, **files: bytes) -> Any:
    from forecasting.history import Target

    bucket.objects |= {f"{_FOLDER}target/{name}.csv": body for name, body in files.items()}
    config = {"datasets": {"target": {"item_id": "", "timestamp": "", "demand": ""}}, "dimensions": []}
    domain = {"item": "item_id", "target": "demand"}
    bucket.plan(_FOLDER, _RUN)
    return Target.of({**_EVENT, "dataset": "corner-shop", "config": config, "domain": domain})


def _observed(target: Any) -> list[tuple[str, float]]:
    from forecasting.history import Steps

    return [(key[0], value) for key, _, _, value in target.observations(Steps(_STEPS))]


@pytest.mark.parametrize("name", _BAD)
def test_a_file_that_comes_in_after_the_plan_is_not_this_runs(bucket: Any, name: str) -> None:
    target = _target(bucket, a=b"milk,2026-01-01,3\n")
    bucket.objects[f"{_FOLDER}target/b.csv"] = _BAD[name]
    assert _observed(target) == [("milk", 3.0)]


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_a_file_that_was_replaced_or_deleted_since_is_read_as_the_plan_saw_it(bucket: Any, change: str) -> None:
    target = _target(bucket, a=b"milk,2026-01-01,3\n")
    if change == "replaced":
        bucket.objects[f"{_FOLDER}target/a.csv"] = _BAD["binary"]
    else:
        del bucket.objects[f"{_FOLDER}target/a.csv"]
    assert _observed(target) == [("milk", 3.0)]
    bucket.versions.clear()  # their time is over
    assert _observed(target) == []


@pytest.mark.parametrize(
    ("body", "row"),
    [
        (b"milk,2026-01-01,3\nmilk\n", 2),
        (b"milk,2026-01-01,3\n\nmilk,2026-01-02,many\n", 3),
        (b"milk,1st of May,3\n", 1),
        (b"milk,2026-01-01,3\ncaf\xe9,2026-01-01,1\n", 2),
    ],
)
def test_a_bad_row_is_named_by_file_and_row(bucket: Any, body: bytes, row: int) -> None:
    with pytest.raises(ValueError, match=f"s3://data/{_FOLDER}target/a.csv, row [12{row}]: "):
        _observed(_target(bucket, a=body))


def test_only_line_ends_end_rows(bucket: Any) -> None:
    """Unicode has more characters that end lines of text; in a CSV file they are part of a value."""
    names = ["a\x85b", "c\u2028d", "e\x0bf"]
    body = "".join(f"{name},2026-01-01,1\r\n" for name in names).encode()
    assert [name for name, _ in _observed(_target(bucket, a=body))] == names


def test_a_file_of_interactions_without_its_columns_is_named(bucket: Any) -> None:
    from recommending.publishing import interactions

    folder = "recommending/corner-shop/"
    bucket.objects[f"{folder}interactions/a.csv"] = b"USER_ID,ITEM\nu1,i1\n"
    bucket.plan(folder, _RUN)
    with pytest.raises(ValueError, match="interactions/a.csv, row 2: the file has no column ITEM_ID, only USER_ID, I"):
        interactions(_EVENT, folder)
