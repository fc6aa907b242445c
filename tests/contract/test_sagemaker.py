"""A SageMaker notebook instance and its lifecycle configuration, from creation to deletion."""

import base64

import pytest

from tests.contract.clients import refused
from tests.contract.helpers import eventually, gone, role, unique

SCRIPT = [{"Content": base64.b64encode(b"#!/bin/bash\necho ready\n").decode()}]


@pytest.fixture
def config(sagemaker):
    name = unique("config").replace("_", "-")
    sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name, OnStart=SCRIPT)
    yield name
    sagemaker.delete_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)


@pytest.fixture
def notebook(sagemaker, config: str):
    """An instance in service; stopped and deleted afterwards."""
    name = unique("notebook").replace("_", "-")
    sagemaker.create_notebook_instance(
        NotebookInstanceName=name,
        InstanceType="ml.t3.medium",
        RoleArn=role("sagemaker"),
        LifecycleConfigName=config,
        Tags=[{"Key": "project", "Value": "storecast"}],
    )
    becomes(sagemaker, name, "InService")
    yield name
    if status(sagemaker, name) == "InService":
        sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    becomes(sagemaker, name, "Stopped")
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    gone(sagemaker.describe_notebook_instance, NotebookInstanceName=name)


def status(sagemaker, name: str) -> str:
    return sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceStatus"]


def becomes(sagemaker, name: str, wanted: str) -> None:
    eventually(lambda: status(sagemaker, name), lambda now: now == wanted)


def test_a_notebook_is_described(sagemaker, notebook: str, config: str) -> None:
    found = sagemaker.describe_notebook_instance(NotebookInstanceName=notebook)
    assert found["InstanceType"] == "ml.t3.medium" and found["VolumeSizeInGB"] == 5
    assert found["NotebookInstanceLifecycleConfigName"] == config
    assert found["NotebookInstanceArn"].endswith(f":notebook-instance/{notebook}")
    listed = sagemaker.list_notebook_instances(NameContains=notebook, StatusEquals="InService")["NotebookInstances"]
    assert [each["NotebookInstanceName"] for each in listed] == [notebook]
    assert sagemaker.list_notebook_instances(NameContains=notebook, StatusEquals="Stopped")["NotebookInstances"] == []


def test_a_notebook_is_stopped_changed_and_started(sagemaker, notebook: str) -> None:
    update, start = sagemaker.update_notebook_instance, sagemaker.start_notebook_instance
    refused("ValidationException", update, "InService", NotebookInstanceName=notebook, InstanceType="ml.t3.large")
    refused("ValidationException", start, "InService", NotebookInstanceName=notebook)
    refused("ValidationException", sagemaker.delete_notebook_instance, "InService", NotebookInstanceName=notebook)
    sagemaker.stop_notebook_instance(NotebookInstanceName=notebook)
    becomes(sagemaker, notebook, "Stopped")
    update(NotebookInstanceName=notebook, InstanceType="ml.t3.large", DisassociateLifecycleConfig=True)
    found = sagemaker.describe_notebook_instance(NotebookInstanceName=notebook)
    assert found["InstanceType"] == "ml.t3.large"
    assert "NotebookInstanceLifecycleConfigName" not in found
    start(NotebookInstanceName=notebook)
    becomes(sagemaker, notebook, "InService")


def test_a_config_is_changed_and_stays_while_it_is_in_use(sagemaker, notebook: str, config: str) -> None:
    name = {"NotebookInstanceLifecycleConfigName": config}
    sagemaker.update_notebook_instance_lifecycle_config(**name, OnCreate=SCRIPT)
    found = sagemaker.describe_notebook_instance_lifecycle_config(**name)
    assert found["OnCreate"] == found["OnStart"] == SCRIPT
    refused("ValidationException", sagemaker.delete_notebook_instance_lifecycle_config, notebook, **name)
    listed = sagemaker.list_notebook_instance_lifecycle_configs(NameContains=config)
    assert len(listed["NotebookInstanceLifecycleConfigs"]) == 1


def test_tags(sagemaker, notebook: str) -> None:
    arn = sagemaker.describe_notebook_instance(NotebookInstanceName=notebook)["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "dataset", "Value": "grocery"}])
    expected = [{"Key": "dataset", "Value": "grocery"}, {"Key": "project", "Value": "storecast"}]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == expected
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["project"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == expected[:1]
    refused("ValidationException", sagemaker.add_tags, "x", ResourceArn=arn + "x", Tags=expected)


def test_a_notebook_that_cannot_be_made(sagemaker, notebook: str) -> None:
    create = sagemaker.create_notebook_instance
    good = {"NotebookInstanceName": notebook, "InstanceType": "ml.t3.medium", "RoleArn": role("sagemaker")}
    refused("ValidationException", create, notebook, "exists", **good)
    other = good | {"NotebookInstanceName": "other"}
    refused("ValidationException", create, "RecordNotFound", "nothing", **other, LifecycleConfigName="nothing")
    distrusted = role("forecast")
    refused("ValidationException", create, "assume", distrusted, **{**other, "RoleArn": distrusted})
    refused("ValidationException", create, "InstanceType", "ml.t9.huge", **{**other, "InstanceType": "ml.t9.huge"})
    refused("ValidationException", sagemaker.describe_notebook_instance, "other", NotebookInstanceName="other")
