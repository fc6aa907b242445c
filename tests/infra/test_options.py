"""What a config may have and the sample has not: it all comes into the templates, and cdk-nag finds nothing in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk import App

from infra import checks
from infra.config import load
from infra.operations import Operations
from infra.recommending import Recommending
from infra.storage import Storage
from infra.workshop import Workshop
from tests.infra.conftest import ROOT, Assembly, flat

_HOURS = 'hours: {start: "07:00", stop: "20:00", days: [MON]}'


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The sample with hours, a budget, an accuracy floor and added imports, but for the stack that has nothing to do
    with them."""
    folder = tmp_path_factory.mktemp("options")
    text = (ROOT / "data" / "sample" / "pipeline.yaml").read_text()
    text = text.replace("forecasting:\n", "forecasting:\n  accuracy_floor: {worst: 0.5}\n", 1)
    text = text.replace("recommending:\n", f"recommending:\n  import_mode: INCREMENTAL\n  {_HOURS}\n", 1)
    (folder / "pipeline.yaml").write_text(f"{text}\nbudget: {{monthly_usd: 50}}\nworkshop: {{learners: 2, {_HOURS}}}\n")
    config = load(folder / "pipeline.yaml")
    app = App(outdir=str(folder), context=json.loads((ROOT / "cdk.json").read_text())["context"])
    checks.check(app)
    operations = Operations(app, "operations", config=config)
    shared = {"config": config, "operations": operations}
    storage = Storage(app, "storage", **shared)
    Recommending(app, "recommending", section=config.recommending, storage=storage, **shared)
    Workshop(app, "workshop", storage=storage, **shared)
    app.synth()
    return Assembly(folder, {path.name.split(".")[0]: _read(path) for path in folder.glob("*.template.json")})


def _read(path: Path) -> dict:
    return json.loads(path.read_text())


def test_what_has_hours_is_named_in_a_machine_of_its_own(options: Assembly) -> None:
    machines = {
        each["StateMachineName"]: each for each in options.resources("AWS::StepFunctions::StateMachine").values()
    }
    recommenders = flat(machines["storecast-sample-recommending-hours"]["DefinitionString"])
    assert recommenders.count(":recommender/storecast-sample-") == 5
    assert ":recommender/storecast-sample-recommended-for-you'" in recommenders
    notebooks = flat(machines["storecast-sample-workshop-hours"]["DefinitionString"])
    assert "['storecast-sample01', 'storecast-sample02']" in notebooks
    payload = flat(machines["storecast-sample-recommending"]["DefinitionString"])
    assert '"hours"' not in payload, "a change of hours is no reason for a run"


def test_every_option_that_can_go_wrong_has_its_alarm(options: Assembly) -> None:
    alarms = {
        each["AlarmName"]: flat(each["AlarmDescription"])
        for each in options.resources("AWS::CloudWatch::Alarm").values()
    }
    guide = (ROOT / "docs" / "operations.md").read_text()
    for name in ("recommending-hours", "workshop-hours", "forecasting-inaccurate"):
        words, section = alarms[f"storecast-sample-{name}"], name.rpartition("-")[2]
        assert "sample" in words and "Next: " in words and f"section {section})" in words
        assert f"### {section}\n" in guide


def test_files_that_are_added_are_staged_in_the_results_bucket(options: Assembly) -> None:
    """Plan lists them, Load copies them, Personalize reads the copies, by its role and by the bucket's policy."""
    staged = "/recommending/sample/staged/*"
    allowed: dict[str, set[str]] = {}
    for name, role in options.resources("AWS::IAM::Role").items():
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
            if staged in flat(statement["Resource"]):
                actions = statement["Action"]
                who = name.split("/")[1].split("Role")[0]
                allowed.setdefault(who, set()).update([actions] if isinstance(actions, str) else actions)
    both = {"s3:GetObject", "s3:PutObject"}
    assert allowed == {"Plan": both, "Load": both, "Personalize": {"s3:GetObject"}}
    policies = [p for name, p in options.resources("AWS::S3::BucketPolicy").items() if "Results" in name]
    [statement] = [s for s in policies[0]["PolicyDocument"]["Statement"] if staged in flat(s["Resource"])]
    assert statement["Principal"] == {"Service": "personalize.amazonaws.com"} and statement["Action"] == "s3:GetObject"


def test_the_budget_is_the_topics(options: Assembly) -> None:
    [budget] = options.resources("AWS::Budgets::Budget").values()
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:dataset$sample"]}
    told = budget["NotificationsWithSubscribers"]
    assert [(each["Notification"]["NotificationType"], each["Notification"]["Threshold"]) for each in told] == [
        ("ACTUAL", 80),
        ("FORECASTED", 100),
    ]
    assert all("Notifications" in flat(each["Subscribers"][0]["Address"]) for each in told)
