"""The state machines: sound, readable from state to file, and their expressions mean what they should."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonata
import pytest

from tests.infra.conftest import ROOT, Assembly, machine

_PIPELINES = ("forecasting", "recommending")
_CONTEXT = {"Execution": {"Id": "e", "Input": {}}, "StateMachine": {"Id": "m"}}
_CHANGING = {kind: {f"Latest{kind}Update": {"Status": "CREATE IN_PROGRESS"}} for kind in ("Campaign", "Dataset")}


def _chains(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield definition
    for state in definition["States"].values():
        for inner in (*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())):
            yield from _chains(inner)


def states_of(definition: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [pair for chain in _chains(definition) for pair in chain["States"].items()]


def expressions_of(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        if node.startswith("{%"):
            yield node[2:-2].strip()
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in ("Branches", "ItemProcessor"):
                yield from expressions_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions_of(value)


def evaluate(template: Any, **states: Any) -> Any:
    """A JSONata template of a state, evaluated as Step Functions does."""
    if isinstance(template, dict):
        return {key: evaluate(value, **states) for key, value in template.items()}
    if not (isinstance(template, str) and template.startswith("{%")):
        return template
    expression = jsonata.Jsonata.jsonata(template[2:-2].strip())
    expression.register_lambda("parse", json.loads)
    return expression.evaluate(None, {"states": states})


@pytest.mark.parametrize("pipeline", _PIPELINES)
def test_names_are_unique_and_every_transition_leads_somewhere(assembly: Assembly, pipeline: str) -> None:
    definition = machine(assembly, pipeline)
    names = [name for name, _ in states_of(definition)]
    assert len(names) == len(set(names))
    assert all(len(name) <= 80 for name in names)
    for chain in _chains(definition):
        targets = [chain["StartAt"]]
        for state in chain["States"].values():
            targets += [
                exit_["Next"]
                for exit_ in (state, *state.get("Catch", ()), *state.get("Choices", ()))
                if "Next" in exit_
            ]
            targets += [state["Default"]] if "Default" in state else []
            assert "Next" in state or state.get("End") or state["Type"] in ("Choice", "Succeed", "Fail")
        assert set(targets) <= set(chain["States"])
        assert set(chain["States"]) <= set(targets), "a state that nothing leads to"


@pytest.mark.parametrize("pipeline", _PIPELINES)
def test_every_expression_is_jsonata_and_no_state_assigns_variables(assembly: Assembly, pipeline: str) -> None:
    for name, state in states_of(machine(assembly, pipeline)):
        assert "Assign" not in state, name
        for expression in expressions_of(state):
            jsonata.Jsonata.jsonata(expression)


@pytest.mark.parametrize("pipeline", _PIPELINES)
def test_a_lambda_state_runs_the_file_of_its_name(assembly: Assembly, pipeline: str) -> None:
    for name, state in states_of(machine(assembly, pipeline)):
        if state.get("Resource", "").endswith("lambda:invoke"):
            step = name.split()[0].lower()
            room = "operations" if step == "notify" else pipeline
            assert (ROOT / "lambdas" / room / f"{step}.py").exists(), name
            assert step.capitalize() in state["Arguments"]["FunctionName"], name


@pytest.mark.parametrize("pipeline", _PIPELINES)
def test_every_lambda_state_receives_the_execution_that_its_log_lines_name(assembly: Assembly, pipeline: str) -> None:
    context = {"Execution": {"Id": "e", "Input": {}}, "StateMachine": {"Id": "m"}}
    for name, state in states_of(machine(assembly, pipeline)):
        if state.get("Resource", "").endswith("lambda:invoke"):
            given = evaluate(state["Arguments"]["Payload"], input=[{}] if name == "Publish" else {}, context=context)
            assert given["execution"] == "e", name


@pytest.mark.parametrize("pipeline", _PIPELINES)
def test_every_task_hands_its_failure_on_with_its_name(assembly: Assembly, pipeline: str) -> None:
    branch = machine(assembly, pipeline)["States"]["Pipeline"]["Branches"][0]
    for name, state in states_of(branch):
        if state["Type"] == "Task":
            [caught] = state["Catch"]
            assert caught["ErrorEquals"] == ["States.ALL"] and caught["Output"]["step"] == name


def _wait(assembly: Assembly, pipeline: str, label: str) -> tuple[dict[str, Any], dict[str, Any]]:
    states = dict(states_of(machine(assembly, pipeline)))
    return states[f"Describe {label}"], states[f"{label.capitalize()} ready?"]


def decide(choice: dict[str, Any], payload: dict[str, Any]) -> tuple[str, Any]:
    for rule in choice["Choices"]:
        if evaluate(rule["Condition"], input=payload):
            return rule["Next"], evaluate(rule.get("Output", payload), input=payload)
    return choice["Default"], payload


def test_a_wait_grows_to_a_quarter_of_an_hour_and_ends_at_its_budget(assembly: Assembly) -> None:
    describe, choice = _wait(assembly, "forecasting", "dataset import job")
    payload, seconds = {"importJobArn": "a", "kind": "target"}, []
    while (following := decide(choice, payload)[0]) == "Wait for dataset import job" or not seconds:
        payload = evaluate(describe["Output"], input=payload, result={"Status": "CREATE_IN_PROGRESS"})
        seconds.append(payload["wait"]["seconds"])
        assert len(seconds) < 1000
    assert seconds[:4] == [5, 7, 10, 13] and max(seconds) == 900
    assert following == "Load failed"
    told = decide(choice, payload)[1]
    assert told["error"] == "Storecast.BudgetSpent" and "after its budget of 180 minutes" in told["message"]
    assert payload["kind"] == "target"


def test_a_wait_for_another_resource_starts_at_zero(assembly: Assembly) -> None:
    describe, _ = _wait(assembly, "forecasting", "forecast")
    before = {"madeArn": "b", "wait": {"arn": "a", "seconds": 60, "waited": 999}}
    after = evaluate(describe["Output"], input=before, result={"Status": "CREATE_PENDING"})
    assert after["wait"] == {"arn": "b", "status": "CREATE_PENDING", "seconds": 5, "waited": 0}


def test_a_failed_resource_fails_with_the_services_own_message(assembly: Assembly) -> None:
    describe, choice = _wait(assembly, "forecasting", "auto predictor")
    payload = evaluate(
        describe["Output"],
        input={"predictorArn": "p"},
        result={"Status": "CREATE_FAILED", "Message": "too little data"},
    )
    following, told = decide(choice, payload)
    assert following == "Train failed"
    assert told == {
        "step": "Wait for auto predictor",
        "resource": "p",
        "error": "CREATE_FAILED",
        "message": "too little data",
    }


@pytest.mark.parametrize(
    ("recommender", "following"),
    [
        ({"Status": "ACTIVE"}, "Recommend again?"),
        ({"Status": "ACTIVE", "LatestRecommenderUpdate": {"Status": "ACTIVE"}}, "Recommend again?"),
        ({"Status": "ACTIVE", "LatestRecommenderUpdate": {"Status": "CREATE IN_PROGRESS"}}, "Wait for recommender"),
        (
            {"Status": "ACTIVE", "LatestRecommenderUpdate": {"Status": "CREATE FAILED", "FailureReason": "r"}},
            "Recommend failed",
        ),
        ({"Status": "CREATE FAILED", "FailureReason": "r"}, "Recommend failed"),
        ({"Status": "START PENDING"}, "Wait for recommender"),
    ],
)
def test_a_recommender_is_ready_when_its_update_is(
    assembly: Assembly, recommender: dict[str, Any], following: str
) -> None:
    describe, choice = _wait(assembly, "recommending", "recommender")
    payload = evaluate(describe["Output"], input={"recommenderArn": "r"}, result={"Recommender": recommender})
    assert decide(choice, payload)[0] == following


@pytest.mark.parametrize(("update_due", "following"), [(True, "Recommend"), (False, "Recommender is up to date")])
def test_a_recommender_that_was_off_or_updating_is_brought_up_to_date_when_it_is_on(
    assembly: Assembly, update_due: bool, following: str
) -> None:
    choice = dict(states_of(machine(assembly, "recommending")))["Recommend again?"]
    assert decide(choice, {"updateDue": update_due})[0] == following


@pytest.mark.parametrize(
    ("left", "polls", "following"),
    [([], 1, "Notify"), (["arn"], 1, "Wait for the rest to go"), (["arn", "arn"], 40, "Notify")],
)
def test_a_run_waits_for_what_it_deletes_but_not_for_ever(
    assembly: Assembly, left: list[str], polls: int, following: str
) -> None:
    choice = dict(states_of(machine(assembly, "recommending")))["Anything left?"]
    assert decide(choice, {"left": left, "polls": polls})[0] == following


@pytest.mark.parametrize(("payload", "trackers"), [({}, []), ({"eventTracker": {"a": 1}}, [{"a": 1}])])
def test_an_event_tracker_is_waited_for_where_there_is_one(
    assembly: Assembly, payload: dict[str, Any], trackers: list[Any]
) -> None:
    items = dict(states_of(machine(assembly, "recommending")))["Event tracker"]["Items"]
    assert evaluate(items, input=payload) == trackers


@pytest.mark.parametrize(
    ("resource", "label", "following"),
    [
        ({"Campaign": {"Status": "ACTIVE"}}, "campaign", "Campaign is ready"),
        ({"Campaign": {"Status": "ACTIVE", **_CHANGING["Campaign"]}}, "campaign", "Wait for campaign"),
        ({"Dataset": {"Status": "ACTIVE", **_CHANGING["Dataset"]}}, "dataset", "Wait for dataset"),
        ({"SolutionVersion": {"Status": "ACTIVE"}}, "solution version", "With a campaign?"),
        ({"SolutionVersion": {"Status": "CREATE STOPPED"}}, "solution version", "Solution failed"),
        ({"Filter": {"Status": "CREATE FAILED", "FailureReason": "r"}}, "filter", "Filter failed"),
    ],
)
def test_what_serves_is_ready_when_it_and_its_update_are(
    assembly: Assembly, resource: dict[str, Any], label: str, following: str
) -> None:
    describe, choice = _wait(assembly, "recommending", label)
    arn = {f"{resource_[0].lower()}{resource_[1:]}Arn": "a" for resource_ in resource}
    payload = evaluate(describe["Output"], input=arn, result=resource)
    assert decide(choice, payload)[0] == following


@pytest.mark.parametrize(
    ("solution", "following"), [({}, "Without a campaign"), ({"campaign": {}}, "Recommend campaign")]
)
def test_a_solution_may_be_without_a_campaign(assembly: Assembly, solution: dict[str, Any], following: str) -> None:
    choice = dict(states_of(machine(assembly, "recommending")))["With a campaign?"]
    assert decide(choice, solution)[0] == following


def test_what_recommends_is_gathered_beside_the_payload(assembly: Assembly) -> None:
    """One solution alone makes a list too; what their items carried along is gone."""
    states = dict(states_of(machine(assembly, "recommending")))
    payload = {"run": "r", "recommenders": [{"useCase": "a"}, {"useCase": "b"}], "solutions": [{"name": "s"}]}
    made = [{"useCase": name, "recommenderArn": name, "request": {}, "wait": {}} for name in "ab"]
    branches = [
        evaluate(states["Recommenders"]["Output"], input=payload, result=made),
        evaluate(states["Solutions"]["Output"], input=payload, result=[{"name": "s", "solutionArn": "s", "wait": {}}]),
    ]
    assert evaluate(states["Gather what recommends"]["Output"], input=branches) == {
        "run": "r",
        "recommenders": [{"useCase": name, "recommenderArn": name} for name in "ab"],
        "solutions": [{"name": "s", "solutionArn": "s"}],
    }


def test_the_lock_is_handed_to_an_execution_that_can_be_named_beforehand(assembly: Assembly) -> None:
    states = machine(assembly, "forecasting")["States"]
    names = {"Id": "arn:aws:states:r:1:execution:m:run-1", "Name": "run-1"}
    hash_ = {"hash": lambda text, algorithm: "0123456789abcdef" * 4}

    def said(text: str) -> str:
        expression = jsonata.Jsonata.jsonata(text[2:-2].strip())
        expression.register_lambda("hash", hash_["hash"])
        return expression.evaluate(None, {"states": {"context": {"Execution": names}}})

    holder = said(states["Hand over the lock"]["Arguments"]["ExpressionAttributeValues"][":next"]["S"])
    assert holder == "arn:aws:states:r:1:execution:m:" + said(states["Start the next run"]["Arguments"]["Name"])


@pytest.mark.parametrize("pipeline", _PIPELINES)
def test_a_run_with_nothing_new_ends_with_what_plan_says(assembly: Assembly, pipeline: str) -> None:
    choice = dict(states_of(machine(assembly, pipeline)))["Anything new?"]
    assert decide(choice, {"nothingNew": "all as before"}) == (
        "Nothing new",
        {"summary": {"nothingNew": "all as before"}},
    )
    assert decide(choice, {"imports": []})[0] == "Ensure"


@pytest.mark.parametrize("pipeline", _PIPELINES)
@pytest.mark.parametrize("changed", [[], ["a"], ["a", "b"]])
def test_only_changed_datasets_are_imported(assembly: Assembly, pipeline: str, changed: list[str]) -> None:
    """Also none or one of them makes a list, as a Map needs it."""
    items = dict(states_of(machine(assembly, pipeline)))["Import"]["Items"]
    imports = [{"kind": kind, "changed": kind in changed} for kind in ("a", "b")]
    assert evaluate(items, input={"imports": imports}) == [job for job in imports if job["changed"]]


@pytest.mark.parametrize(("given", "force"), [({}, False), ({"force": True}, True), ({"force": "yes"}, False)])
def test_force_comes_from_the_input_of_the_execution(assembly: Assembly, given: dict[str, Any], force: bool) -> None:
    plan = dict(states_of(machine(assembly, "forecasting")))["Plan"]
    assert evaluate(plan["Arguments"]["Payload"]["force"], input=given) is force


@pytest.mark.parametrize("pipeline", _PIPELINES)
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, ""),
        ({"force": False}, ""),
        ({"force": True, "dry_run": True}, ""),
        ({"version": "0", "source": "aws.s3", "detail-type": "Object Created", "detail": {}}, ""),
        ({"dryrun": True}, "unknown key dryrun; allowed are force and dry_run"),
        ({"force": "true"}, "force is true of type string; allowed are"),
        ({"force": 1, "dry-run": True}, "unknown key dry-run; force is 1 of type number; allowed are"),
        ({"dry_run": None}, "dry_run is null of type null; allowed are"),
        ([{"force": True}], "the input is not a JSON object; allowed are"),
        ("force", "the input is not a JSON object; allowed are"),
    ],
)
def test_an_input_with_unknown_or_mistyped_keys_starts_nothing(
    assembly: Assembly, pipeline: str, given: Any, problem: str
) -> None:
    definition = machine(assembly, pipeline)
    following, _ = decide(definition["States"][definition["StartAt"]], given)
    assert following == ("Input refused" if problem else "Dry run?")
    assert problem in evaluate(definition["States"]["Input refused"]["Cause"], input=given)


def test_a_forced_run_does_not_vanish_into_the_one_in_progress(assembly: Assembly) -> None:
    states = machine(assembly, "forecasting")["States"]
    busy = {"status": "RUNNING", "holder": "run-1"}
    assert decide(states["Is the holder at work?"], {**busy, "force": True})[0] == "Busy"
    assert "run-1 is running" in evaluate(states["Busy"]["Cause"], input=busy)
    assert decide(states["Is the holder at work?"], busy)[0] == "Joined"


def test_the_serving_predictor_forecasts_and_the_trained_one_is_looked_back_on(assembly: Assembly) -> None:
    states, payload = dict(states_of(machine(assembly, "forecasting"))), {"predictorArn": "new", "servingArn": "in use"}
    assert evaluate(states["Forecasts"]["ItemSelector"]["sourceArn"], input=payload) == "in use"
    assert evaluate(states["Export backtests"]["Arguments"]["Payload"]["sourceArn"], input=payload) == "new"


def test_each_algorithm_is_waited_for_in_its_own_way(assembly: Assembly) -> None:
    states = dict(states_of(machine(assembly, "forecasting")))
    for kind, label in (("auto_predictor", "auto predictor"), ("predictor", "predictor")):
        payload = {"predictor": {"kind": kind}, "predictorArn": "p"}
        assert decide(states["Which training?"], payload)[0] == f"Describe {label}"
        assert evaluate(states[f"Describe {label}"]["Arguments"], input=payload) == {"PredictorArn": "p"}


@pytest.mark.parametrize("failing", [[], ["ETS"], ["ETS", "NPTS"]])
def test_an_algorithm_that_fails_leaves_the_others_to_serve(assembly: Assembly, failing: list[str]) -> None:
    """Also none or one of them makes a list; without any the run fails as the first did."""
    states, names = dict(states_of(machine(assembly, "forecasting"))), ["ETS", "NPTS"]
    told = {"step": "Train", "error": "InvalidInputException", "message": "no"}
    assert states["Train failed"]["Type"] == "Pass"
    ended = [
        evaluate(states["Train failed"]["Output"], input=told)
        if name in failing
        else {"predictor": {"algorithm": name, "request": {}}, "predictorArn": name.lower()}
        for name in names
    ]
    payload = {"run": "r", "predictors": [{"algorithm": name, "kind": "predictor"} for name in names]}
    after = evaluate(states["Algorithms"]["Output"], input=payload, result=ended)
    trained = [{"algorithm": name, "predictorArn": name.lower()} for name in names if name not in failing]
    failed = [{"algorithm": name, **told} for name in names if name in failing]
    assert after == {"run": "r", "predictors": trained, "failed": failed}
    assert states["Algorithms"]["Next"] == "Any trained?"
    following = decide(states["Any trained?"], after)
    assert following == (("Compare", after) if trained else ("Pipeline failed", failed[0]))


def test_with_nothing_to_train_the_predictor_in_use_goes_on(assembly: Assembly) -> None:
    states = dict(states_of(machine(assembly, "forecasting")))
    after = evaluate(states["Algorithms"]["Output"], input={"predictors": []}, result=[])
    assert after == {"predictors": [], "failed": []} and decide(states["Any trained?"], after)[0] == "Compare"


@pytest.mark.parametrize(("given", "force"), [({}, False), ({"force": True}, True)])
def test_the_forecasts_in_use_are_held_against_what_was_imported(
    assembly: Assembly, given: dict[str, Any], force: bool
) -> None:
    states = dict(states_of(machine(assembly, "forecasting")))
    assert states["Import again?"]["Default"] == "Compare with actuals"
    assert states["Compare with actuals"]["Next"] == "Algorithms"
    payload, context = states["Compare with actuals"]["Arguments"]["Payload"], {"Execution": {"Input": given}}
    assert evaluate(payload, input={"run": "r"}, context=context) == {"run": "r", "part": "actuals", "force": force}


def test_what_ifs_and_explainability_only_where_the_serving_predictor_makes_them(assembly: Assembly) -> None:
    states = dict(states_of(machine(assembly, "forecasting")))
    for choice, there, then, otherwise in (
        ("Any what-ifs?", {"scenarios": True}, "Forecast what-ifs", "No what-ifs"),
        ("To be explained?", {"explained": True}, "Forecast explainability", "Nothing explained"),
    ):
        assert decide(states[choice], there)[0] == then and decide(states[choice], {})[0] == otherwise
    payload = {"forecasts": [{"forecastArn": "f"}, {"forecastArn": "g"}], "whatIf": {"analysis": {"kind": "k"}}}
    asked = evaluate(states["Forecast what-ifs"]["Arguments"]["Payload"], input=payload)
    assert asked["forecast"] == {"kind": "k"} and asked["sourceArn"] == "f"
    after = evaluate(states["Scenarios"]["Output"], input=payload, result=[{"madeArn": "one"}])
    assert after["scenarioArns"] == ["one"] and after["forecasts"] == payload["forecasts"]


def test_what_is_used_no_more_leaves_the_state(assembly: Assembly) -> None:
    """The branches of a Parallel and the iterations of a Map return into one state, which holds 256 KiB."""
    forecasting, recommending = (dict(states_of(machine(assembly, pipeline))) for pipeline in _PIPELINES)
    for ended in ("Predictor backtest export job is ready", "Explainability export is ready", "Nothing explained"):
        assert evaluate(forecasting[ended]["Output"], input={"run": "r"}) == {}
    made = {"Payload": {"summary": {"run": "r"}}}
    assert evaluate(forecasting["Publish"]["Output"], input=[{"config": {}}, {}, {}], result=made) == made["Payload"]
    given = {"groupArn": "g", "filters": [], "batch": [], "inputs": {}, "datasets": []}
    after = evaluate(recommending["Publish"]["Output"], input=given, result=made)
    assert after == {"groupArn": "g", "filters": [], **made["Payload"]}
    job = {"name": "b", "batchInferenceJobArn": "j", "solutions": [], "filters": [], "wait": {}}
    ended = evaluate(recommending["Batch inference job is ready"]["Output"], input=job)
    assert ended == {"name": "b", "batchInferenceJobArn": "j"}
    assert evaluate(recommending["Batch"]["Output"], input={"run": "r"}, result=[ended]) == {
        "run": "r",
        "batch": [ended],
    }
    long = evaluate(forecasting["Train"]["Catch"][0]["Output"], errorOutput={"Error": "E", "Cause": "x" * 32_768})
    assert len(long["message"]) == 2_000
    assert len(evaluate(forecasting["Train failed"]["Output"], input=long)["failure"]["message"]) == 600


def test_a_predictor_that_cannot_be_explained_fails_no_run(assembly: Assembly) -> None:
    """ARIMA, ETS and NPTS have no explainability (docs/aws-sources.md#forecast-predictor-explainability): Publish is
    handed the reason."""
    states = dict(states_of(machine(assembly, "forecasting")))
    describe, choice = _wait(assembly, "forecasting", "explainability")
    failed = {"Status": "CREATE_FAILED", "Message": "no explainable model"}
    following, reason = decide(choice, evaluate(describe["Output"], input={"madeArn": "e"}, result=failed))
    assert following == "Explanation failed" and states[following]["Type"] == "Pass"
    ended = evaluate(states[following]["Output"], input=reason)
    given = evaluate(states["Publish"]["Arguments"]["Payload"], input=[{"run": "r"}, {}, ended], context=_CONTEXT)
    assert given["unexplained"]["message"] == "no explainable model" and given["run"] == "r"
    whole = evaluate(states["Publish"]["Arguments"]["Payload"], input=[{"run": "r"}, {}, {}], context=_CONTEXT)
    assert "unexplained" not in whole
