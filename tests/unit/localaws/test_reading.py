"""What the engines say about a file is the message of the job that read it."""

import io
from pathlib import Path

import pytest

from localaws.errors import JobFailed
from localaws.s3 import File, Listed
from localaws.services.forecast import files
from localaws.services.personalize.jobs import batch_inference, datasets
from storecast_engines.files import Layout

BAD = File("s3://bucket/bad.csv", b"USER_ID\nK\xe4se\n")
SCHEMA = """{"type": "record", "name": "Users", "namespace": "com.amazonaws.personalize.schema",
"fields": [{"name": "USER_ID", "type": "string"}]}"""


def test_a_bad_file_fails_a_job_of_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "locate", lambda *_: None)
    monkeypatch.setattr(files, "listed", lambda *_, **__: [Listed(BAD.uri, len(BAD.body))])
    monkeypatch.setattr(files, "opened", lambda *_: io.BytesIO(BAD.body))
    with pytest.raises(JobFailed, match="s3://bucket/bad.csv, row 2: it is not UTF-8"):
        files.read_all(None, files.Source("role", "s3://bucket/", Layout({"item_id": "string"})))


def test_a_bad_file_fails_an_import_into_personalize(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "read", lambda *_: [BAD])
    with pytest.raises(JobFailed, match="s3://bucket/bad.csv, row 2: it is not UTF-8"):
        datasets.import_dataset(datasets.ImportDataset("s3://bucket/", SCHEMA, Path("unused")), None)


def test_a_bad_file_fails_a_batch_inference_job() -> None:
    with pytest.raises(JobFailed, match="s3://bucket/bad.csv, row 2: it is not UTF-8"):
        batch_inference.lines_of(BAD)
