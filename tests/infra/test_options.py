"""What a config may have and the sample has not: it all comes into the templates, and cdk-nag finds nothing in it."""

from __future__ import annotations

from tests.infra.conftest import ROOT, Assembly, flat


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
    # An account has one of a name, whatever the region.
    assert flat(budget["Budget"]["BudgetName"]) == "storecast-sample-<AWS::Region>"
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:dataset$sample"]}
    told = budget["NotificationsWithSubscribers"]
    assert [(each["Notification"]["NotificationType"], each["Notification"]["Threshold"]) for each in told] == [
        ("ACTUAL", 80),
        ("FORECASTED", 100),
    ]
    assert all("Notifications" in flat(each["Subscribers"][0]["Address"]) for each in told)


def test_the_function_of_queries_may_get_what_is_published_and_log(options: Assembly) -> None:
    [function] = [
        each
        for each in options.resources("AWS::Lambda::Function").values()
        if each["FunctionName"] == "storecast-sample-forecasting-query"
    ]
    assert function["Handler"] == "forecasting.query.handler"
    [role] = [each for name, each in options.resources("AWS::IAM::Role").items() if "QueryRole" in name]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    actions = {
        action
        for each in statements
        for action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
    }
    assert {each for each in actions if not each.startswith(("logs:", "xray:"))} == {"s3:GetObject"}
    [read] = [each["Resource"] for each in statements if each["Action"] == "s3:GetObject"]
    ends = sorted(flat(each).rpartition("/forecasting/sample/")[2] for each in read)
    assert ends == ["exports/*", "newest.json", "runs/*/lookup/*", "tables/*"]
