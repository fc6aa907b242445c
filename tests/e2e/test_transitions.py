"""What becomes of the data when a deployed config changes: only a destroy of a workshop may delete any of it."""

import functools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_cdk import App, DefaultStackSynthesizer
from botocore.exceptions import ClientError

import app as entry
from infra import deployed
from infra.config import ConfigError, Pipeline, load
from infra.operations import Operations
from infra.storage import Storage
from localaws.settings import Settings
from tests.contract.helpers import eventually

ROOT = Path(__file__).resolve().parents[2]
ASSETS = "transitions-assets"
NAMES = {"operations": "storecast-kept-operations", "storage": "storecast-kept-storage"}  # in the order of a deploy

Config = tuple[str, bool]  # purpose, customer_managed_key
WORKSHOP, PRODUCTION = ("workshop", False), ("production", False)
KEYED_WORKSHOP, KEYED_PRODUCTION = ("workshop", True), ("production", True)
# From true to false, the key cannot be deployed: storage still uses what operations no longer exports. `make deploy`
# refuses to change it in either direction (infra/deployed.py).
TRANSITIONS = [
    (WORKSHOP, PRODUCTION),
    (PRODUCTION, WORKSHOP),
    (WORKSHOP, KEYED_WORKSHOP),
    (KEYED_WORKSHOP, KEYED_PRODUCTION),
    (KEYED_PRODUCTION, KEYED_WORKSHOP),
    (PRODUCTION, KEYED_PRODUCTION),
]


@dataclass
class Shop:
    """The stacks of a dataset that keep data and clean up, deployed without the CDK CLI, which takes far longer."""

    folder: Path
    config: Config | None = None  # as deployed
    templates: dict[Config, dict[str, str]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)  # every bucket so far

    def deploy(self, config: Config, *, failing: bool = False) -> str:
        """Bring both stacks to this config; `failing`: the storage stack's last resource can't be made. Answer the
        status that the storage stack ends in."""
        for stack, name in NAMES.items():
            template = self._template(config, stack)
            if stack == "storage" and failing:
                template = _with_a_failure(template)
            ended = _deploy(name, template)
        self.config = config if not failing else self.config
        self.made.update(self.buckets())
        return ended

    def become(self, config: Config) -> None:
        if self.config != config:
            self.destroy()
            assert self.deploy(config) == "CREATE_COMPLETE"

    def destroy(self) -> None:
        """Delete the stacks."""
        for name in reversed(NAMES.values()):
            _delete(name)
        self.config = None

    def buckets(self) -> list[str]:
        return _resources(NAMES["storage"], "AWS::S3::Bucket")

    def _template(self, config: Config, stack: str) -> str:
        if config not in self.templates:
            self.templates[config] = _synthesized(self.folder / "-".join(map(str, config)), *config)
        return self.templates[config][stack]


def _synthesized(folder: Path, purpose: str, key: bool) -> dict[str, str]:
    """The templates by stack; their assets are in the bucket for them."""
    config = _config(dataset="kept", purpose=purpose, customer_managed_key=key)

    def build(app: App) -> None:
        operations = Operations(app, NAMES["operations"], config=config)
        Storage(app, NAMES["storage"], config=config, operations=operations)

    found = _templates(folder, build)
    return {stack: found[name] for stack, name in NAMES.items()}


def _config(**changed: Any) -> Pipeline:
    """The sample's, with changed members."""
    return load(ROOT / "data" / "sample" / "pipeline.yaml").model_copy(update=changed)


def _templates(folder: Path, build: Callable[[App], None]) -> dict[str, str]:
    """Of what `build` puts into an app, by the names of the stacks."""
    app = App(
        outdir=str(folder),
        context=json.loads((ROOT / "cdk.json").read_text())["context"],
        default_stack_synthesizer=DefaultStackSynthesizer(
            file_assets_bucket_name=ASSETS, generate_bootstrap_version_rule=False
        ),
    )
    build(app)
    app.synth()
    for manifest in folder.glob("*.assets.json"):
        for asset in json.loads(manifest.read_text())["files"].values():
            _upload(folder, asset)
    return {path.name.split(".")[0]: path.read_text() for path in folder.glob("*.template.json")}


