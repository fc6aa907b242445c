"""Files with any mix of faults, in any order: each row ends once in the model, or in quarantine or in a note."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storecast_engines.files import Layout
from storecast_engines.files.time_series import read_csv
from tests.unit.lambdas.conftest import FORECASTING, Bucket

_FOLDER = "forecasting/corner-shop/"
TARGET = f"{_FOLDER}target/"
_COLUMNS = {"item_id": "string", "timestamp": "timestamp", "demand": "float"}
RUN = {**FORECASTING, "config": {**FORECASTING["config"], "datasets": {"target": _COLUMNS}, "filling": {}}}
RUN |= {"started": "2026-11-22T21:17:00.123Z", "dryRun": False}
Row = tuple[str, str, str]
Written = tuple[str, bytes]  # the ending of the file's name, and what it holds


def _csv(rows: Sequence[Sequence[str]], header: str = "", ending: str = "\n") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ending).writerows([*([header.split(",")] if header else []), *rows])
    return text.getvalue().encode()


def _with(at: int, value: str) -> Callable[[list[Row]], Written]:
    """The last row of the file has this value in that place."""
    return lambda rows: ("csv", _csv([*rows[:-1], (*rows[-1][:at], value, *rows[-1][at + 1 :])]))


_NAMES = "item_id,timestamp,demand"
_READ: dict[str, Callable[[list[Row]], Written]] = {
    "as they should be": lambda rows: ("csv", _csv(rows)),
    "with a header": lambda rows: ("csv", _csv(rows, _NAMES)),
    "with CR LF": lambda rows: ("CSV", _csv(rows, ending="\r\n")),
    "with a byte order mark": lambda rows: ("csv", b"\xef\xbb\xbf" + _csv(rows, _NAMES)),
    "in another order": lambda rows: ("csv", _csv([(b, c, a) for a, b, c in rows], "timestamp,demand,item_id")),
    "in another case": lambda rows: ("csv", _csv(rows, "Item_ID,TIMESTAMP,Demand")),
    "compressed": lambda rows: ("csv.gz", gzip.compress(_csv(rows), mtime=0)),
}
_REFUSED: dict[str, tuple[Callable[[list[Row]], Written], str]] = {
    "a column is missing": (lambda rows: ("csv", _csv([row[:2] for row in rows], "item_id,timestamp")), "is missing"),
    "another name": (lambda rows: ("csv", _csv(rows, "item_id,timestamp,sales")), "sales is not known"),
    "one column more": (lambda rows: ("csv", _csv([(*row, "x") for row in rows], f"{_NAMES},shop")), "shop is not"),
    "a trailing comma": (lambda rows: ("csv", _csv([(*row, "") for row in rows], f"{_NAMES},")), "ends with a comma"),
    "text for a number": (_with(2, "many"), "'many' is not a finite number"),
    "no time": (_with(1, "2025-13-45"), "'2025-13-45' is not a timestamp"),
    "no item": (_with(0, ""), "item_id: '' is not"),
    "a time in the future": (_with(1, "2099-01-01"), "lies in the future"),
    "a short row": (lambda rows: ("csv", _csv([*rows, ("a", "2025-01-01")])), "2 values"),
    "old Mac's lines": (lambda rows: ("csv", _csv(rows, _NAMES, "\r")), "CR alone"),
    "not UTF-8": (lambda rows: ("csv", _csv([*rows, ("Käse", *rows[0][1:])]).decode().encode("latin-1")), "not UTF-8"),
    "another ending": (lambda rows: ("txt", _csv(rows)), "is not a CSV file by its name"),
    "no bytes": (lambda rows: ("csv", b""), "is empty"),
}
_HEADER_ALONE = "a header alone"
_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "A", "b", "c"]),
        st.integers(1, 12).map(lambda day: f"2025-01-{day:02d}"),
        st.sampled_from(["1", "2.5", "30", "-4", ""]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: (row[0].lower(), row[1]),
)
_FILES = st.lists(
    st.tuples(st.sampled_from([*_READ, *_READ, *_REFUSED, _HEADER_ALONE]), _ROWS), min_size=1, max_size=6
).map(lambda files: [("as they should be", [("b", "2025-01-01", "7")]), *files])


class _Expected:
    """What becomes of the files, counted without the code under test: they come in the order of their uploads."""

    def __init__(self, uploads: Sequence[tuple[str, str, list[Row]]]) -> None:
        self.refused: dict[str, str] = {}
        self.without_rows = {name for name, what, _ in uploads if what == _HEADER_ALONE}
        self.model: dict[tuple[str, str], str] = {}
        self.superseded = 0
        spelled: dict[str, str] = {}
        for name, what, rows in uploads:
            if what in _REFUSED:
                self.refused[name] = _REFUSED[what][1]
            elif what in _READ:
                own: dict[str, str] = {}
                clash = False
                for item, _, _ in rows:
                    clash |= (spelled.get(item.lower()) or own.setdefault(item.lower(), item)) != item
                if clash:
                    self.refused[name] = "in case alone"
                    continue
                spelled |= own
                self.superseded += sum((item, day) in self.model for item, day, _ in rows)
                self.model |= {(item, day): value for item, day, value in rows}

    @property
    def items(self) -> set[str]:
        return {item for item, _ in self.model}

    def rows_with(self, wanted: Callable[[str], bool]) -> int:
        return sum(wanted(value) for value in self.model.values())


@contextmanager
def services(bucket: Bucket, sent: list[dict[str, Any]]) -> Iterator[None]:
    from common import clients

    started = {"type": "ExecutionStarted", "timestamp": datetime(2026, 11, 22, 21, 17, tzinfo=UTC)}
    columns = [{"Name": name} for name in ("item_id", "date", "p50")]
    pages = SimpleNamespace(paginate=lambda **_: [_Nothing(events=[started])])
    no_error = SimpleNamespace(AlreadyExistsException=ZeroDivisionError)
    fakes: dict[str, Any] = {
        "s3": bucket,
        "forecast": SimpleNamespace(meta=boto3.client("forecast").meta, get_paginator=lambda _: pages),
        "stepfunctions": SimpleNamespace(get_paginator=lambda _: pages),
        "sns": SimpleNamespace(publish=lambda **given: sent.append(given)),
        "glue": SimpleNamespace(
            get_table=lambda **_: {"Table": {"StorageDescriptor": {"Columns": columns}}},
            create_partition=lambda **_: None,
            exceptions=no_error,
        ),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients.boto3, "client", lambda service, **_: fakes[service])
        patch.setenv("TOPIC_ARN", "t")
        clients.client.cache_clear()
        yield
    clients.client.cache_clear()


class _Nothing(dict[str, list[Any]]):
    def __missing__(self, key: str) -> list[Any]:
        return []


def imported(bucket: Bucket, plan: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """What the service reads for the planned import of the target: every object of its folder, by its own reader."""
    from common import copies

    [job] = plan["imports"]
    copies.make(job)
    prefix = job["request"]["DataSource"]["S3Config"]["Path"].split("/", 3)[3]
    found: dict[tuple[str, str], list[str]] = {}
    layout = Layout(_COLUMNS, "yyyy-MM-dd", ["item_id"])
    for key in [key for key in bucket.objects if key.startswith(prefix) and not key.endswith(".json")]:
        for row in read_csv(key, bucket.objects[key], layout).itertuples():
            value = "" if pd.isna(row.demand) else f"{row.demand:g}"
            found.setdefault((row.item_id, f"{row.timestamp:%Y-%m-%d}"), []).append(value)
    return found


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=_FILES, order=st.randoms(use_true_random=False), unforecast=st.integers(0, 2))
def test_each_row_ends_in_the_model_in_quarantine_or_in_a_note(
    context: Any, files: list[tuple[str, list[Row]]], order: Any, unforecast: int
) -> None:
    from forecasting import plan
    from operations import notify

    bucket, sent = Bucket(), list[dict[str, Any]]()
    uploads: list[tuple[str, str, list[Row]]] = []
    order.shuffle(files)
    for at, (what, rows) in enumerate(files):
        writing = _READ.get(what) or _REFUSED.get(what, (lambda _: ("csv", _csv([], _NAMES)), ""))[0]
        ending, body = writing(rows)
        key = f"{TARGET}{order.choice('xyz')}{at}.{ending}"  # names say nothing about the order of uploads
        bucket.objects[key], bucket.puts[key] = body, bucket.put + timedelta(minutes=at)
        uploads.append((key, what, rows))
    expected = _Expected(uploads)
    before = dict(bucket.objects)
    with services(bucket, sent):
        planned = plan.handler(RUN, context)
        # In quarantine are the bad files alone, each unchanged and with its reason.
        moved = {each["file"].removeprefix("s3://data/"): each for each in planned["refused"]["files"]}
        assert planned["refused"]["count"] == len(expected.refused)
        quarantined = {key for key in before if key not in bucket.objects}
        assert quarantined == set(expected.refused)
        for key, why in expected.refused.items():
            place = f"quarantine/{TARGET}{planned['run']}/{key.removeprefix(TARGET)}"
            assert bucket.objects[place] == before[key]
            assert why in bucket.objects[f"{place}.reason.txt"].decode()
            assert key not in moved or why in moved[key]["message"]
        # The model holds each of the other rows once, the newest of those that came again.
        model = {key: [f"{float(value):g}" if value else ""] for key, value in expected.model.items()}
        assert imported(bucket, planned) == model
        # What was left out of it is noted.
        notes = json.loads(bucket.objects[f"{_FOLDER}runs/{planned['run']}/data.json"])["target"]["notes"]
        counted = [int(note.split(" row")[0].replace(",", "")) for note in notes if ": the newer file counts" in note]
        assert sum(counted) == expected.superseded
        noted = {key for key in expected.without_rows if any(key in note and "no row" in note for note in notes)}
        assert noted == expected.without_rows
        # Report, mail and newest.json count as we do.
        summary = _published(bucket, planned, sorted(expected.items)[unforecast:] or [sorted(expected.items)[0]])
        notify.handler({"pipeline": "forecasting", "execution": RUN["execution"], "summary": summary}, context)
    forecast = max(1, len(expected.items) - unforecast)
    assert (summary["series"]["delivered"], summary["series"]["forecast"]) == (len(expected.items), forecast)
    assert sum(each["series"] for each in summary["series"]["leftOut"]) == len(expected.items) - forecast
    newest = json.loads(bucket.objects[f"{_FOLDER}newest.json"])
    assert newest.pop("lookups") and newest == summary
    noted = "\n".join(summary["notes"])
    below, empty = expected.rows_with(lambda value: value[:1] == "-"), expected.rows_with(lambda value: not value)
    assert (f"below zero: {below};" in noted) is (below > 0) and (f"without a demand: {empty};" in noted) is (empty > 0)
    assert set(notes) <= set(summary["notes"])
    [mail] = sent
    assert f"{len(expected.items)} delivered, {forecast} forecast" in mail["Message"]
    assert all(note in mail["Message"] for note in summary["notes"])
    fewer = f"; {forecast} of {len(expected.items)} series forecast"
    assert mail["Subject"].endswith(fewer if forecast < len(expected.items) else "succeeded")
    report = bucket.objects[f"{_FOLDER}report.html"].decode()
    of = f"{forecast} of {len(expected.items)}" if forecast < len(expected.items) else f"{forecast}"
    assert f"<b>{of}</b>" in report


def _published(bucket: Bucket, planned: dict[str, Any], forecast: Sequence[str]) -> dict[str, Any]:
    """Publish's summary of a run that forecast these items."""
    from forecasting import publish

    exports, backtests = f"{_FOLDER}exports/planning/", f"{_FOLDER}backtests/"
    rows = [(item.lower(), "2025-01-13T00:00:00Z", "1") for item in forecast]
    bucket.objects[f"{exports}x.csv"] = _csv(rows, "item_id,date,p50")
    made = {"name": "planning", "types": ["0.5"], "folder": exports, "forecastArn": "f"}
    event = {
        **planned,
        "backtests": {"folder": backtests},
        "predictors": [],
        "predictorArn": "p",
        "servingArn": "p",
        "failed": [],
        "training": {"trained": True, "reason": "it is the first"},
        "promotion": {"promoted": True, "reason": "it is the first"},
        "accuracy": [{"algorithm": "ETS", "WAPE": 0.1}],
        "forecasts": [made],
    }
    return publish.handler(event, SimpleNamespace())["summary"]
