"""Any mix of good and bad files, in any number and order: every row ends in the model, in quarantine or in a note,
nothing counts twice, no good file is punished for a bad one, and report, mails and newest.json count as we do."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from html import escape
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.lambdas.conftest import RECOMMENDING, Bucket, events

_FOLDER = "recommending/corner-shop/"
_HEADER = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE")
Rows = list[tuple[str, ...]]


def _csv(rows: Rows, header: tuple[str, ...] = _HEADER, end: str = "\n") -> bytes:
    return "".join(",".join(row) + end for row in [header, *rows]).encode()


def _reordered(rows: Rows) -> bytes:
    return _csv([(row[3], row[2], row[0], row[1]) for row in rows], ("EVENT_TYPE", "TIMESTAMP", "USER_ID", "ITEM_ID"))


def _with(at: int, value: str) -> Callable[[Rows], bytes]:
    """One value of the last row is another one."""
    return lambda rows: _csv([*rows[:-1], (*rows[-1][:at], value, *rows[-1][at + 1 :])])


# By the ending of the file's name, what is made of rows.
_GOOD: dict[str, tuple[str, Callable[[Rows], bytes]]] = {
    "plain": (".csv", _csv),
    "upper": (".CSV", _csv),
    "order": (".csv", _reordered),
    "case": (".csv", lambda rows: _csv(rows, tuple(name.lower() for name in _HEADER))),
    "zip": (".csv.gz", lambda rows: gzip.compress(_csv(rows), mtime=0)),
    "zip in order": (".csv.gz", lambda rows: gzip.compress(_reordered(rows), mtime=0)),
    "bom": (".csv", lambda rows: b"\xef\xbb\xbf" + _csv(rows)),
    "crlf": (".csv", lambda rows: _csv(rows, end="\r\n")),
    "more columns": (".csv", lambda rows: _csv([(*row, "x") for row in rows], (*_HEADER, "NOTE"))),
    "blank lines": (".csv", lambda rows: b"\n" + _csv(rows, end="\n\n")),
}
_BAD: dict[str, tuple[str, Callable[[Rows], bytes]]] = {
    "missing column": (".csv", lambda rows: _csv([row[:3] for row in rows], _HEADER[:3])),
    "column twice": (".csv", lambda rows: _csv([(*row, "1") for row in rows], (*_HEADER, "user_id"))),
    "other name": (".csv", lambda rows: _csv(rows, ("USER", *_HEADER[1:]))),
    "no header": (".csv", lambda rows: _csv(rows[1:], rows[0])),
    "cr": (".csv", lambda rows: _csv(rows, end="\r")),
    "no time": (".csv", _with(2, "yesterday")),
    "no user": (".csv", _with(0, "")),
    "short row": (".csv", lambda rows: _csv([*rows, ("u", "i")])),
    "latin": (".csv", lambda rows: _csv(rows) + "ü,i,1700000000,View\n".encode("latin-1")),
    "broken zip": (".csv.gz", lambda rows: gzip.compress(_csv(rows), mtime=0)[:-9]),
    "text": (".txt", _csv),
    "bare": ("", _csv),
    "book": (".xlsx", lambda rows: b"PK\x03\x04"),
    "empty": (".csv", lambda rows: b""),
}
_NO_DATA = ("text", "bare", "book", "empty")  # by name or size: nobody misses a file of events
_ALL = _GOOD | _BAD | {"header alone": (".csv", lambda rows: _csv([]))}


def _rows_of(body: bytes) -> Rows:
    """As Personalize reads them: by the names of the header, the columns of the schema."""
    records = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    return [tuple(record[name] for name in _HEADER) for record in records]


def _imported(bucket: Bucket, plan: dict[str, Any]) -> Rows:
    """What the planned import reads."""
    from common import copies

    [job] = plan["imports"]
    location = job["request"]["dataSource"]["dataLocation"].partition("/")[2].partition("/")[2]
    if job["copies"]:
        copies.make(job)
    folder = location.removeprefix("data/").removeprefix("results/")
    keys = [key for key in bucket.objects if key.startswith(folder) and not key.endswith("/")]
    bodies = [bucket.objects[key] for key in keys]
    headers = {body.decode("utf-8-sig").split("\n")[0].strip() for body in bodies}
    assert len(headers) == 1, "a folder's files must have one header"
    return [row for body in bodies for row in _rows_of(body)]


def _fake_services(monkeypatch: pytest.MonkeyPatch, bucket: Bucket, sent: list[Any], asked: list[Any]) -> None:
    """Services that recommend one item, and keep the mails and what they were asked to recommend for."""
    from common import clients

    def recommend(**request: Any) -> dict[str, Any]:
        asked.append(request)
        return {"itemList": [{"itemId": "i0"}]}

    started = {"type": "ExecutionStarted", "timestamp": datetime(2026, 11, 22, 21, 17, tzinfo=UTC)}
    fakes = {
        "s3": bucket,
        "personalize": SimpleNamespace(),
        "personalize-runtime": SimpleNamespace(get_recommendations=recommend),
        "sns": SimpleNamespace(publish=lambda **mail: sent.append(mail)),
        "stepfunctions": SimpleNamespace(
            get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"events": [started]}])
        ),
    }
    monkeypatch.setattr(clients.boto3, "client", lambda service, **_: fakes[service])
    monkeypatch.setenv("TOPIC_ARN", "t")
    clients.client.cache_clear()


def _lines(mail: dict[str, Any], about: str) -> list[str]:
    lines = [line for line in mail["Message"].splitlines() if line]
    assert len(lines) == len(set(lines)), "a mail says nothing twice"
    return [line[15:] for line in lines if line.startswith(f"{about}:")]


def _refusals_agree(sent: list[Any], answer: dict[str, Any], bad: Collection[str], context: Any) -> None:
    """One mail counts all files that are in quarantine, and names five."""
    from operations import notify

    if not bad:
        return
    event = {"pipeline": "recommending", "execution": RECOMMENDING["execution"], "refused": answer["refused"]}
    notify.handler(event, context)
    mail = sent.pop()
    files = f"{len(bad)} files" if len(bad) > 1 else next(iter(bad)).rpartition("/")[2]
    assert mail["Subject"] == f"Storecast: recommending put {files} into quarantine"
    assert json.loads(mail["MessageAttributes"]["json"]["StringValue"])["count"] == len(bad)
    causes = _lines(mail, "Cause")
    named = {re.split("[ ,:]", cause.removeprefix("s3://data/"))[0] for cause in causes}
    assert named <= set(bad) and len(named) == len(causes) == len(_lines(mail, "Now at")) == min(5, len(bad))
    more = [f"{len(bad) - 5} more in quarantine, each with its reason"] if len(bad) > 5 else []
    assert _lines(mail, "And") == more


def _publishes_and_mails_agree(
    bucket: Bucket,
    sent: list[Any],
    asked: list[Any],
    answer: dict[str, Any],
    context: Any,
    rows: Rows,
    notes: list[str],
) -> None:
    """What is published is for the items and users that have the most rows, counted without the code under test."""
    from operations import notify
    from recommending import publish

    items, users = (Counter(row[at] for row in rows) for at in (1, 0))
    several = [user for user in sorted(users, key=lambda user: (-users[user], user)) if users[user] >= 2]
    head = sorted(items, key=lambda item: (-items[item], item))[:2]
    sample = several if len(several) <= 2 else [several[0], several[len(several) // 2]]
    made = [
        {"useCase": use_case, "recommenderArn": use_case, "metrics": {}}
        for use_case in ("also-viewed", "recommended-for-you")
    ]
    serving = {"recommenders": made, "solutions": [], "filters": [], "batch": [], "eventTracker": {"trackingId": "t"}}
    summary = publish.handler({**answer, **serving}, context)["summary"]
    assert [each.get("itemId") or each["userId"] for each in asked] == [*head, *sample]
    assert summary["lists"] == len(head) + len(sample)
    assert json.loads(bucket.objects[f"{_FOLDER}newest.json"]) == summary and summary["notes"] == notes
    report = bucket.objects[f"{_FOLDER}report.html"].decode()
    assert f"<b>{len(made)}</b>" in report and f"<b>{summary['lists']}</b>" in report
    assert all(escape(note) in report for note in notes)
    notify.handler({"pipeline": "recommending", "execution": answer["execution"], "summary": summary}, context)
    mail = sent.pop()
    assert mail["Subject"] == "Storecast: recommending succeeded" and _lines(mail, "Note") == notes
    assert _lines(mail, "Serving") == ["2 recommenders, 0 campaigns"]
    assert _lines(mail, "Published") == [f"{len(head) + len(sample)} lists, 0 batches"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(st.tuples(st.sampled_from(sorted(_ALL)), st.integers(1, 4), st.integers(0, 9)), max_size=8),
    enough=st.booleans(),
    again=st.booleans(),
    inferred=st.booleans(),
    strays=st.integers(0, 7),
)
def test_every_row_ends_in_the_model_in_quarantine_or_in_a_note(
    bucket: Bucket,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    files: list[tuple[str, int, int]],
    enough: bool,
    again: bool,
    inferred: bool,
    strays: int,
) -> None:
    from common import deliveries
    from recommending.plan import handler

    sent, asked = list[Any](), list[Any]()
    _fake_services(monkeypatch, bucket, sent, asked)
    monkeypatch.setattr(deliveries, "imported", lambda *_: {})
    bucket.objects, bucket.puts = {}, {}
    delivered: dict[str, tuple[str, Rows, bytes]] = {}
    for number, (fault, count, age) in enumerate(files):
        ending, made = _ALL[fault]
        rows = [(f"u{number}", f"i{at}", str(1_700_000_000 + at), "View") for at in range(count)]
        delivered[f"{_FOLDER}interactions/f{number}{ending}"] = (fault, rows, made(rows))
        bucket.puts[f"{_FOLDER}interactions/f{number}{ending}"] = datetime.now(UTC) - timedelta(hours=age)
    if enough:
        body = events(1_000, "many")
        delivered[f"{_FOLDER}interactions/many.csv"] = ("plain", _rows_of(body), body)
        if again:  # the same file under a second name
            delivered[f"{_FOLDER}interactions/resent.csv"] = ("plain", _rows_of(body), body)
    stray = {f"{_FOLDER}sales/{number}.csv": b"1" for number in range(strays)}
    before = stray | {key: body for key, (_, _, body) in delivered.items()}
    bucket.objects = dict(before)
    extra = [fault for fault, _, _ in delivered.values() if fault == "more columns"]
    bad = {key for key, (fault, _, _) in delivered.items() if fault in _BAD}
    if inferred and extra:
        return  # the first good file says which columns there are: with or without the one more

    config = {**RECOMMENDING["config"]}
    if inferred:
        config["datasets"] = {"interactions": {}}
    wanted = [row for fault, rows, _ in delivered.values() if fault in _GOOD for row in rows]
    try:
        answer = handler({**RECOMMENDING, "config": config}, context)
    except ValueError as error:
        assert "so pipeline.yaml may be wrong" in str(error) and len(bad) == len(delivered) > 5
        assert bucket.objects == before
        return
    lost = len(bad) == len(delivered) and any(delivered[key][0] not in _NO_DATA for key in bad)
    assert answer["refused"]["count"] == len(bad) and ("lost" in answer) == lost
    _refusals_agree(sent, answer, bad, context)
    run = answer.get("run") or next(iter(key.split("/")[4] for key in bucket.objects if "quarantine/" in key), "")
    place = f"quarantine/{_FOLDER}interactions/{run}/"
    for key, (_, _, body) in delivered.items():
        moved = key.replace(f"{_FOLDER}interactions/", place)
        assert (moved in bucket.objects, key in bucket.objects) == (key in bad, key not in bad), key
        if key in bad:
            assert bucket.objects[moved] == body and key in bucket.objects[f"{moved}.reason.txt"].decode()
    if len(wanted) < 1_000:
        assert answer["nothingNew"].startswith("waits:")
        return
    data = json.loads(bucket.objects[f"{_FOLDER}runs/{run}/data.json"])["interactions"]
    assert data["files"].keys() == delivered.keys() - bad
    alone = [key for key, (fault, _, _) in delivered.items() if fault == "header alone"]
    notes = [f"s3://data/{key} holds a header and no row: nothing is read from it" for key in
             sorted(alone, key=lambda key: (bucket.puts[key], key))]  # fmt: skip
    if strays:
        named = ", ".join(f"sales/{number}.csv" for number in range(min(5, strays)))
        read = "interactions/" if inferred else "interactions/, users/"
        notes.append(f"{strays} files under s3://data/{_FOLDER} are not in {read} and not read: {named}")
    assert data["notes"] == notes
    _publishes_and_mails_agree(bucket, sent, asked, answer, context, wanted, notes)
    found = _imported(bucket, answer)
    assert sorted(found) == sorted(wanted) and set(found) == set(wanted)  # the service keeps one of equal events
    read = deliveries.planned({**RECOMMENDING, "run": run}, _FOLDER, "interactions").records()
    assert sorted(tuple(record[name] for name in _HEADER) for record in read) == sorted(wanted)
