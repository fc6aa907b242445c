"""The files of a delivery: which are imported as they are, which as copies, which go into quarantine, and why."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.lambdas.conftest import FORECASTING, arn

_FOLDER = "forecasting/corner-shop/"
_ROWS = "milk,2026-01-01,3\ntea,2026-01-01,1\n"
_HEADER = "item_id,timestamp,demand\n"


def _plan(stub: Any, context: Any, datasets: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    from forecasting.plan import handler

    stub("forecast").add_response("list_dataset_import_jobs", {"DatasetImportJobs": []})
    settings = {**FORECASTING["config"], **config}
    settings["datasets"] = settings["datasets"] | (datasets or {})
    return handler({**FORECASTING, "config": settings}, context)


def _put(bucket: Any, **files: str) -> None:
    bucket.objects |= {f"{_FOLDER}{kind}/a.csv": text.encode() for kind, text in files.items()}


def test_a_file_without_a_header_is_imported_where_it_lies(bucket: Any, stub: Any, context: Any) -> None:
    _put(bucket, target=_ROWS)
    [job] = _plan(stub, context)["imports"]
    assert job["copies"] == ""
    assert job["request"]["DataSource"]["S3Config"]["Path"] == f"s3://data/{_FOLDER}target/"


def test_what_is_said_of_refused_files_fits_the_state(bucket: Any, stub: Any, context: Any) -> None:
    """A message may quote a header, and a file's first line may be all of it."""
    _put(bucket, target=_ROWS)
    long = "x" * 60_000
    bucket.objects |= {f"{_FOLDER}target/{name}.csv": f"item_id,{long},{_ROWS}".encode() for name in "bcd"}
    plan = _plan(stub, context)
    assert plan["refused"]["count"] == 3 and len(json.dumps(plan)) < 24_000


@pytest.mark.parametrize("written, time", [("yyyy-MM-dd", "2026-1-1"), ("yyyy-MM-dd HH:mm:ss", "2026-01-01  0:00:00")])
def test_a_time_without_its_zeros_is_refused_and_stops_no_other_file(
    bucket: Any, stub: Any, context: Any, written: str, time: str
) -> None:
    good = "2026-01-01" if written == "yyyy-MM-dd" else "2026-01-01 00:00:00"
    bucket.objects[f"{_FOLDER}target/a.csv"] = f"milk,{good},3\n".encode()
    bucket.objects[f"{_FOLDER}target/b.csv"] = f"milk,{time},3\n".encode()
    plan = _plan(stub, context, timestamp_format=written)
    [refused] = plan["refused"]["files"]
    assert refused["message"].endswith(f"b.csv, row 1, timestamp: {time!r} is not a timestamp of the form {written} "
                                       "(a header names item_id, timestamp, demand)")  # fmt: skip
    assert plan["imports"]


def _copies(bucket: Any, stub: Any, context: Any, job: dict[str, Any]) -> dict[str, str]:
    """What Load imports instead of the files, by name."""
    from forecasting.load import handler

    answer = {"DatasetImportJobArn": arn("forecast", "dataset-import-job/d/j")}
    stub("forecast").add_response("create_dataset_import_job", answer)
    request = {**job["request"], "DatasetArn": arn("forecast", "dataset/d")}
    handler({**job, "part": "import", "request": request}, context)
    folder = job["request"]["DataSource"]["S3Config"]["Path"].removeprefix("s3://results/")
    return {key.removeprefix(folder): body.decode() for key, body in bucket.objects.items() if key.startswith(folder)}


def test_a_header_like_the_schema_is_imported_where_it_lies(bucket: Any, stub: Any, context: Any) -> None:
    """Forecast skips it, as recorded."""
    _put(bucket, target=_HEADER + _ROWS)
    [job] = _plan(stub, context)["imports"]
    assert job["copies"] == ""


