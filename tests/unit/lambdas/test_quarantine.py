"""A file that an import refused: which one it was, where it goes, and when none is to blame."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.lambdas.conftest import FORECASTING, Bucket, arn, recommending_plan, times

_FOLDER, _RUN = "forecasting/corner-shop/target/", "20261122T211700_abc"
_PLACE = f"quarantine/{_FOLDER}{_RUN}/"
_JOB = arn("forecast", "dataset-import-job/target/22")
_OLD, _NEW, _LATER = (datetime(2026, 11, day, 12, tzinfo=UTC) for day in (19, 21, 23))


@pytest.fixture
def files(bucket: Bucket) -> Bucket:
    """Two files that the good import of the 20th had, and one that came before that of the 22nd, which failed."""
    bucket.objects |= {f"{_FOLDER}{name}.csv": b"milk,2026-01-01,3\n" for name in ("a", "b", "new")}
    bucket.puts = {f"{_FOLDER}{name}.csv": when for name, when in (("a", _OLD), ("b", _OLD), ("new", _NEW))}
    return bucket


def _after(stub: Any, context: Any, message: str, good: int | None = 20, **event: Any) -> dict[str, Any]:
    """What Load says after the import of the 22nd failed with the message."""
    from forecasting.load import handler

    given = {
        **{key: FORECASTING[key] for key in ("dataset", "execution", "dataBucket", "resultsBucket", "attempt")},
        "part": "quarantine",
        "kind": "target",
        "run": _RUN,
        "folder": _FOLDER,
        "copies": "",
        "request": {"DataSource": {"S3Config": {"Path": f"s3://data/{_FOLDER}"}}},
        "importJobArn": _JOB,
        "wait": {"status": "CREATE_FAILED", "message": message},
        **event,
    }
    days = [(good, "ACTIVE")] if good else []
    listed = [
        {
            "DatasetImportJobArn": arn(
                "forecast", f"dataset-import-job/target/{day}{'' if status != 'ACTIVE' else 'a'}"
            ),
            "DatasetImportJobName": f"storecast_corner_shop_target_202611{day:02d}T211700_abc",
            "Status": status,
            **times(day),
        }
        for day, status in [*days, (22, "CREATE_FAILED")]
    ]
    stub("forecast").add_response("list_dataset_import_jobs", {"DatasetImportJobs": listed})
    return handler(given, context)


def test_the_file_that_the_message_names_moves_with_the_reason_beside_it(
    files: Bucket, stub: Any, context: Any
) -> None:
    message = f"s3://data/{_FOLDER}new.csv, row 7, demand: 'many' is not a finite number"
    refused = _after(stub, context, message)["refused"]
    assert refused == {
        "kind": "target",
        "file": f"s3://data/{_FOLDER}new.csv",
        "movedTo": f"s3://data/{_PLACE}new.csv",
        "message": message,
        "importJobArn": _JOB,
        "last": False,
    }
    assert f"{_FOLDER}new.csv" not in files.objects and f"{_FOLDER}a.csv" in files.objects
    assert files.objects[f"{_PLACE}new.csv"] == b"milk,2026-01-01,3\n"
    reason = files.objects[f"{_PLACE}new.csv.reason.txt"].decode()
    for words in (message, _RUN, _JOB, FORECASTING["execution"], "upload the corrected file"):
        assert words in reason


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("Column 3 must be a float", "it names no file; new since the last good import: new.csv"),
        (
            f"Dataset import has fewer than 1000 interactions: s3://data/{_FOLDER} holds 600 rows.",
            "it names no file; new since the last good import: new.csv",
        ),
        (
            f"s3://data/{_FOLDER}b.csv has another header than s3://data/{_FOLDER}new.csv",
            "it names 2 files; new since the last good import: new.csv",
        ),
        (f"s3://data/{_FOLDER}a.csv, row 7, demand: 'many'", "a.csv was imported before"),
    ],
)
def test_a_file_moves_only_where_the_message_is_about_it_alone(
    files: Bucket, stub: Any, context: Any, message: str, why: str
) -> None:
    before = dict(files.objects)
    answer = _after(stub, context, message)
    assert answer == {"wait": {"status": "CREATE_FAILED", "message": f"{message} (no file was moved: {why})"}}
    assert files.objects == before


def test_a_name_that_begins_another_one_is_not_mistaken_for_it(files: Bucket, stub: Any, context: Any) -> None:
    files.objects[f"{_FOLDER}new.csv.csv"] = b"milk,2026-01-01,3\n"
    files.puts[f"{_FOLDER}new.csv.csv"] = _NEW
    refused = _after(stub, context, f"s3://data/{_FOLDER}new.csv.csv, row 7, demand: 'many'")["refused"]
    assert refused["file"].endswith("/new.csv.csv")


@pytest.mark.parametrize(
    "message",
    [
        "An internal error occurred",
        "Insufficient privileges for accessing data in Amazon S3: s3:GetObject on s3://data/x.csv: AccessDenied",
    ],
)
def test_a_file_that_could_not_be_read_stays(files: Bucket, stub: Any, context: Any, message: str) -> None:
    before = dict(files.objects)
    from common.quarantine import take_out

    wait = {"status": "CREATE_FAILED", "message": message}
    assert take_out(None, {"attempt": 0, "wait": wait}, str, {}) == {}
    assert files.objects == before


def test_a_run_gives_up_after_a_few_files(files: Bucket) -> None:
    from common.quarantine import MOST, take_out

    assert take_out(None, {"attempt": MOST, "wait": {"status": "CREATE_FAILED", "message": "x"}}, str, {}) == {}


@pytest.mark.parametrize("gone", [True, False])
def test_a_file_deleted_or_replaced_meanwhile_is_looked_at_again(
    files: Bucket, stub: Any, context: Any, gone: bool
) -> None:
    if gone:
        del files.objects[f"{_FOLDER}new.csv"]
    else:
        files.puts[f"{_FOLDER}new.csv"] = _LATER
    before = dict(files.objects)
    assert _after(stub, context, f"s3://data/{_FOLDER}new.csv, row 7, demand: 'many'") == {"reimport": True}
    assert files.objects == before


def test_a_file_that_was_added_is_to_blame_whatever_was_imported_since_it_came(
    files: Bucket, stub: Any, context: Any
) -> None:
    files.objects["copies.json"] = json.dumps([{"key": f"{_FOLDER}b.csv", "etag": "e", "start": 0}]).encode()
    added = {"copies": "copies.json", "request": {"importMode": "INCREMENTAL"}}
    message = "s3://results/copies/00000_b.csv, row 7, demand: 'many'"
    refused = _after(stub, context, message, good=22, **added)["refused"]
    assert refused["file"].endswith("/b.csv") and not refused["last"]


def test_a_step_that_was_cut_off_says_what_it_had_moved(files: Bucket, stub: Any, context: Any) -> None:
    message = f"s3://data/{_FOLDER}new.csv, row 7, demand: 'many'"
    first, again = (_after(stub, context, message) for _ in range(2))
    assert first == again and again["refused"]["movedTo"] == f"s3://data/{_PLACE}new.csv"


def test_the_first_file_of_all_is_the_last_of_its_kind(bucket: Bucket, stub: Any, context: Any) -> None:
    bucket.objects[f"{_FOLDER}a.csv"] = b"milk,2026-01-01,many\n"
    bucket.puts[f"{_FOLDER}a.csv"] = _NEW
    assert _after(stub, context, f"s3://data/{_FOLDER}a.csv, row 1", good=None)["refused"]["last"] is True


def test_of_a_copy_without_header_the_file_itself_moves(files: Bucket, stub: Any, context: Any) -> None:
    staged = f"forecasting/corner-shop/staged/run={_RUN}/target/"
    copies = [{"key": f"{_FOLDER}{name}.csv", "etag": "e", "start": 5} for name in ("a", "b", "new")]
    files.objects[f"{staged[:-1]}.json"] = json.dumps(copies).encode()
    found = _after(
        stub,
        context,
        f"s3://results/{staged}00002_new.csv, row 7, demand: 'many'",
        copies=f"{staged[:-1]}.json",
        request={"DataSource": {"S3Config": {"Path": f"s3://results/{staged}"}}},
    )
    assert found["refused"]["file"] == f"s3://data/{_FOLDER}new.csv"


def test_a_file_replaced_in_the_last_moment_stays(
    files: Bucket, stub: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": ""}}, "DeleteObject")

    monkeypatch.setattr(files, "delete_object", replaced)
    assert _after(stub, context, f"s3://data/{_FOLDER}new.csv, row 7")["reimport"]
    assert f"{_FOLDER}new.csv" in files.objects


@pytest.mark.parametrize(("kind", "without"), [("target", ""), ("related", "; to do without related, delete that one")])
def test_plan_waits_for_a_kind_whose_last_file_is_in_quarantine(
    bucket: Bucket, context: Any, kind: str, without: str
) -> None:
    from forecasting.plan import handler

    there = {"target", "related", "metadata"} - {kind}
    bucket.objects |= {f"forecasting/corner-shop/{each}/a.csv": b"milk,2026-01-01,3\n" for each in there}
    bucket.objects[f"quarantine/forecasting/corner-shop/{kind}/{_RUN}/a.csv"] = b"x"
    said = handler(FORECASTING, context)["nothingNew"]
    assert f"the last {kind} file is in quarantine, s3://data/quarantine/forecasting/corner-shop/{kind}/" in said
    assert f"a CSV under s3://data/forecasting/corner-shop/{kind}/ starts the next run{without}" in said


def test_the_recommending_pipeline_renames_the_files_of_later_attempts(bucket: Bucket) -> None:
    from recommending.run_plan import PlannedImport

    names = [recommending_plan([PlannedImport("users")], attempt=n)["imports"][0]["request"]["jobName"] for n in (0, 1)]
    assert [name[-19:] for name in names] == [_RUN, "20261122T211700_001"]


def test_a_quarantine_is_reported_with_the_next_step(stub: Any, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from operations.notify import handler

    monkeypatch.setenv("TOPIC_ARN", arn("sns", "t"))
    sent: list[dict[str, Any]] = []
    stub("sns").add_response("publish", {"MessageId": "1"})
    stub("sns").client.meta.events.register(
        "before-parameter-build.sns.Publish", lambda params, **_: sent.append(dict(params))
    )
    refused = dict.fromkeys(("kind", "message", "movedTo", "importJobArn"), "x") | {
        "file": f"s3://data/{_FOLDER}new.csv"
    }
    told = {"pipeline": "forecasting", "execution": FORECASTING["execution"], "quarantined": refused}
    assert handler(told, context) == {}
    assert sent[0]["Subject"] == "Storecast: forecasting put new.csv into quarantine"
    assert "upload the corrected file to where it was" in sent[0]["Message"]
