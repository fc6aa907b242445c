"""The workshop's templates for several learners and other settings, and the scripts that run on an instance."""

from __future__ import annotations

import json
import re
import subprocess
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Annotations, Match, Template

from infra.config import ConfigError, load
from infra.lifecycle import stop_when_idle
from infra.operations import Operations
from infra.storage import Storage
from infra.workshop import Workshop, learners_stem
from tests.infra.conftest import ROOT, Assembly, flat

SAMPLE = ROOT / "data" / "sample" / "pipeline.yaml"


def _workshop(**settings: Any) -> Workshop:
    config = load(SAMPLE)
    config = config.model_copy(update={"workshop": config.workshop.model_copy(update=settings)})
    app = App(context=json.loads((ROOT / "cdk.json").read_text())["context"])
    operations = Operations(app, "operations", config=config)
    storage = Storage(app, "storage", config=config, operations=operations)
    return Workshop(app, "workshop", config=config, storage=storage, operations=operations)


def test_each_learner_has_an_instance_a_role_and_names_of_ones_own() -> None:
    template = Template.from_stack(
        _workshop(learners=3, instance_type="ml.m5.large", volume_size_gb=7, git_repository="https://example.com/a/b")
    )
    notebooks = [n["Properties"] for n in template.find_resources("AWS::SageMaker::NotebookInstance").values()]
    assert sorted(n["NotebookInstanceName"] for n in notebooks) == [f"storecast-sample0{n}" for n in (1, 2, 3)]
    for key, value in {
        "InstanceType": "ml.m5.large",
        "VolumeSizeInGB": 7,
        "AdditionalCodeRepositories": ["https://example.com/a/b"],
        "PlatformIdentifier": "notebook-al2023-v1",
        "RootAccess": "Disabled",
    }.items():
        assert [n[key] for n in notebooks] == [value] * 3, key
    assert len({flat(n["RoleArn"]) for n in notebooks}) == 3
    roles = {name: role["Properties"] for name, role in template.find_resources("AWS::IAM::Role").items()}
    [text] = [json.dumps(role["Policies"]) for name, role in roles.items() if name.startswith("Learner02Role")]
    assert "lab_sample02_*" in text and "workshop/sample02/*" in text
    assert "sample01" not in text and "sample03" not in text


@pytest.mark.parametrize(("one", "other"), [("a-b", "ab"), ("a-b-c", "ab-c"), ("grocery-weekly", "groceryweekly")])
def test_learners_of_two_datasets_share_no_names(one: str, other: str) -> None:
    stems = [learners_stem(dataset) for dataset in (one, other)]
    assert not stems[0].startswith(stems[1]) or not stems[0].removeprefix(stems[1])[:2].isdigit()
    assert stems[0] != stems[1] and all(re.fullmatch("[a-z][a-z0-9]{1,22}", stem) for stem in stems)
    assert learners_stem("sample") == "sample"


def test_the_roles_that_a_learner_passes_reach_no_other_learners_files() -> None:
    template = Template.from_stack(_workshop(learners=2))
    roles = {name: role["Properties"] for name, role in template.find_resources("AWS::IAM::Role").items()}
    assert not [name for name in roles if name.startswith(("ForecastRole", "PersonalizeRole"))], "shared by learners"
    for learner in ("01", "02"):
        [own] = [json.dumps(role["Policies"]) for name, role in roles.items() if name[:13] == f"Learner{learner}Role"]
        for service in ("Forecast", "Personalize"):
            [name] = [each for each in roles if each.startswith(f"Learner{learner}{service}Role")]
            assert name in own and name.replace(f"Learner{learner}", "Learner0") not in own
            text = json.dumps(roles[name]["Policies"])
            assert set(re.findall(r"workshop/[a-z0-9]*/?[*]", text)) == {f"workshop/sample{learner}/*"}


def test_the_classic_policies_come_only_when_asked_for_and_with_a_warning() -> None:
    stack = _workshop(classic_policies=True)
    roles = Template.from_stack(stack).find_resources("AWS::IAM::Role")
    [role] = [role for name, role in roles.items() if name.startswith("Learner01Role")]
    shared, *attached = [flat(arn).rpartition("/")[2] for arn in role["Properties"]["ManagedPolicyArns"]]
    assert shared.startswith("<LearnersPolicy")
    assert attached == [
        "AmazonSageMakerFullAccess",
        "AmazonS3FullAccess",
        "AmazonPersonalizeFullAccess",
        "AmazonForecastFullAccess",
        "IAMFullAccess",
    ]
    Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp("classic_policies: every learner may do"))
    Annotations.from_stack(_workshop()).has_no_warning("*", Match.any_value())


def test_the_lifecycle_script_is_bash_within_sagemakers_limit(assembly: Assembly) -> None:
    [properties] = assembly.resources("AWS::SageMaker::NotebookInstanceLifecycleConfig").values()
    script = re.sub("<(s3:[^>]+|AWS::Region)>", "place", flat(properties["OnStart"][0]["Content"]["Fn::Base64"]))
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    assert len(script) * 4 / 3 < 16_384
    assert "stop_when_idle.py storecast-sample01 place 60" in script


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("{learners: 0}", "workshop.learners = 0: Input should be greater than or equal to 1"),
        ("{instance_type: ml.t9.huge}", "workshop.instance_type = 'ml.t9.huge': 'ml.t9.huge' is not known; allowed: "),
        ("{idle_minutes: 1}", "workshop.idle_minutes = 1: Input should be greater than or equal to 5"),
        ("{git_repository: http://h/a}", "workshop.git_repository = 'http://h/a': allowed: an https URL without"),
        ("{root: true}", "workshop.root = True: unknown key"),
    ],
)
def test_settings_that_cannot_be(tmp_path, settings: str, told: str) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(f"{SAMPLE.read_text()}\nworkshop: {settings}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert told in str(caught.value)


def test_the_number_of_learners_given_at_synth_overrides_the_configs() -> None:
    assert load(SAMPLE, learners="12").workshop.learners == 12
    with pytest.raises(ConfigError, match="workshop.learners = '120'"):
        load(SAMPLE, learners="120")


def test_an_instance_is_idle_since_the_last_thing_done() -> None:
    def at(state: str, second: int) -> dict[str, str]:
        return {"execution_state": state, "last_activity": datetime.fromtimestamp(second, UTC).strftime("%FT%T.%fZ")}

    assert stop_when_idle.last_activity([], []) == 0
    assert stop_when_idle.last_activity([at("idle", 100), at("idle", 300)], [at("", 200)]) == 300
    assert stop_when_idle.last_activity([at("idle", 100)], [at("", 200)]) == 200
    assert stop_when_idle.last_activity([at("busy", 100)], []) == pytest.approx(time.time(), abs=60)