_TWO = "timestamp,item_id,demand\n2026-01-01,milk,3\n2026-01-01,tea,1\n"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("order.csv", _TWO.encode()),
        ("case.csv", ("Item_ID, Timestamp,DEMAND\n" + _ROWS).encode()),
        ("bom.csv", ("\ufeff" + _HEADER + _ROWS).encode()),
        ("blank.csv", ("\r\n\n" + _HEADER + _ROWS).encode()),
        ("zip.csv.gz", gzip.compress(_ROWS.encode(), mtime=0)),
        ("named.csv", gzip.compress(_TWO.encode(), mtime=0)),
        ("UP.CSV", _TWO.encode()),
    ],
)
def test_what_forecast_cannot_read_as_it_is_is_imported_as_copies(
    bucket: Any, stub: Any, context: Any, name: str, body: bytes
) -> None:
    from forecasting.history import Target, read

    bucket.objects = {f"{_FOLDER}target/{name}": body, f"{_FOLDER}target/a.csv": b"rice,2026-01-02,7\n"}
    order = _plan(stub, context)
    [job] = order["imports"]
    assert job["plannedChecksum"] == ""
    plain = {"rice,2026-01-02,7\n", _ROWS}
    assert set(_copies(bucket, stub, context, job).values()) == plain
    event = {**FORECASTING, "run": order["run"]}
    found = read(Target.of(event), event, lambda key, step: False)
    assert {key: found.volume(key) for key in found.first} == {("milk",): 3.0, ("tea",): 1.0, ("rice",): 7.0}


_REFUSED = {
    "header.csv": (b"item_id,timestamp,sales\nmilk,2026-01-01,3\n", "demand is missing and sales is not known"),
    "missing.csv": (b"item_id,timestamp\nmilk,2026-01-01\n", "demand is missing"),
    "extra.csv": (b"item_id,timestamp,demand,store\nmilk,2026-01-01,3,N\n", "store is not known"),
    "twice.csv": (b"item_id,timestamp,demand,Demand\nmilk,2026-01-01,3,3\n", "names demand more than once"),
    "comma.csv": (b"item_id,timestamp,demand,\nmilk,2026-01-01,3,\n", "ends with a comma, so that column 4"),
    "rowcomma.csv": (b"milk,2026-01-01,3,\n", "row 1: 4 values, but 3 columns"),
    "names.csv": (b"sku,date,qty\nmilk,2026-01-01,3\n", "row 1, timestamp: 'date' is not a timestamp"),
    "cr.csv": (b"item_id,timestamp,demand\rmilk,2026-01-01,3\r", "its lines end in CR alone"),
    "semicolon.csv": (b"milk;2026-01-01;3\n", "separate values by commas"),
    "number.csv": (b"milk,2026-01-01,3\nmilk,2026-01-02,many\n", "row 2, demand: 'many' is not a finite number"),
    "key.csv": (b",2026-01-01,3\n", "row 1, item_id: '' is not a value"),
    "latin.csv": ("Käse,2026-01-01,3\n".encode("latin-1"), "row 1: it is not UTF-8"),
    "quote.csv": (b'milk,2026-01-01,"3\nmilk,2026-01-02,4\n', "a quoted value does not end"),
    "broken.csv.gz": (b"\x1f\x8bnothing", "is a broken gzip file"),
    "book.xlsx": (b"PK\x03\x04", "is not a CSV file by its name"),
    "book.csv": (b"PK\x03\x04", "is an Excel workbook"),
    "text.txt": (_ROWS.encode(), "is not a CSV file by its name"),
    "bare": (_ROWS.encode(), "is not a CSV file by its name"),
    "empty.csv": (b"", "is empty (0 bytes)"),
}


@pytest.mark.parametrize("name, copy", [("2026-01-01.csv", "file_2026-01-01.csv"), ("text.csv.gz", "text.csv")])
def test_files_whose_names_forecast_takes_otherwise_are_imported_as_copies(
    bucket: Any, stub: Any, context: Any, name: str, copy: str
) -> None:
    """Forecast refuses a name without a letter, and what is called .gz may be text."""
    bucket.objects[f"{_FOLDER}target/{name}"] = _ROWS.encode()
    order = _plan(stub, context)
    assert order["refused"]["count"] == 0
    assert _copies(bucket, stub, context, order["imports"][0]) == {f"00000_{copy}": _ROWS}


