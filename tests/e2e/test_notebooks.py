"""The workshop as a learner goes through it, on the embedded AWS, under a role of the learner's own."""

import re
import zipfile
from pathlib import Path

import boto3
import nbformat
import pandas as pd
import pytest

from localaws.settings import Settings
from workshop import execute
from workshop.learner import Learner, prepare
from workshop.leftovers import leftovers

SINCE = "2017-08-01"
SOLD = ("berries-strawberries", "condensed-soup", "fluid-milk-white-only", "soft-drinks-12-to-18-cans")


@pytest.fixture(scope="module")
def ana(embedded_aws: Settings) -> Learner:
    return prepare("ana")


@pytest.fixture(scope="module")
def done(ana: Learner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every notebook, run from the top, each cell two times; of the products sold, a third, and five of the twelve
    months (`make notebooks`: all)."""
    folder = tmp_path_factory.mktemp("workshop") / "notebooks"
    execute.deliver(folder, ana)
    _keep(folder / "data/sales.zip", SOLD, SINCE)
    execute.run(folder, ana, twice=True)
    return folder


def _keep(archive: Path, items: tuple[str, ...], since: str) -> None:
    """Only the rows of these items from this day on, in each of the archive's tables."""
    with zipfile.ZipFile(archive) as whole:
        tables = {name: pd.read_csv(whole.open(name)) for name in whole.namelist()}
    with zipfile.ZipFile(archive, "w") as part:
        for name, table in tables.items():
            kept = table["item"].isin(items) & (table["day"] >= since if "day" in table else True)
            part.writestr(name, table[kept].to_csv(index=False))


def test_a_notebook_run_too_early_says_what_to_run_first(ana: Learner, tmp_path: Path):
    folder = tmp_path / "notebooks"
    execute.deliver(folder, ana)
    for path, first in (
        ("forecasting/3.1_train_predictors", "2.1_import_dataset"),
        ("recommending/1.2_transform_dataset", "1.1_prepare_dataset"),
    ):
        with pytest.raises(execute.NotebookFailed, match=f"Run {re.escape(first)} first"):
            execute.run_notebook(folder / f"{path}.ipynb", ana)


def test_every_cell_runs_and_runs_again(done: Path):
    for path in done.rglob("*.ipynb"):
        code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), path


def test_the_learner_sees_pictures_and_no_wall_of_prints(done: Path):
    assert {path.name.split("_")[0] for path in execute.pictures(done)} == {
        *(f"forecasting-{number}" for number in ("1.1", "3.1", "4.1", "4.3", "5.1")),
        *(f"recommending-{number}" for number in ("1.1", "5.1")),
    }
    for path in done.rglob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            printed = [output.text for output in cell.get("outputs", []) if output.output_type == "stream"]
            assert "".join(printed).count("\n") <= 10, (path, cell.id)


def test_the_clean_up_leaves_nothing(done: Path, ana: Learner):
    assert leftovers(ana.settings) == []


def test_leftovers_are_found(ana: Learner):
    """Those of ana, not those of somebody else."""
    s3, glue, forecast = boto3.client("s3"), boto3.client("glue"), boto3.client("forecast")
    bucket, keys = ana.settings["DATA_BUCKET"], [f"workshop/{name}/forecasting/x.csv" for name in ("ana", "ben")]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    glue.create_database(DatabaseInput={"Name": "lab_ana"})
    groups = [
        forecast.create_dataset_group(DatasetGroupName=f"lab_{name}_sales", Domain="RETAIL")["DatasetGroupArn"]
        for name in ("ana", "ben")
    ]
    assert leftovers(ana.settings) == [groups[0], "Glue database lab_ana", f"s3://{bucket}/{keys[0]}"]
    for group in groups:
        forecast.delete_dataset_group(DatasetGroupArn=group)
    glue.delete_database(Name="lab_ana")
    boto3.resource("s3").Bucket(bucket).object_versions.filter(Prefix="workshop/").delete()


def test_a_learner_cannot_touch_anothers(ana: Learner):
    keys = {name.lower(): value for name, value in ana.credentials.items()}
    forecast, s3 = boto3.client("forecast", **keys), boto3.client("s3", **keys)
    with pytest.raises(forecast.exceptions.ClientError, match="not authorized"):
        forecast.create_dataset_group(DatasetGroupName="lab_anna_sales", Domain="RETAIL")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket=ana.settings["DATA_BUCKET"], Key="workshop/anna/x.csv", Body=b"x")
