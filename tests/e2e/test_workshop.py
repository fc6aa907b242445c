"""The workshop for two learners: deployed by the CDK CLI, used from their kernels, taken down whole."""

import json
from pathlib import Path

import boto3
import pytest

from demo import deploy, workshop
from localaws.settings import Settings, client_environment
from tests.contract.lab import Lab

HERE = Path(__file__).parent
# A dataset of its own: the other tests here take the stacks of `sample` down.
DATASET = "grocery-weekly"
LEARNERS = ("groceryweekly01", "groceryweekly02")


@pytest.fixture(scope="module")
def environment(embedded_aws: Settings) -> dict[str, str]:
    return client_environment(embedded_aws)


@pytest.fixture(scope="module")
def labs(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lab]:
    """JupyterLab of each learner."""
    deploy.deploy_workshop(DATASET, environment, tmp_path_factory.mktemp("out"), learners=len(LEARNERS))
    return {instance.removeprefix("storecast-"): Lab(url) for instance, url in workshop.urls(DATASET).items()}


def test_each_learner_gets_the_notebooks_and_a_place_of_ones_own(labs: dict[str, Lab]) -> None:
    assert tuple(labs) == LEARNERS
    for name, lab in labs.items():
        assert "README.md" in [each["name"] for each in lab.api("contents/storecast")["content"]]
        settings = dict(line.split("=", 1) for line in lab.file("storecast/storecast.env").splitlines())
        assert (settings.pop("LEARNER"), settings.pop("DATASET")) == (name, DATASET)
        assert set(settings) == {"DATA_BUCKET", "RESULTS_BUCKET", "FORECAST_ROLE_ARN", "PERSONALIZE_ROLE_ARN"}


def test_two_learners_do_the_same_and_do_not_collide(labs: dict[str, Lab]) -> None:
    code = (HERE / "learner_makes.py").read_text()
    assert [lab.run(code) for lab in labs.values()] == ["made\n", "made\n"]
    groups = [each["DatasetGroupName"] for each in boto3.client("forecast").list_dataset_groups()["DatasetGroups"]]
    assert {f"lab_{name}_sales" for name in LEARNERS} <= set(groups)


def test_a_learner_keeps_to_ones_own(labs: dict[str, Lab]) -> None:
    first, second = LEARNERS
    code = (HERE / "learner_trespasses.py").read_text().replace('"NEIGHBOUR"', repr(second))
    told = labs[first].run(code).split()
    assert len(told) == 6 and all("AccessDenied" in each for each in told), told


def test_destroy_takes_what_learners_left_behind(
    labs: dict[str, Lab], environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    deploy.destroy(DATASET, environment, tmp_path_factory.mktemp("out"))
    forecast, personalize, sagemaker = (boto3.client(name) for name in ("forecast", "personalize", "sagemaker"))
    left = {
        "datasets": forecast.list_datasets(),
        "groups": forecast.list_dataset_groups(),
        "imports": forecast.list_dataset_import_jobs(),
        "schemas": personalize.list_schemas(),
        "shops": personalize.list_dataset_groups(),
        "databases": boto3.client("glue").get_databases(),
        "notebooks": sagemaker.list_notebook_instances(),
        "scripts": sagemaker.list_notebook_instance_lifecycle_configs(),
        "roles": boto3.client("iam").list_roles(),
        "buckets": boto3.client("s3").list_buckets(),
    }
    told = {what: json.dumps(found, default=str) for what, found in left.items()}
    assert [what for what, text in told.items() if any(name in text for name in (*LEARNERS, DATASET))] == []