def test_every_bad_file_goes_into_quarantine_in_one_run_and_the_good_one_is_imported(
    bucket: Any, stub: Any, context: Any
) -> None:
    good = f"{_FOLDER}target/good.csv"
    bucket.objects = {f"{_FOLDER}target/{name}": body for name, (body, _) in _REFUSED.items()} | {good: _ROWS.encode()}
    bucket.objects[f"{_FOLDER}target/sub/"] = b""
    order = _plan(stub, context)
    assert order["refused"]["count"] == len(_REFUSED) and "lost" not in order
    assert json.loads(bucket.objects[f"{_FOLDER}runs/{order['run']}/data.json"])["target"]["files"].keys() == {good}
    place = f"quarantine/{_FOLDER}target/{order['run']}/"
    for name, (body, why) in _REFUSED.items():
        assert bucket.objects[f"{place}{name}"] == body and f"{_FOLDER}target/{name}" not in bucket.objects
        assert why in bucket.objects[f"{place}{name}.reason.txt"].decode(), name
    assert order["imports"][0]["copies"] == ""


def test_a_dry_run_says_what_it_would_refuse_and_moves_nothing(bucket: Any, stub: Any, context: Any) -> None:
    from forecasting.plan import handler

    _put(bucket, target="item_id,timestamp,sales\nmilk,2026-01-01,3\n")
    before = dict(bucket.objects)
    stub("forecast").add_response("list_dataset_import_jobs", {"DatasetImportJobs": []})
    answer = handler({**FORECASTING, "dryRun": True}, context)
    assert answer["refused"]["count"] == 1 and "lost" not in answer and bucket.objects == before


def test_the_last_file_of_its_kind_is_lost(bucket: Any, stub: Any, context: Any) -> None:
    _put(bucket, target="milk,2026-01-01,many\n")
    lost = _plan(stub, context)["lost"]
    assert lost["step"] == "Plan" and "'many' is not a finite number" in lost["message"]
    assert "it is in quarantine now: s3://data/quarantine/" in lost["message"]


@pytest.mark.parametrize(("name", "body"), [("README.txt", b"x"), ("a.csv", b"")])
def test_what_is_no_data_is_not_the_last_file_of_its_kind(
    bucket: Any, stub: Any, context: Any, name: str, body: bytes
) -> None:
    """A stray file in a folder that has no data goes on with the rest, now and in the next run."""
    _put(bucket, target=_ROWS)
    bucket.objects[f"{_FOLDER}related/{name}"] = body
    for _ in range(2):
        order = _plan(stub, context)
        assert order["refused"]["count"] == 1 and "lost" not in order
        assert [job["kind"] for job in order["imports"]] == ["target"]


def test_many_stray_files_stop_no_other_kind_and_are_not_blamed_for_a_bad_one(
    bucket: Any, stub: Any, context: Any
) -> None:
    """Spark leaves a folder of Parquet parts and checksums: no config makes CSV of their names."""
    _put(bucket, target=_ROWS)
    bucket.objects |= {f"{_FOLDER}related/_part-{at}.parquet": b"PAR1" for at in range(6)}
    order = _plan(stub, context)
    assert order["refused"]["count"] == 6 and "lost" not in order
    assert [job["kind"] for job in order["imports"]] == ["target"]

    bucket.objects = {f"{_FOLDER}target/_part-{at}.parquet": b"PAR1" for at in range(2)}
    bucket.objects[f"{_FOLDER}target/bad.csv"] = b"milk,2026-01-01,many\n"
    assert "/target/bad.csv, row 1" in _plan(stub, context)["lost"]["message"]