def _upload(folder: Path, asset: dict[str, Any]) -> None:
    if asset["source"]["packaging"] == "zip":
        path = folder / asset["source"]["path"]
        archive = shutil.make_archive(str(folder / path.name), "zip", path)
        [destination] = asset["destinations"].values()
        boto3.client("s3").upload_file(archive, ASSETS, destination["objectKey"])


def _with_a_failure(template: str) -> str:
    """With a resource that can't be made, after all others."""
    document = json.loads(template)
    nobody = "arn:aws:lambda:us-east-1:000000000000:function:nobody"
    document["Resources"]["Failing"] = {
        "Type": "Custom::Failing",
        "Properties": {"ServiceToken": nobody},
        "DependsOn": list(document["Resources"]),
    }
    return json.dumps(document)


def _deploy(name: str, template: str) -> str:
    cloudformation = boto3.client("cloudformation")
    boto3.client("s3").put_object(Bucket=ASSETS, Key=f"{name}.json", Body=template.encode())  # too large for the call
    url = f"https://s3.us-east-1.amazonaws.com/{ASSETS}/{name}.json"
    given = {"StackName": name, "TemplateURL": url, "Capabilities": ["CAPABILITY_IAM"]}
    try:
        if _status(name):
            cloudformation.update_stack(**given)
        else:
            cloudformation.create_stack(**given)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
    return eventually(lambda: _status(name), lambda status: not status.endswith("_IN_PROGRESS"))


def _delete(name: str) -> None:
    boto3.client("cloudformation").delete_stack(StackName=name)
    eventually(lambda: _status(name), lambda status: status in ("", "DELETE_FAILED"))
    assert not _status(name), boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]


def _status(name: str) -> str:
    """Empty when there is no such stack."""
    try:
        return boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except ClientError:
        return ""


def _resources(stack: str, kind: str) -> list[str]:
    found = boto3.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return [each["PhysicalResourceId"] for each in found if each["ResourceType"] == kind]


def _fill(buckets: list[str]) -> None:
    """In each bucket an object of two versions, and one that was deleted."""
    s3 = boto3.client("s3")
    for bucket in buckets:
        for body in (b"first", b"second"):
            s3.put_object(Bucket=bucket, Key="overwritten", Body=body)
        s3.put_object(Bucket=bucket, Key="deleted", Body=b"-")
        s3.delete_object(Bucket=bucket, Key="deleted")


def _versions(bucket: str) -> set[tuple[str, str]]:
    """Key and version of each version and delete marker."""
    pages = boto3.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    return {
        (each["Key"], each["VersionId"])
        for page in pages
        for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
    }


