"""A deploy of a changed config while a run of the recommending pipeline is at work."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
import yaml
from rich.console import Console

from demo import deploy
from demo.watch import Run
from localaws.faults import Fault, write
from localaws.settings import Settings
from tests.contract.helpers import eventually
from tests.e2e.conftest import DATASET, App
from tests.e2e.observing import ours


def _change(config: dict) -> None:
    """Items have one more column; a solution and the event tracker are gone."""
    config["recommending"]["datasets"]["items"]["PRODUCT_NAME"] = {"type": "string", "nullable": True}
    config["recommending"]["event_tracker"] = False
    del config["recommending"]["solutions"]["ranking"]


def look_at_what_changed(before: dict, after: dict) -> None:
    """In newest.json and in Personalize."""
    personalize = boto3.client("personalize")
    names = [{made["name"] for made in newest["solutions"]} for newest in (before, after)]
    assert names == [{"similar", "ranking"}, {"similar"}]
    assert "trackingId" in before and "trackingId" not in after
    assert ours("personalize", "eventTrackers") == []
    [items] = [each for each in ours("personalize", "datasets") if each["datasetType"].lower() == "items"]
    schema = personalize.describe_dataset(datasetArn=items["datasetArn"])["dataset"]["schemaArn"]
    assert "PRODUCT_NAME" in personalize.describe_schema(schemaArn=schema)["schema"]["schema"]


def deploy_over_a_run(app: App, settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that came of it: one that an upload starts, the deploy and a second upload while it is at work."""
    key = f"recommending/{DATASET}/users/users.csv"
    users, watcher, states = (app.folder / key).read_bytes(), app.watcher(), boto3.client("stepfunctions")
    known = watcher.newest()

    def upload(row: bytes) -> None:
        boto3.client("s3").put_object(Bucket=app.outputs["DataBucket"], Key=key, Body=users + row)

    # The run waits for its turn for as long as the deploy takes.
    write(settings.faults, [Fault("personalize:CreateDatasetImportJob", error="LimitExceededException")])
    upload(b"u121,55+\n")
    run = eventually(watcher.newest, lambda newest: newest["recommending"] != known["recommending"])["recommending"]
    eventually(
        lambda: "Load" in [_entered(event) for event in states.get_execution_history(executionArn=run)["events"]]
    )
    monkeypatch.setattr(deploy, "ROOT", _sources(root))
    with ThreadPoolExecutor() as beside:
        deployed = beside.submit(deploy.deploy, DATASET, app.environment, app.out)
        upload(b"u122,55+\n")
        assert not deployed.done()
        assert deployed.result() is True
    write(settings.faults, [])
    watcher.wait({"recommending"}, known, Console(file=io.StringIO()))
    return list(watcher.runs.values())


def _entered(event: dict) -> str:
    return event.get("stateEnteredEventDetails", {}).get("name", "")


def _sources(root: Path) -> Path:
    """A copy of the sources, by links, in which the dataset's config is changed."""
    for path in deploy.ROOT.iterdir():
        if path.name != "data" and not path.name.startswith("."):
            (root / path.name).symlink_to(path)
    folder = root / "data" / DATASET
    folder.mkdir(parents=True)
    config = yaml.safe_load((deploy.ROOT / "data" / DATASET / "pipeline.yaml").read_text())
    _change(config)
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return root
