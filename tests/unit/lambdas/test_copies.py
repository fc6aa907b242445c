"""What a service says of a copy is said of the file that was delivered, with its rows as people count them there."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

_FILE = b"timestamp,demand,item_id\n2025-01-01,1,a\n2025-01-02,2,a\n\n2025-01-03,many,a\n"
_KEY, _LIST = "forecasting/corner-shop/target/a.csv", "forecasting/corner-shop/staged/run=r/target.json"


@pytest.mark.parametrize(
    ("layout", "more", "row"),
    [
        ({"header": True, "positions": [2, 0, 1]}, {}, 3),  # without its header and its empty row
        ({"header": True, "positions": [2, 0, 1], "skip": [[2, 2]]}, {}, 2),  # and one that a newer file replaces
        ({"header": True, "positions": [2, 0, 1]}, {"header": ["i", "t", "d"]}, 4),  # with a header of its own
        (None, {}, 5),  # as it is
    ],
)
def test_a_row_of_a_copy_is_named_as_the_row_of_the_file(
    bucket: Any, layout: dict[str, Any] | None, more: dict[str, Any], row: int
) -> None:
    from common import copies

    bucket.objects[_KEY] = _FILE
    file = {"key": _KEY, "etag": hashlib.md5(_FILE).hexdigest(), **more, **({"layout": layout} if layout else {})}
    bucket.objects[_LIST] = json.dumps([file]).encode()
    event: Any = {"dataBucket": "data", "resultsBucket": "results", "copies": _LIST}
    copies.make(event)
    [copy] = [key for key in bucket.objects if key.endswith("/00000_a.csv")]
    assert b"many" in bucket.objects[copy].splitlines()[row - 1]
    message = f"s3://results/{copy}, row {row}, demand: 'many' is not a finite number"
    said = copies.about_deliveries({**event, "wait": {"status": "CREATE_FAILED", "message": message}})
    assert said["wait"]["message"] == f"s3://data/{_KEY}, row 5, demand: 'many' is not a finite number"


def test_a_message_about_no_copy_stays(bucket: Any) -> None:
    from common import copies

    event: Any = {"dataBucket": "data", "resultsBucket": "results", "copies": "", "wait": {"message": "too few rows"}}
    assert copies.about_deliveries(event) == event