def test_a_step_that_was_cut_off_says_again_what_it_refused(bucket: Any, stub: Any, context: Any) -> None:
    _put(bucket, target=_ROWS)
    bucket.objects[f"{_FOLDER}target/b.csv"] = b"milk,2026-01-01,many\n"
    first, again = _plan(stub, context)["refused"], _plan(stub, context)["refused"]
    assert first == again and first["count"] == 1


def test_many_bad_files_and_no_good_one_are_the_configs_fault(bucket: Any, stub: Any, context: Any) -> None:
    bucket.objects = {f"{_FOLDER}target/f{n}.csv": b"sku,timestamp,demand\nmilk,2026-01-01,3\n" for n in range(6)}
    with pytest.raises(
        ValueError, match="none of the 6 files of target can be imported, so pipeline.yaml may be wrong"
    ):
        _plan(stub, context)
    assert not any("quarantine" in key for key in bucket.objects)


def test_a_header_alone_is_a_note(bucket: Any, stub: Any, context: Any) -> None:
    _put(bucket, target=_ROWS, related=_HEADER.replace("demand", "price"))
    bucket.objects[f"{_FOLDER}target/b.csv"] = _HEADER.encode()
    order = _plan(stub, context)
    assert [job["kind"] for job in order["imports"]] == ["target"]
    assert list(_copies(bucket, stub, context, order["imports"][0])) == ["00000_a.csv"]
    data = json.loads(bucket.objects[f"{_FOLDER}runs/{order['run']}/data.json"])
    assert data["target"]["notes"] == [
        f"s3://data/{_FOLDER}target/b.csv holds a header and no row: nothing is read from it"
    ]


def test_only_a_header_waits_for_rows(bucket: Any, stub: Any, context: Any) -> None:
    _put(bucket, target=_HEADER)
    assert _plan(stub, context)["nothingNew"].startswith("waits: no file under s3://data/forecasting/corner-shop/tar")


@pytest.mark.parametrize("overlap", ["newest", "sum"])
def test_rows_that_two_files_have_count_once_unless_they_are_to_add_up(
    bucket: Any, stub: Any, context: Any, overlap: str
) -> None:
    from forecasting.history import Target, read

    old, new = f"{_FOLDER}target/z_old.csv", f"{_FOLDER}target/a_new.csv"
    bucket.objects |= {
        old: b"milk,2026-01-01,3\nmilk,2026-01-02,4\nmilk,2026-01-02,1\ntea,2026-01-02,8\n",
        new: (_HEADER + "milk,2026-01-02,5\nmilk,2026-01-03,6\n").encode(),
    }
    bucket.puts[new] = datetime.now(UTC)
    order = _plan(stub, context, overlap=overlap)
    [job] = order["imports"]
    event = {**FORECASTING, "run": order["run"]}
    found = read(Target.of(event), event, lambda key, step: False)
    once, summed = ({("milk",): milk, ("tea",): 8.0} for milk in (14.0, 19.0))
    assert {key: found.volume(key) for key in found.first} == (
        once if overlap == "newest" else {**once, ("milk",): 19.0}
    )
    data = json.loads(bucket.objects[f"{_FOLDER}runs/{order['run']}/data.json"])
    if overlap == "sum":
        assert job["copies"] == "" and data["target"]["notes"] == []
        return
    assert _copies(bucket, stub, context, job)["00001_z_old.csv"] == "milk,2026-01-01,3\ntea,2026-01-02,8\n"
    [note] = data["target"]["notes"]
    assert note.startswith(
        f"2 rows of s3://data/{old} are in s3://data/{new} too: the newer file counts; to add them up"
    )


