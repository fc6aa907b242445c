"""Pipeline and engine refuse the same rows of a file, and in the same words."""

from __future__ import annotations

import io

import pytest

from storecast_engines.files import FileError, Layout
from storecast_engines.files.time_series import read_csv

_COLUMNS = {"item_id": "string", "timestamp": "timestamp", "demand": "float", "stores": "integer"}
_GOOD = b"milk,2025-01-01,1,1\n"
_ROWS = {
    "good": b"milk,2025-01-02,1.5,2\n",
    "no value": b"milk,2025-01-02,,2\n",
    "text": b"milk,2025-01-02,many,1\n",
    "infinity": b"milk,2025-01-02,inf,1\n",
    "underscore": b"milk,2025-01-02,1_000,1\n",
    "part of a store": b"milk,2025-01-02,1,1.5\n",
    "no such day": b"milk,2025-13-02,1,1\n",
    "time of day": b"milk,2025-01-02 06:00:00,1,1\n",
    "one digit of a month": b"milk,2025-1-02,1,1\n",
    "one digit of a day": b"milk,2025-01-2,1,1\n",
    "no time": b"milk,,1,1\n",
    "no item": b",2025-01-02,1,1\n",
    "short": b"milk,2025-01-02\n",
    "long": b"milk,2025-01-02,1,1,1\n",
    "semicolons": b"milk;2025-01-02;1;1\n",
    "Latin-1": "Käse,2025-01-02,1,1\n".encode("latin-1"),
    "open quote": b'"milk,2025-01-02,1,1\n',
}


def _pipeline(body: bytes) -> str:
    from common import tables

    columns = {"kind": "target", "columns": _COLUMNS, "keys": ("item_id",), "identity": (), "header": False}
    expected = tables.Expected(**columns, checked=("timestamp", "demand", "stores"), others=False)
    try:
        head = tables.head("f.csv", body, whole=True)
        layout = tables.layout("f.csv", head, expected) or {}
        list(tables.checked("f.csv", io.BytesIO(body), layout, expected))
    except tables.Refused as refused:
        return str(refused)
    return ""


def _engine(body: bytes) -> str:
    try:
        read_csv("f.csv", body, Layout(_COLUMNS, "yyyy-MM-dd", ["item_id"]))
    except FileError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("name", _ROWS)
def test_a_row_is_refused_by_both_in_the_same_words(name: str) -> None:
    body = _GOOD + _ROWS[name]
    assert _pipeline(body) == _engine(body)
    assert (_pipeline(body) == "") is (name in ("good", "no value"))
