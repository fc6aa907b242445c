"""What a run makes of the files that are there: the columns of datasets, and full or added imports."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.lambdas.conftest import RECOMMENDING, arn, events

_FOLDER = "recommending/corner-shop/"
_ITEMS = f"{_FOLDER}items/a.csv"
_EVENTS = f"{_FOLDER}interactions/a.csv"
_THOUSAND = events(1_000, "u2")  # interactions: as many as an import takes at least


def _columns(text: str, bucket: Any, kind: str = "items", known: dict[str, Any] | None = None) -> dict[str, Any]:
    """Of a file as Plan infers them. Raises ValueError."""
    from common import intake, store
    from recommending.schema import columns, expecting

    bucket.objects[f"{_FOLDER}{kind}/a.csv"] = text.encode()
    config = {"domain": "ECOMMERCE", "datasets": {kind: {}}}
    files = [store.StoredFile("data", file) for file in store.listed("data", f"{_FOLDER}{kind}/")]
    checked = intake.check(files, expecting(config, kind), newest_counts=False)
    for why in [*checked.refused.values(), *checked.notes]:
        raise ValueError(why)
    first = store.CsvFolder.listed("data", f"{_FOLDER}{kind}/")
    return columns(config, kind, f"s3://data/{_FOLDER}{kind}/", first, known or {})


def _told(column: dict[str, Any]) -> str:
    return " ".join([column["type"], *(mark for mark in ("categorical", "textual", "nullable") if column[mark])])


def test_columns_are_read_off_the_header_and_the_rows(bucket: Any) -> None:
    rows = [f"i{n},1,{'ab'[n % 2]}|c,text {n},{n},{n}.5,{'xy'[n % 2]},name {n},{n if n else ''}" for n in range(4)]
    header = "ITEM_ID,PRICE,CATEGORY_L1,PRODUCT_DESCRIPTION,CREATION_TIMESTAMP,WEIGHT,BRAND,NAME,STOCK"
    found = _columns("\n".join([header, *rows]), bucket)
    assert {name: _told(column) for name, column in found.items()} == {
        "ITEM_ID": "string",
        "PRICE": "float",
        "CATEGORY_L1": "string categorical",
        "PRODUCT_DESCRIPTION": "string textual nullable",
        "CREATION_TIMESTAMP": "long nullable",
        "WEIGHT": "float nullable",
        "BRAND": "string categorical nullable",
        "NAME": "string nullable",
        "STOCK": "long nullable",
    }


def test_a_column_stays_what_the_last_run_took_it_for(bucket: Any) -> None:
    """A long that now comes with a fraction: the import will name the row; the dataset cannot change."""
    whole = {"type": "long", "categorical": False, "textual": False, "nullable": True}
    found = _columns("ITEM_ID,PRICE,CATEGORY_L1,SIZE\ni1,1,a,2.5\n", bucket, known={"SIZE": whole, "GONE": whole})
    assert list(found) == ["ITEM_ID", "PRICE", "CATEGORY_L1", "SIZE"] and found["SIZE"] == whole


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("items", "ITEM_ID,CATEGORY_L1,NAME\ni1,a,b\n", "items/a.csv, row 1: column PRICE is missing; the"),
        ("items", "ITEM_ID,PRICE,CATEGORY_L1,2ND\ni1,1,a,b\n", "column '2ND': allowed are 1-63 letters"),
        ("items", "ITEM_ID,PRICE,CATEGORY_L1\n", "items/a.csv holds a header and no row"),
        ("users", "USER_ID\nu1\n", "users/: 1 column(s); at least 2 are needed"),
        (
            "interactions",
            "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,A,B,C,D,E,F\nu,i,1,View,1,2,3,4,5,6\n",
            "6 columns of your own; at most 5",
        ),
    ],
)
def test_a_header_that_makes_no_dataset_is_refused_in_words(kind: str, text: str, told: str, bucket: Any) -> None:
    with pytest.raises(ValueError) as caught:
        _columns(text, bucket, kind)
    assert told in str(caught.value)


@pytest.fixture
def planned(bucket: Any, stub: Any, context: Any) -> Any:
    """A plan over the files in the bucket, by which all imports were made; `planned(force=True)` and so on."""
    from recommending.plan import handler

    bucket.objects[_EVENTS] = events(1_000)
    runs = iter(range(9))

    def plan(asked: int, **event: Any) -> dict[str, Any]:
        """`asked`: how often Plan asks the service which imports there are: `added` ones."""
        jobs = event.pop("added", [])
        for _ in range(asked):
            stub("personalize").add_response("list_dataset_import_jobs", {"datasetImportJobs": jobs})
        started = f"2026-11-2{next(runs)}T21:17:00.123Z"
        config = {**RECOMMENDING["config"], "import_mode": "INCREMENTAL"}
        answer = handler({**RECOMMENDING, "config": config, "started": started, **event}, context)
        if "run" in answer and event.get("published", True):
            newest = {"run": answer["run"], "inputs": answer["inputs"]}
            bucket.objects[f"{_FOLDER}newest.json"] = json.dumps(newest).encode()
        return answer

    return plan


def _jobs(answer: dict[str, Any]) -> list[tuple[str, str]]:
    requests = [job["request"] for job in answer["imports"] if job["changed"]]
    return [(request["importMode"], request["dataSource"]["dataLocation"].replace(_FOLDER, "")) for request in requests]


def _names(bucket: Any, answer: dict[str, Any]) -> list[str]:
    """Of the files that the only import adds."""
    [job] = answer["imports"]
    return [file["key"].rpartition("/")[2] for file in json.loads(bucket.objects[job["copies"]])]


def test_new_and_changed_files_are_added_in_one_job_to_what_was_imported_in_full(planned: Any, bucket: Any) -> None:
    assert _jobs(planned(asked=1)) == [("FULL", "s3://data/interactions/")]
    bucket.objects |= {_EVENTS.replace("a.csv", f"{name}.csv"): _THOUSAND for name in "bc"}
    second = planned(asked=1)
    assert _jobs(second) == [("INCREMENTAL", f"s3://results/staged/run={second['run']}/interactions/")]
    assert _names(bucket, second) == ["b.csv", "c.csv"] and second["dataChanged"]
    bucket.objects[_EVENTS] = _THOUSAND
    assert _names(bucket, planned(asked=1)) == ["a.csv"]


def test_the_plan_does_not_grow_with_the_number_of_files(planned: Any, bucket: Any) -> None:
    """A state of Step Functions holds 256 KiB."""
    planned(asked=1)
    bucket.objects |= {_EVENTS.replace("a.csv", f"{'long' * 200}{n:03d}.csv"): _THOUSAND for n in range(100)}
    assert len(json.dumps(planned(asked=1))) < 16_384


@pytest.mark.parametrize("still_there", [True, False])
def test_too_few_new_interactions_come_with_all_others_or_wait(planned: Any, bucket: Any, still_there: bool) -> None:
    """An import takes 1,000 interactions at least."""
    planned(asked=1)
    bucket.objects[_EVENTS.replace("a.csv", "b.csv")] = events(1, "u2")
    if still_there:
        assert _jobs(planned(asked=2)) == [("FULL", "s3://data/interactions/")]
        return
    del bucket.objects[_EVENTS]
    said = planned(asked=1)["nothingNew"]
    assert said.startswith("waits: the new files under s3://data/recommending/corner-shop/interactions/ hold 1 inter")
    bucket.objects[_EVENTS.replace("a.csv", "c.csv")] = _THOUSAND
    assert _names(bucket, planned(asked=1)) == ["b.csv", "c.csv"]


def test_files_that_a_failed_run_added_are_not_added_again(planned: Any, bucket: Any) -> None:
    planned(asked=1)
    bucket.objects |= {_EVENTS.replace("a.csv", f"{name}.csv"): _THOUSAND for name in "bc"}
    failed = planned(asked=1, published=False)
    bucket.objects[_EVENTS.replace("a.csv", "d.csv")] = _THOUSAND
    name = failed["imports"][0]["request"]["jobName"]
    job = {"datasetImportJobArn": arn("personalize", "dataset-import-job/b"), "jobName": name}
    job |= {"status": "ACTIVE", **dict.fromkeys(("creationDateTime", "lastUpdatedDateTime"), datetime.now(UTC))}
    again = planned(asked=1, added=[job])
    assert _names(bucket, again) == ["d.csv"] and again["dataChanged"]


def test_what_is_added_is_copied_into_a_folder_of_its_own(planned: Any, bucket: Any, stub: Any, context: Any) -> None:
    from recommending.load import handler

    planned(asked=1)
    bucket.objects[_EVENTS.replace("a.csv", "b.csv")] = _THOUSAND
    [job] = planned(asked=1)["imports"]
    made = {"datasetImportJobArn": arn("personalize", "dataset-import-job/b")}
    stub("personalize").add_response("create_dataset_import_job", made)
    request = {**job["request"], "datasetArn": arn("personalize", "dataset/d")}
    handler({**job, "part": "import", "request": request}, context)
    copied = f"{job['request']['dataSource']['dataLocation'].removeprefix('s3://results/')}00000_b.csv"
    assert bucket.objects[copied] == _THOUSAND


def test_a_plan_that_infers_columns_lists_the_uploads_once(planned: Any, bucket: Any) -> None:
    bucket.objects[_EVENTS] = events(1_000)
    config = {**RECOMMENDING["config"], "datasets": {"interactions": {}}}
    assert _jobs(planned(asked=1, config=config)) == [("FULL", "s3://data/interactions/")]
    assert bucket.listings == [_FOLDER]


def test_a_file_that_went_leaves_its_data(planned: Any, bucket: Any) -> None:
    bucket.objects[_EVENTS.replace("a.csv", "b.csv")] = events(1, "u2")
    planned(asked=1)
    del bucket.objects[_EVENTS]
    assert "nothingNew" in planned(asked=1)


def test_force_and_another_column_import_in_full(planned: Any, bucket: Any) -> None:
    planned(asked=1)
    bucket.objects[_EVENTS.replace("a.csv", "b.csv")] = events(1, "u2")
    assert _jobs(planned(asked=0, force=True)) == [("FULL", "s3://data/interactions/")]
    config = json.loads(json.dumps({**RECOMMENDING["config"], "import_mode": "INCREMENTAL"}))
    config["datasets"]["interactions"]["AMOUNT"] = config["datasets"]["interactions"]["TIMESTAMP"]
    with pytest.raises(ValueError, match="AMOUNT is missing; .* it was imported before: did pipeline.yaml change"):
        planned(asked=0, config=config)
    bucket.objects = {key: body for key, body in bucket.objects.items() if "interactions/" not in key}
    bucket.objects[_EVENTS] = events(1_000).replace(b"View", b"View,1").replace(b"_TYPE", b"_TYPE,AMOUNT")
    assert _jobs(planned(asked=1, config=config)) == [("FULL", "s3://data/interactions/")]


def test_too_many_new_files_at_once_are_refused_in_words(planned: Any, bucket: Any) -> None:
    planned(asked=1)
    bucket.objects |= {_EVENTS.replace("a.csv", f"b{n:03d}.csv"): events(1, "u2") for n in range(1_001)}
    with pytest.raises(ValueError, match="1001 new files under s3://data/recommending/corner-shop/interactions/: at"):
        planned(asked=1)


def test_fewer_interactions_than_an_import_takes_wait_and_add_up(planned: Any, bucket: Any) -> None:
    bucket.objects[_EVENTS] = events(900)
    said = planned(asked=0)
    assert said["waitsFor"] == "interactions" and said["refused"]["count"] == 0
    assert said["nothingNew"].endswith(
        "hold 900 interactions, and an import takes 1,000 at least: 100 more start the next run"
    )
    bucket.objects[_EVENTS.replace("a.csv", "b.csv")] = events(600, "u2")
    assert _jobs(planned(asked=1)) == [("FULL", "s3://data/interactions/")]


def test_headers_in_another_order_or_case_are_imported_as_copies_with_one_header(
    planned: Any, bucket: Any, stub: Any, context: Any
) -> None:
    from recommending.load import handler

    other = _EVENTS.replace("a.csv", "B.CSV")
    bucket.objects[other] = b'timestamp,Event_Type,note,item_id,user_id\n1700000000,View,"a \\"b\\"",i1,u9\n'
    bucket.objects[_EVENTS.replace("a.csv", "c.csv.gz")] = gzip.compress(events(2, "u3"))
    [job] = planned(asked=1)["imports"]
    assert job["plannedChecksum"] == "" and job["request"]["importMode"] == "FULL"
    made = {"datasetImportJobArn": arn("personalize", "dataset-import-job/b")}
    stub("personalize").add_response("create_dataset_import_job", made)
    request = {**job["request"], "datasetArn": arn("personalize", "dataset/d")}
    handler({**job, "part": "import", "request": request}, context)
    folder = job["request"]["dataSource"]["dataLocation"].removeprefix("s3://results/")
    copies = {key.removeprefix(folder): body for key, body in bucket.objects.items() if key.startswith(folder)}
    header = b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
    assert copies == {
        "00000_B.CSV": header + b"u9,i1,1700000000,View\n",
        "00001_a.csv": events(1_000),
        "00002_c.csv": events(2, "u3"),
    }