def test_a_file_sent_again_under_another_name_counts_once(bucket: Any, stub: Any, context: Any) -> None:
    """The older one has no row left: a copy without rows would fail the import."""
    _put(bucket, target=_ROWS, metadata="milk,dairy\n")
    for kind in ("target", "metadata"):
        again = f"{_FOLDER}{kind}/again.csv"
        bucket.objects[again], bucket.puts[again] = bucket.objects[f"{_FOLDER}{kind}/a.csv"], datetime.now(UTC)
    target, metadata = _plan(stub, context)["imports"]
    assert _copies(bucket, stub, context, target) == {"00000_again.csv": _ROWS}
    assert _copies(bucket, stub, context, metadata) == {"00000_again.csv": "milk,dairy\n"}


def test_files_in_no_folder_of_a_dataset_are_noted(bucket: Any, stub: Any, context: Any) -> None:
    _put(bucket, target=_ROWS)
    bucket.objects |= {f"{_FOLDER}sales.csv": b"x", f"{_FOLDER}targets/b.csv": b"x"}
    order = _plan(stub, context)
    [note] = json.loads(bucket.objects[f"{_FOLDER}runs/{order['run']}/data.json"])["target"]["notes"]
    assert note.endswith("are not in target/, related/, metadata/ and not read: sales.csv, targets/b.csv")


def _row(number: int) -> bytes:
    return f"item{number},2026-01-01,3\n".encode()


def test_the_plan_does_not_grow_with_the_number_of_files(bucket: Any, stub: Any, context: Any) -> None:
    """A state of Step Functions holds 256 KiB; Forecast takes 10,000 files of a kind."""
    _put(bucket, target=_TWO)
    few = len(json.dumps(_plan(stub, context)))
    bucket.objects |= {f"{_FOLDER}target/f{number:04d}.csv": _row(number) for number in range(3_000)}
    assert len(json.dumps(_plan(stub, context))) == few < 16_384


def test_a_large_copy_is_written_in_parts(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from common import copies

    parts: list[bytes] = []

    def upload_part(Body: bytes, PartNumber: int, **_: Any) -> dict[str, str]:
        parts.append(Body)
        return {"ETag": f"part {PartNumber}"}

    monkeypatch.setattr(copies, "_PART", 30)
    monkeypatch.setattr(bucket, "create_multipart_upload", lambda **_: {"UploadId": "u"}, raising=False)
    monkeypatch.setattr(bucket, "upload_part", upload_part, raising=False)
    completed: list[dict[str, Any]] = []
    monkeypatch.setattr(bucket, "complete_multipart_upload", lambda **given: completed.append(given), raising=False)
    bucket.objects["from.csv"] = _TWO.encode() + b"2026-01-02,tea,1\n"
    file = {"key": "from.csv", "etag": bucket._etag("from.csv"), "layout": {"header": True, "positions": [1, 0, 2]}}
    copies.copy("data", file, "results", "to.csv")
    assert b"".join(parts).decode() == _ROWS + "tea,2026-01-02,1\n" and len(parts) == 2
    assert [part["PartNumber"] for part in completed[0]["MultipartUpload"]["Parts"]] == [1, 2]


def test_columns_are_taken_from_the_header_where_the_config_says_so(bucket: Any, stub: Any, context: Any) -> None:
    """Types come from the domain's names; of related series' other columns from their values."""
    _put(
        bucket,
        target="store,demand,timestamp,item_id\nN,3,2026-01-01,milk\n",
        related="item_id,timestamp,price,store,promo\nmilk,2026-01-01,1.5,N,0\nmilk,2026-01-02,,N,1\n",
        metadata="item_id,category,pack\nmilk,dairy,1\n",
    )
    by_header = dict.fromkeys(("target", "related", "metadata"), "infer")
    order = _plan(stub, context, by_header, dimensions=["store"])
    schemas = {
        dataset["kind"]: [tuple(each.values()) for each in dataset["request"]["Schema"]["Attributes"]]
        for dataset in order["datasets"]
    }
    assert schemas == {
        "target": [("store", "string"), ("demand", "float"), ("timestamp", "timestamp"), ("item_id", "string")],
        "related": [
            ("item_id", "string"),
            ("timestamp", "timestamp"),
            ("price", "float"),
            ("store", "string"),
            ("promo", "float"),
        ],
        "metadata": [("item_id", "string"), ("category", "string"), ("pack", "string")],
    }
    assert order["config"]["datasets"]["target"]["store"] == "string"
    assert [c["AttributeName"] for c in order["predictors"][0]["request"]["DataConfig"]["AttributeConfigs"]] == [
        "demand",
        "price",
    ]


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        (
            "target",
            _ROWS,
            "row 1 should be a header, as pipeline.yaml says, that names item_id, timestamp, demand; f",
        ),
        ("metadata", "item,category\nmilk,dairy\n", "that names item_id; found 'item,category'"),
        (
            "related",
            "item_id,timestamp,price,weekday\nmilk,2026-01-01,1.5,Monday\n",
            "row 2, column weekday: 'Monday' is no number, but a related series must be one",
        ),
        ("metadata", "item_id,type\nmilk,dairy\n", "Forecast reserves the name type: rename the column"),
        ("metadata", "item_id,2nd\nmilk,dairy\n", "column name '2nd': allowed are"),
    ],
)
def test_columns_are_inferred_from_good_files_alone(
    bucket: Any, stub: Any, context: Any, kind: str, text: str, why: str
) -> None:
    """The first file by name and time is bad: what it says of the columns does not count."""
    good = {
        "target": _HEADER + _ROWS,
        "related": "item_id,timestamp,price\nmilk,2026-01-01,1.5\n",
        "metadata": "item_id,category\nmilk,dairy\n",
    }
    _put(bucket, **{**good, kind: text})
    later = f"{_FOLDER}{kind}/b.csv"
    bucket.objects[later], bucket.puts[later] = good[kind].encode(), datetime.now(UTC)
    order = _plan(stub, context, dict.fromkeys(good, "infer"))
    assert order["refused"]["count"] == 1 and why in order["refused"]["files"][0]["message"]
    assert list(order["config"]["datasets"][kind]) == good[kind].partition("\n")[0].split(",")


