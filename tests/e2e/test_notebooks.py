"""The workshop as a learner goes through it, on the embedded AWS, under a role of the learner's own."""

import re
import zipfile
from pathlib import Path

import boto3
import nbformat
import pandas as pd
import pytest

from localaws.settings import Settings
from tests.e2e import rights
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


def _keys(learner: Learner) -> dict[str, str]:
    return {name.lower(): value for name, value in learner.credentials.items()}


def test_a_learner_cannot_touch_anothers(ana: Learner):
    forecast, s3 = (boto3.client(name, **_keys(ana)) for name in ("forecast", "s3"))
    with pytest.raises(forecast.exceptions.ClientError, match="not authorized"):
        forecast.create_dataset_group(DatasetGroupName="lab_anna_sales", Domain="RETAIL")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket=ana.settings["DATA_BUCKET"], Key="workshop/anna/x.csv", Body=b"x")


def test_a_learner_brings_data_to_the_pipelines_and_looks_at_what_came_of_it(ana: Learner):
    """As the last notebooks of the labs say; no pipeline is there. What is the learner's own can be read again."""
    s3, states = (boto3.client(name, **_keys(ana)) for name in ("s3", "stepfunctions"))
    account = boto3.client("sts").get_caller_identity()["Account"]
    for pipeline in ("forecasting", "recommending"):
        folder = f"{pipeline}/{ana.settings['DATASET']}/"
        s3.put_object(Bucket=ana.settings["DATA_BUCKET"], Key=f"{folder}new.csv", Body=b"x")
        machine = f"arn:aws:states:us-east-1:{account}:stateMachine:storecast-{ana.settings['DATASET']}-{pipeline}"
        assert states.list_executions(stateMachineArn=machine)["executions"] == []
        results = {"Bucket": ana.settings["RESULTS_BUCKET"]}
        assert "Contents" not in s3.list_objects_v2(**results, Prefix=folder)
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(**results, Key=f"{folder}report.html")
    own = {"Bucket": ana.settings["DATA_BUCKET"], "Key": "workshop/ana/again.csv"}
    s3.put_object(**own, Body=b"x")
    assert s3.get_object(**own)["Body"].read() == b"x"


def test_every_right_of_a_learner_and_of_the_roles_to_pass_was_used(done: Path, ana: Learner, embedded_aws: Settings):
    """By the tests above; the workshop's stack gives its learners the same."""
    roles = {"Learner": "storecast-learner-ana"}
    roles |= {name.capitalize(): f"storecast-{name}-ana" for name in ("forecast", "personalize")}
    rights.walk(rights.granted(roles), embedded_aws, rights.OF_A_LEARNER)
