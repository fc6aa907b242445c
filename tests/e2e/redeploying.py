"""A deploy of a changed config while a run of the recommending pipeline is at work."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from demo import deploy
from demo.watch import Run
from localaws.faults import Fault, write
from localaws.settings import Settings
from tests.contract.helpers import eventually
from tests.e2e import clock
from tests.e2e.conftest import DATASET, App
from tests.e2e.observing import entered, ours
from tests.e2e.sources import changed_sources


def _change(config: dict) -> None:
    """Items have one more column; a solution and the event tracker are gone; recommenders have hours, not today's."""
    config["recommending"]["datasets"]["items"]["PRODUCT_NAME"] = {"type": "string", "nullable": True}
    config["recommending"]["event_tracker"] = False
    del config["recommending"]["solutions"]["ranking"]
    config["recommending"]["hours"] = clock.hours_of_another_day()


def look_at_what_changed(before: dict, after: dict) -> None:
    """In newest.json and in Personalize."""
    personalize = boto3.client("personalize")
    names = [{made["name"] for made in newest["solutions"]} for newest in (before, after)]
    assert names == [{"similar", "ranking"}, {"similar"}]
    assert "trackingId" in before and "trackingId" not in after
    assert ours("personalize", "eventTrackers") == []
    assert recommenders_are("ACTIVE"), "the one that was stopped was started"
    [items] = [each for each in ours("personalize", "datasets") if each["datasetType"].lower() == "items"]
    schema = personalize.describe_dataset(datasetArn=items["datasetArn"])["dataset"]["schemaArn"]
    assert "PRODUCT_NAME" in personalize.describe_schema(schemaArn=schema)["schema"]["schema"]


def recommenders_are(status: str) -> bool:
    return {each["status"] for each in ours("personalize", "recommenders")} == {status}


def deploy_over_a_run(app: App, settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that came of it: one that an upload starts, the deploy and a second upload while it is at work. Somebody
    has stopped a recommender before."""
    key = f"recommending/{DATASET}/users/users.csv"
    users, watcher = (app.folder / key).read_bytes(), app.watcher()
    known = watcher.newest()

    stopped = app.newest("recommending")["recommenders"][0]["recommenderArn"]
    boto3.client("personalize").stop_recommender(recommenderArn=stopped)

    def upload(row: bytes) -> None:
        boto3.client("s3").put_object(Bucket=app.outputs["DataBucket"], Key=key, Body=users + row)

    # The run waits for its turn for as long as the deploy takes.
    write(settings.faults, [Fault("personalize:CreateDatasetImportJob", error="LimitExceededException")])
    upload(b"u121,55+\n")
    run = eventually(watcher.newest, lambda newest: newest["recommending"] != known["recommending"])["recommending"]
    eventually(lambda: "Load" in entered(run))
    monkeypatch.setattr(deploy, "ROOT", changed_sources(root, DATASET, _change))
    with ThreadPoolExecutor() as beside:
        deployed = beside.submit(deploy.deploy, DATASET, app.environment, app.out)
        upload(b"u122,55+\n")
        assert not deployed.done()
        assert deployed.result() is True
    write(settings.faults, [])
    watcher.wait({"recommending"}, known, Console(file=io.StringIO()))
    return list(watcher.runs.values())