def test_a_text_that_would_be_summed_over_is_the_configs_matter(bucket: Any, stub: Any, context: Any) -> None:
    _put(bucket, target="item_id,timestamp,demand,store\nmilk,2026-01-01,3,North\n")
    words = "target/a.csv, row 1: one item_id's rows are summed over all values of store; .* dimensions: .store."
    with pytest.raises(ValueError, match=words):
        _plan(stub, context, {"target": "infer"})


def test_columns_stay_those_of_the_files_that_were_imported(bucket: Any, stub: Any, context: Any) -> None:
    """A newer file with another header is the one that is refused, whatever its name."""
    _put(bucket, target=_HEADER + _ROWS, metadata="item_id,category\nmilk,dairy\n")
    by_header = {"metadata": "infer"}
    first = _plan(stub, context, by_header)
    newest = {"run": first["run"], "predictorArn": "p", "forecasts": {}, "inputs": first["inputs"]}
    bucket.objects[f"{_FOLDER}newest.json"] = json.dumps(newest).encode()
    old = f"{_FOLDER}metadata/0.csv"
    bucket.objects[old], bucket.puts[old] = b"item_id,brand\nmilk,best\n", datetime(2020, 1, 1, tzinfo=UTC)
    order = _plan(stub, context, by_header)
    assert [each["file"] for each in order["refused"]["files"]] == [f"s3://data/{old}"]
    assert list(order["config"]["datasets"]["metadata"]) == ["item_id", "category"]


def test_a_header_is_no_observation(bucket: Any) -> None:
    from forecasting.history import Target, read

    _put(bucket, target=_HEADER + _ROWS)
    bucket.plan(_FOLDER, "r")
    event = {**FORECASTING, "run": "r"}
    found = read(Target.of(event), event, lambda key, step: False)
    assert found.start == found.end and found.steps.text(found.end) == "2026-01-01T00:00:00"
    assert {key: found.volume(key) for key in found.first} == {("milk",): 3.0, ("tea",): 1.0}