def _left(buckets: list[str]) -> list[str]:
    return [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"] if each["Name"] in buckets]


@pytest.fixture(scope="module")
def shop(embedded_aws: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    boto3.client("s3").create_bucket(Bucket=ASSETS)
    yield (shop := Shop(tmp_path_factory.mktemp("transitions")))
    shop.destroy()
    for bucket in _left([*shop.made, ASSETS]):
        boto3.client("s3").delete_bucket_policy(Bucket=bucket)  # no access logs any more
        boto3.resource("s3").Bucket(bucket).object_versions.delete()
        boto3.client("s3").delete_bucket(Bucket=bucket)


@pytest.mark.parametrize(
    ("before", "after", "failing"),
    [(before, after, failing) for before, after in TRANSITIONS for failing in (True, False)],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else ("rolled back" if value else "done"),
)
def test_a_changed_config_deletes_no_data(shop: Shop, before: Config, after: Config, failing: bool) -> None:
    shop.become(before)
    buckets = shop.buckets()
    _fill(buckets)
    kept = {bucket: _versions(bucket) for bucket in buckets}
    assert [len(found) >= 4 for found in kept.values()] == [True] * 3
    ended = shop.deploy(after, failing=failing)
    assert ended == ("UPDATE_ROLLBACK_COMPLETE" if failing else "UPDATE_COMPLETE")
    assert shop.buckets() == buckets
    assert {bucket: kept[bucket] - _versions(bucket) for bucket in buckets} == dict.fromkeys(buckets, set())


@pytest.mark.parametrize("config", [PRODUCTION, KEYED_PRODUCTION], ids=str)
def test_a_destroy_in_production_keeps_all_data_readable(shop: Shop, config: Config) -> None:
    shop.become(config)
    buckets = shop.buckets()
    _fill(buckets)
    kept = {bucket: _versions(bucket) for bucket in buckets}
    shop.destroy()
    assert {bucket: kept[bucket] - _versions(bucket) for bucket in buckets} == dict.fromkeys(buckets, set())
    s3 = boto3.client("s3")
    assert {s3.get_object(Bucket=each, Key="overwritten")["Body"].read() for each in buckets} == {b"second"}


@pytest.mark.parametrize("config", [WORKSHOP, KEYED_WORKSHOP], ids=str)
def test_a_destroy_of_a_workshop_deletes_all_data(shop: Shop, config: Config) -> None:
    shop.become(config)
    buckets = shop.buckets()
    _fill(buckets)
    shop.destroy()
    assert _left(buckets) == []


def test_a_workshop_whose_first_deploy_fails_leaves_no_bucket(shop: Shop) -> None:
    shop.destroy()
    assert shop.deploy(WORKSHOP, failing=True) == "ROLLBACK_COMPLETE"
    assert _resources(NAMES["storage"], "AWS::S3::Bucket") == []


def _put_up(templates: dict[str, str], *stacks: str) -> list[str]:
    """The statuses in which the stacks' deploys end."""
    return [_deploy(f"storecast-left-{stack}", templates[f"storecast-left-{stack}"]) for stack in stacks]


def test_a_pipeline_whose_section_leaves_the_config_leaves_the_account(shop: Shop, tmp_path: Path) -> None:
    """CloudFormation refuses the deploy of what is left until the pipeline's stack is gone; the data stay."""
    both, cloudformation = _config(dataset="left"), boto3.client("cloudformation")
    alone = both.model_copy(update={"forecasting": None})
    before, after = (
        _templates(tmp_path / str(number), functools.partial(entry.build, settings=config))
        for number, config in enumerate((both, alone))
    )
    stacks = ("operations", "storage", "forecasting")
    assert _put_up(before, *stacks) == ["CREATE_COMPLETE"] * 3
    buckets = _resources("storecast-left-storage", "AWS::S3::Bucket")
    shop.made.update(buckets)
    _fill(buckets)
    kept = {bucket: _versions(bucket) for bucket in buckets}
    assert deployed.delete_leftovers(both, cloudformation) == []
    assert "UPDATE_ROLLBACK_COMPLETE" in _put_up(after, *stacks[:2])
    assert deployed.delete_leftovers(alone, cloudformation) == ["storecast-left-forecasting"]
    assert _status("storecast-left-forecasting") == ""
    assert _put_up(after, *stacks[:2]) == ["UPDATE_COMPLETE"] * 2
    assert {bucket: kept[bucket] - _versions(bucket) for bucket in buckets} == dict.fromkeys(buckets, set())
    deployed.check_key(alone, cloudformation)
    with pytest.raises(ConfigError, match="left: customer_managed_key = true in pipeline.yaml, .* Set it back to fal"):
        deployed.check_key(alone.model_copy(update={"customer_managed_key": True}), cloudformation)
    for stack in ("storage", "operations"):
        _delete(f"storecast-left-{stack}")
