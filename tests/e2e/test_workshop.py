"""The workshop for two learners: deployed by the CDK CLI, used from their kernels, taken down whole."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import boto3
import pytest

from demo import deploy, workshop
from localaws.faults import Fault, write
from localaws.settings import Settings, client_environment
from tests.contract.helpers import eventually
from tests.e2e import clock, rights
from tests.e2e.observing import there
from tests.e2e.sources import changed_sources
from workshop.jupyter import Lab

HERE = Path(__file__).parent
# A dataset of its own: the other tests here take the stacks of `sample` down.
DATASET = "grocery-weekly"
LEARNERS = ("groceryweeklyc5801", "groceryweeklyc5802")  # with a hash, as "groceryweekly" could be a dataset, too
STACKS = f"storecast-{DATASET}-"
NAMES = re.compile("|".join((*LEARNERS, DATASET)))

# What the labs take is walked in test_notebooks.py: the roles that learners pass, and of their own all but this.
PASSED = tuple(f"workshop/Learner{n}{service}Role" for n in ("01", "02") for service in ("Forecast", "Personalize"))
OF_AN_INSTANCE = (("sagemaker:*", "*"), ("s3:GetObject", "*-assets-*"))


@pytest.fixture(scope="module")
def environment(embedded_aws: Settings) -> dict[str, str]:
    return client_environment(embedded_aws)


@pytest.fixture(scope="module", autouse=True)
def with_hours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The sources, in which the notebook instances have hours."""

    def change(config: dict) -> None:
        config["workshop"] = {"hours": clock.hours_of_another_day()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deploy, "ROOT", changed_sources(tmp_path_factory.mktemp("sources"), DATASET, change))
        yield


@pytest.fixture(scope="module")
def labs(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lab]:
    """JupyterLab of each learner."""
    deploy.deploy_workshop(DATASET, environment, tmp_path_factory.mktemp("out"), learners=len(LEARNERS))
    clock.hold(STACKS)
    return {instance.removeprefix("storecast-"): Lab(url) for instance, url in workshop.urls(DATASET).items()}


def test_each_learner_gets_the_notebooks_and_a_place_of_ones_own(labs: dict[str, Lab]) -> None:
    assert tuple(labs) == LEARNERS
    for name, lab in labs.items():
        assert "README.md" in [each["name"] for each in lab.api("contents/storecast")["content"]]
        settings = dict(line.split("=", 1) for line in lab.file("storecast/storecast.env").splitlines())
        assert (settings.pop("LEARNER"), settings.pop("DATASET")) == (name, DATASET)
        assert set(settings) == {"DATA_BUCKET", "RESULTS_BUCKET", "FORECAST_ROLE_ARN", "PERSONALIZE_ROLE_ARN"}


def test_two_learners_do_the_same_and_do_not_collide(labs: dict[str, Lab], embedded_aws: Settings) -> None:
    """The second one's import of sales is at work until the destroy."""
    write(embedded_aws.faults, [Fault("job:forecast:DatasetImportJob", containing=LEARNERS[1], delay=600)])
    code = (HERE / "learner_makes.py").read_text()
    assert [lab.run(code) for lab in labs.values()] == ["made\n", "made\n"]
    groups = [each["DatasetGroupName"] for each in boto3.client("forecast").list_dataset_groups()["DatasetGroups"]]
    assert {f"lab_{name}_sales" for name in LEARNERS} <= set(groups)


def test_a_learner_keeps_to_ones_own(labs: dict[str, Lab]) -> None:
    first, second = LEARNERS
    code = (HERE / "learner_trespasses.py").read_text().replace('"NEIGHBOUR"', repr(second))
    refused = labs[first].run(code).splitlines()
    expected = ("AccessDenied", "Insufficient privileges")
    assert len(refused) == 8 and all(any(word in each for word in expected) for each in refused), refused


def test_the_clock_stops_and_starts_the_instances_and_each_may_stop_itself(labs: dict[str, Lab]) -> None:
    for verb, state in (("stop", "Stopped"), ("start", "InService")):
        clock.strike(f"{STACKS}workshop-hours-{verb}")
        eventually(_states, [state, state].__eq__)
    for url in workshop.urls(DATASET).values():
        Lab(url).run((HERE / "learner_leaves.py").read_text())
    eventually(_states, ["Stopped", "Stopped"].__eq__)


def _states() -> list[str]:
    describe = boto3.client("sagemaker").describe_notebook_instance
    return [describe(NotebookInstanceName=f"storecast-{name}")["NotebookInstanceStatus"] for name in LEARNERS]


@pytest.fixture(scope="module")
def granted(labs: dict[str, Lab]) -> dict[rights.Right, str]:
    """What the stack brings, while it is there: the roles of the clock, of instances, and what its clean-up may do."""
    roles = rights.roles_of(STACKS)
    cleanup = rights.granted({"CleanupRole": roles["operations/CleanupRole"]}, policies="*-workshop")
    own = {label: name for label, name in roles.items() if label.startswith("workshop/") and label not in PASSED}
    found = {
        right: name
        for right, name in rights.granted(own).items()
        if "/Learner" not in right[0]
        or any(fnmatchcase(right[1], action) and fnmatchcase(right[2], on) for action, on in OF_AN_INSTANCE)
    }
    assert cleanup and {right[0].partition("Role")[0] for right in found} == {
        "workshop/HoursMachine",
        "workshop/HoursSchedule",
        "workshop/Learner01",
        "workshop/Learner02",
    }
    return cleanup | found


def test_destroy_takes_what_learners_left_behind(
    labs: dict[str, Lab],
    granted: dict[rights.Right, str],
    environment: dict[str, str],
    embedded_aws: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    before = {what for what, found in there(NAMES).items() if found}
    assert before >= {"sagemaker NotebookInstances", "forecast Datasets", "personalize schemas", "databases"}
    deploy.destroy(DATASET, environment, tmp_path_factory.mktemp("out"))
    write(embedded_aws.faults, [])
    assert {what: found for what, found in there(NAMES).items() if found} == {}


def test_every_right_was_used(granted: dict[rights.Right, str], embedded_aws: Settings) -> None:
    """By the tests above; a right that is missing had failed them."""
    rights.walk(granted, embedded_aws, rights.OF_THE_WORKSHOP)
