"""What is watched: every alarm tells the topic and says what to do, and looks at metrics that somebody sends."""

from __future__ import annotations

import json
import re

from tests.infra.conftest import ROOT, Assembly, flat


def test_every_alarm_reports_what_is_wrong_and_what_to_do(assembly: Assembly) -> None:
    alarms = {a["AlarmName"]: a for a in assembly.resources("AWS::CloudWatch::Alarm").values()}
    assert {name.removeprefix("storecast-sample-") for name in alarms} == {
        *(f"{p}-{what}" for p in ("forecasting", "recommending") for what in ("failed", "late", "stale")),
        "dead-letters",
        "untold",
    }
    guide = (ROOT / "docs" / "operations.md").read_text()
    for name, alarm in alarms.items():
        assert "Notifications" in flat(alarm["AlarmActions"][0]), name
        words = flat(alarm["AlarmDescription"])
        assert "sample" in words and "Next: " in words and len(words) <= 1024, name
        section = name.removeprefix("storecast-sample-").removeprefix("forecasting-").removeprefix("recommending-")
        assert f"section {section})" in words and f"### {section}\n" in guide, name


def test_no_data_alarms_before_the_first_upload(assembly: Assembly) -> None:
    alarms = assembly.resources("AWS::CloudWatch::Alarm").values()
    assert {alarm["TreatMissingData"] for alarm in alarms} <= {"notBreaching", "missing"}


def test_alarms_and_rules_may_publish_to_the_topic_under_its_own_key(assembly: Assembly) -> None:
    [topic] = assembly.resources("AWS::SNS::Topic").values()
    [(name, key)] = assembly.resources("AWS::KMS::Key").items()
    assert name.partition("/")[2] in flat(topic["KmsMasterKeyId"])
    [topic_policy] = assembly.resources("AWS::SNS::TopicPolicy").values()
    for document in (key["KeyPolicy"], topic_policy["PolicyDocument"]):
        allowed = {
            flat(s["Principal"]["Service"]): s.get("Condition")
            for s in document["Statement"]
            if "Service" in s["Principal"]
        }
        # EventBridge names no source to a topic, nor to the key of an encrypted one.
        assert allowed == {
            "['budgets.amazonaws.com', 'cloudwatch.amazonaws.com']": {
                "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
            },
            "events.amazonaws.com": None,
        }
    assert key["EnableKeyRotation"] is True


def test_our_metrics_have_the_dimensions_that_alarms_and_dashboard_ask_for(assembly: Assembly) -> None:
    stale = [a for a in assembly.resources("AWS::CloudWatch::Alarm").values() if a.get("Namespace") == "Storecast"]
    assert {tuple(d["Name"] for d in alarm["Dimensions"]) for alarm in stale} == {("dataset", "pipeline", "service")}
    assert {d["Value"] for alarm in stale for d in alarm["Dimensions"] if d["Name"] == "service"} == {"storecast"}
    [dashboard] = assembly.resources("AWS::CloudWatch::Dashboard").values()
    body = json.loads(flat(dashboard["DashboardBody"]))
    titles = [widget["properties"]["title"] for widget in body["widgets"]]
    assert len(set(titles)) == len(titles) == 10
    searches = re.findall(r"SEARCH\('\{Storecast,dataset,pipeline,service(,\w+)?\} (.+?)', ", json.dumps(body))
    assert {by.strip(",") for by, _ in searches} == {"", "algorithm", "solution", "step", "use_case"}
    assert all(term.startswith('dataset=\\"sample\\"') for _, term in searches), searches


def test_undelivered_starts_go_to_the_dead_letters(assembly: Assembly) -> None:
    [policy] = assembly.resources("AWS::SQS::QueuePolicy").values()
    allowed, tls = policy["PolicyDocument"]["Statement"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert "rule/storecast-sample-*" in flat(allowed["Condition"]["ArnLike"]["aws:SourceArn"])
    assert tls["Effect"] == "Deny"
    for name, rule in assembly.resources("AWS::Events::Rule").items():
        if name.endswith("/NewData"):
            assert all("DeadLetters" in flat(target["DeadLetterConfig"]["Arn"]) for target in rule["Targets"])


def test_a_run_that_is_stopped_is_reported_by_a_rule(assembly: Assembly) -> None:
    rule = assembly.resources("AWS::Events::Rule")["operations/StoppedRuns"]
    detail = rule["EventPattern"]["detail"]
    uncatchable = {"status": ["FAILED"], "error": ["States.Runtime", "States.DataLimitExceeded"]}
    assert detail["$or"] == [{"status": ["ABORTED", "TIMED_OUT"]}, uncatchable]
    assert [flat(arn).rpartition(":")[2] for arn in detail["stateMachineArn"]] == [
        "storecast-sample-forecasting",
        "storecast-sample-recommending",
    ]
    assert "DeadLetters" in flat(rule["Targets"][0]["DeadLetterConfig"]["Arn"])
    told = json.loads(flat(rule["Targets"][0]["InputTransformer"]["InputTemplate"]))
    assert told["status"] == "<status>" and "next" in told
    # It may have published before it was stopped: newest.json is what decides, and what says whose results serve.
    assert "goes on serving" not in told["what"]
    assert "newest.json" in told["serves"] and "its execution is this one" in told["serves"]
    assert told["console"].endswith("#/v2/executions/details/<execution>") and told["since"] == "<when>"
